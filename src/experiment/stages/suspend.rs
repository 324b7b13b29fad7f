//! `spec.suspend` of an experiment without a schedule: its run does not start. A `CronJob` is suspended by its own field.

use kube::runtime::controller::Action;

use crate::experiment::decide::plan::Plan;
use crate::experiment::intent::Intent;
use crate::experiment::pass::Pass;

/// Keeps the run from starting while the author wants it suspended, and returns what to wait for.
pub fn suspend(pass: &mut Pass<'_>, intent: &Intent, plan: &Plan) -> Option<Action> {
    if !intent.suspend || plan.schedule.is_some() {
        return None;
    }
    pass.draft.suspended();
    Some(Action::await_change())
}
