//! Whether a run may start now: one judge for the run of an experiment, for a rerun, and for each run of a schedule.
//!
//! The first check that says no counts, in the order of this file. What the author has to correct is an error. What passes by
//! itself, or once somebody lifts it, is a hold. A rescue is not asked, since it undoes a fault.

use crate::experiment::build::resources::Resources;
use crate::experiment::context::Context;
use crate::experiment::error::Error;
use crate::experiment::freezes::known::NotListed;
use crate::experiment::freezes::over::Reach;
use crate::experiment::hold::Hold;
use crate::experiment::permit::{self, Permit};
use crate::process::clock;
use chaostoolkit_api::Experiment;

/// Whether a run may start now.
pub enum Answer {
    /// It may.
    Yes(Permit),
    /// It waits for this.
    Held(Hold),
    /// The operator has just started, and does not know yet.
    NotKnown,
}

/// Asks whether a run of an experiment with these objects may start now. An error that is for people says why its author may
/// not have it.
pub async fn may_start(
    context: &Context,
    experiment: &Experiment,
    resources: &Resources,
) -> Result<Answer, Error> {
    match frozen(context, experiment, resources) {
        Err(NotListed) => return Ok(Answer::NotKnown),
        Ok(Some(hold)) => return Ok(Answer::Held(hold)),
        Ok(None) => {}
    }
    permit::may_start(context, experiment, resources).await.map(Answer::Yes)
}

/// Whether a freeze keeps the run from starting.
fn frozen(
    context: &Context,
    experiment: &Experiment,
    resources: &Resources,
) -> Result<Option<Hold>, NotListed> {
    let reach = Reach::of_resources(experiment, resources);
    context.freezes.hold(experiment.uid(), &reach, clock::of_server())
}
