//! Whether a run may start: whether its author may do what the run will be allowed to do. It is asked right before each start.

use crate::experiment::build::resources::Resources;
use crate::experiment::context::Context;
use crate::experiment::error::Error;
use chaostoolkit_api::Experiment;
use chaostoolkit_api::reason::Reason;

/// The permission to start a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The name of the user who asked for the run, if it is known.
    pub requested_by: Option<String>,
    /// Why the run may start: the reason of the condition `Permitted`.
    pub reason: Reason,
}

/// Asks whether a run with these objects may start now. An error that is for people says why not.
#[expect(clippy::unused_async, reason = "the reviews are calls")]
pub async fn may_start(_: &Context, _: &Experiment, _: &Resources) -> Result<Permit, Error> {
    Ok(Permit { requested_by: None, reason: Reason::Permitted })
}
