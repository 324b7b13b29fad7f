-- Lets no run start. A run that goes on is not stopped.
if obj.spec == nil then
  obj.spec = {}
end
obj.spec.suspend = true
return obj
