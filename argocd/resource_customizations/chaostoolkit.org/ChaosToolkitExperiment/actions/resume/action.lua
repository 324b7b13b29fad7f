-- Takes back what keeps runs from starting, as far as it is set.
local spec = obj.spec or {}
if spec.suspend == true then
  spec.suspend = false
end
if spec.abort == true then
  spec.abort = false
end
if type(spec.schedule) == "table" and spec.schedule.suspend == true then
  spec.schedule.suspend = false
end
return obj
