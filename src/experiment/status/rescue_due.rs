//! Whether another pod has to play the rollbacks of a run: pure.

use crate::experiment::intent::Intent;
use chaostoolkit_api::{Outcome, Run, Status};
use chaostoolkit_journal::RollbackState;

/// Whether a rescue goes on, or has to begin.
#[must_use]
pub fn is_open(status: &Status, intent: &Intent) -> bool {
    let Some(run) = status.run.as_ref().filter(|_| status.is_finished()) else { return false };
    match &run.rescue {
        Some(rescue) => rescue.finished_at.is_none(),
        None => intent.rescue && is_needed(status.outcome.unwrap_or_default(), run),
    }
}

/// Whether a run may have left its fault in place: it began, and it ended before its rollbacks were complete. A run
/// that came to a verdict played them, or did not, as its author wants.
#[must_use]
pub fn is_needed(outcome: Outcome, run: &Run) -> bool {
    let was_ended =
        matches!(outcome, Outcome::Interrupted | Outcome::Aborted | Outcome::Error | Outcome::Unknown);
    // A pod that vanished may have run unseen.
    let may_have_begun = run.started_at.is_some() || (run.killed && run.pod_uid.is_some());
    if !was_ended || !may_have_begun {
        return false;
    }
    // An older version did not record that a run was killed. Exit code 137 means killed. No exit code means that nobody saw
    // the end.
    let was_killed = run.killed || run.exit_code.is_none_or(|code| code == 137);
    match &run.rollbacks {
        Some(rollbacks) if rollbacks.strategy.as_deref() == Some("never") => false,
        Some(rollbacks) => match rollbacks.state {
            RollbackState::NotPlayed | RollbackState::Unfinished | RollbackState::Partial => true,
            RollbackState::Unknown => was_killed,
            RollbackState::NoneDeclared | RollbackState::Failed | RollbackState::Played => false,
        },
        None => was_killed,
    }
}
