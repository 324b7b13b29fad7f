-- Stops the run, or keeps it from starting. The toolkit plays its rollbacks.
if obj.spec == nil then
  obj.spec = {}
end
obj.spec.abort = true
return obj
