//! `spec.suspend` of an experiment without a schedule: its run does not start. A `CronJob` is suspended by its own field.

use crate::experiment::decide::plan::Plan;
use crate::experiment::intent::Intent;
use crate::experiment::pass::Pass;
use crate::experiment::wait::Wait;

/// Keeps the run from starting while the author wants it suspended, and returns what to wait for.
pub fn suspend(pass: &mut Pass<'_>, intent: &Intent, plan: &Plan) -> Option<Wait> {
    if !intent.suspend || plan.schedule.is_some() {
        return None;
    }
    pass.draft.suspended();
    Some(Wait::for_change())
}
