//! What a pass that failed leaves on the status, and whether it is repeated.

use kube::runtime::controller::Action;

use crate::experiment::context::JOURNAL_RETRY;
use crate::experiment::error::Error;
use crate::experiment::intent;
use crate::experiment::pass::Pass;
use crate::experiment::stages::adopt;

/// Records a failure that somebody has to act on. Returns what to wait for, or the error if the pass is to be repeated.
pub async fn record(pass: &mut Pass<'_>, error: Error) -> Result<Action, Error> {
    if pass.live.is_deleting() {
        if error.is_for_people() {
            pass.draft.cleanup_blocked(&error);
            pass.write().await?;
        }
        return Err(error);
    }
    if let Error::InvalidSpec(invalid) = &error {
        // Only an edit can help, and an edit brings the next pass.
        pass.draft.rejected(invalid);
        pass.write().await?;
        // The journal of a run that the schedule had started by then brings no pass.
        let is_due = pass.draft.status.history.iter().any(|past| past.run.is_journal_due());
        return Ok(if is_due { Action::requeue(JOURNAL_RETRY) } else { Action::await_change() });
    }
    let may_wait_forever = intent::is_scheduled(&pass.live) || adopt::is_due(&pass.live);
    let intent = pass.intent();
    if !may_wait_forever && pass.draft.gave_up_waiting(&intent, &error) {
        return pass.write().await.map(|()| Action::await_change());
    }
    if error.is_for_people() {
        pass.draft.blocked(&error);
        pass.write().await?;
    }
    Err(error)
}
