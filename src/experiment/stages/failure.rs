//! What a pass that failed leaves on the status, and whether it is repeated.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tracing::warn;

use crate::experiment::context::LASTING;
use crate::experiment::error::Error;
use crate::experiment::intent::{self, Intent};
use crate::experiment::pass::Pass;
use crate::experiment::stages::{adopt, let_go};
use crate::experiment::wait::Wait;
use crate::process::clock;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::{Experiment, Run, Status, Text};

/// Records a failure that somebody has to act on, and any failure that lasts. Returns what to wait for, or the error if the pass is to be repeated.
pub async fn record(pass: &mut Pass<'_>, error: Error) -> Result<Wait, Error> {
    // What fails to start must not keep others from it. It asks again in its next pass.
    pass.context.mutexes.give_back(pass.live.uid());
    let error = pass.context.bindings.explained(&pass.context.cluster, pass.place(), error).await;
    if matches!(error, Error::RightsMissing { .. }) {
        match let_go::let_go(pass).await {
            Ok(Some(action)) => return Ok(action),
            Ok(None) => {}
            Err(left) if left.is_for_people() => {
                warn!("cannot let go what is held in a namespace that is being deleted: {}", left.describe());
            }
            Err(left) => return Err(left),
        }
    }
    let lasts = pass.context.backoff.failing_for(pass.live.uid()) >= LASTING;
    if pass.live.is_deleting() {
        if error.is_for_people() || lasts {
            pass.draft.cleanup_blocked(&error);
            tell(pass, &error).await?;
        }
        return Err(error);
    }
    if let Error::InvalidSpec(invalid) = &error {
        // Only an edit can help, and an edit brings the next pass.
        pass.draft.rejected(invalid);
        pass.write().await?;
        // What the schedule owes to the runs that it had started by then brings no pass.
        return Ok(pass.again.map_or_else(Wait::for_change, Wait::at_most));
    }
    let may_wait_forever = intent::is_scheduled(&pass.live) || adopt::is_due(&pass.live);
    let intent = pass.intent();
    if !may_wait_forever && pass.draft.gave_up_waiting(&intent, &error) {
        return pass.write().await.map(|()| Wait::for_change());
    }
    if error.is_for_people() || lasts {
        pass.draft.blocked(&error);
        tell(pass, &error).await?;
    }
    Err(error)
}

/// How long it takes until a run that has not started is given up, if it is.
#[must_use]
pub fn until_given_up(experiment: &Experiment, now: Timestamp) -> Option<Duration> {
    if intent::is_scheduled(experiment) {
        return None;
    }
    let status = experiment.status.clone().unwrap_or_default();
    let run = status.run.clone().unwrap_or_else(|| waiting_since(&status));
    let deadline = Intent::of(experiment).start_deadline(&run).filter(|deadline| *deadline > now)?;
    Some(clock::until(deadline, now))
}

/// A run that could not be decided on. It has waited since it was first blocked.
fn waiting_since(status: &Status) -> Run {
    let blocked = condition::find(&status.conditions, Type::Provisioned)
        .filter(|provisioned| provisioned.status == State::False.as_str());
    Run { requested_at: blocked.map(|blocked| blocked.last_transition_time.clone()), ..Run::default() }
}

/// Writes the status. If the API server fails anyway, the write may fail too, and the first failure counts.
async fn tell(pass: &mut Pass<'_>, error: &Error) -> Result<(), Error> {
    let written = pass.write().await;
    if error.is_for_people() { written } else { Ok(()) }
}
