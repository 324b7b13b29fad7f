-- The health of a ChaosToolkitExperiment, by the conditions Reconciling and Stalled of its status.
local health = {status = "Progressing", message = "No operator has seen the experiment yet"}

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "The experiment is being deleted"
  return health
end

local status = obj.status
if status == nil or status.phase == nil then
  return health
end
if status.observedGeneration ~= obj.metadata.generation then
  health.message = "The operator has not seen the last edit yet"
  return health
end

-- The annotation changes no generation, so the status still tells of the run before.
local asked = (obj.metadata.annotations or {})["chaostoolkit.org/rerun"]
local has_ended = status.run ~= nil and status.run.finishedAt ~= nil
local is_aborted = obj.spec ~= nil and obj.spec.abort == true
if asked ~= nil and asked ~= status.rerun and has_ended and not is_aborted then
  health.message = "The operator has not taken the rerun yet"
  return health
end

local holds = {}
for _, condition in ipairs(status.conditions or {}) do
  holds[condition.type] = condition.status == "True"
end

health.message = status.message or status.phase
if holds.Reconciling then
  health.status = "Progressing"
elseif holds.Stalled then
  health.status = "Degraded"
elseif status.phase == "Suspended" then
  health.status = "Suspended"
else
  health.status = "Healthy"
end
return health
