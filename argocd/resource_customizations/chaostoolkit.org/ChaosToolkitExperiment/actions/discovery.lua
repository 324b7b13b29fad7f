-- The actions on a ChaosToolkitExperiment. Those that would do nothing now are disabled.
local spec = obj.spec or {}
local status = obj.status or {}
local run = status.run or {}

local is_deleted = obj.metadata.deletionTimestamp ~= nil
local is_aborted = spec.abort == true
-- A schedule in the spec may not be a mapping, if it is invalid.
local is_suspended = spec.suspend == true or (type(spec.schedule) == "table" and spec.schedule.suspend == true)
local has_schedule = status.schedule ~= nil
local has_ended = not has_schedule and run.finishedAt ~= nil
local is_rescued = run.rescue ~= nil and run.rescue.finishedAt == nil
local has_begun = status.phase == "Starting" or status.phase == "Running" or status.phase == "Aborting"

local can_abort = not is_aborted and (has_schedule or not (has_ended or status.phase == "Failed") or is_rescued)
-- A restored experiment, and a schedule that its runs have stopped, wait for a rerun.
local waits_for_rerun = status.reason == "Restored" or status.reason == "StoppedAfter"
local can_rerun = not is_aborted and not is_suspended
  and (has_ended or waits_for_rerun or (has_schedule and status.phase == "Scheduled"))
local can_suspend = not is_aborted and not is_suspended and not has_ended and (has_schedule or not has_begun)
local can_resume = is_aborted or is_suspended

return {
  abort = {disabled = is_deleted or not can_abort},
  rerun = {disabled = is_deleted or not can_rerun},
  suspend = {disabled = is_deleted or not can_suspend},
  resume = {disabled = is_deleted or not can_resume},
}
