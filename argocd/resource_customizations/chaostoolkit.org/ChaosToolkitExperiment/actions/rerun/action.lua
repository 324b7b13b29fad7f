-- Asks for one more run. Each new value of the annotation asks for one.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["chaostoolkit.org/rerun"] = os.date("!%Y-%m-%dT%XZ")
return obj
