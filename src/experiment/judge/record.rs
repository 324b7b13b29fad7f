//! What the evidence adds to the record of a run.

use crate::experiment::judge::evidence::Evidence;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Activities, Rollbacks, Run, StartedRun, Starts};
use chaostoolkit_journal::message::Start;
use chaostoolkit_journal::{RollbackState, Summary, redact};

/// Writes what the evidence says into the record of a run.
pub fn record(run: &mut Run, evidence: &Evidence) {
    let strategy = evidence.message.as_ref().and_then(|message| message.rollback_strategy.clone());
    if let Some(message) = &evidence.message {
        run.toolkit.version.clone_from(&message.toolkit);
        run.signal = message.signal;
        run.starts = message.starts.as_ref().map(|starts| Starts {
            total: i64::from(starts.total),
            unobserved: i64::from(starts.unobserved),
        });
        let starts = message.starts.iter().flat_map(|starts| &starts.list);
        run.runs = starts.map(started).take(MAX_STARTS).collect();
    }
    if let Some(Summary { steady_state, activities, toolkit, experiment, .. }) = &evidence.summary {
        run.toolkit.lib.clone_from(&toolkit.lib);
        run.experiment.title = experiment.title.as_deref().map(redact);
        run.steady_state = Some(*steady_state);
        run.activities = Some(Activities {
            total: number(activities.total),
            succeeded: number(activities.succeeded),
            failed: number(activities.failed),
        });
    }
    let of_summary = evidence.summary.as_ref().map(|summary| &summary.rollbacks);
    let of_starts = || evidence.message.as_ref()?.starts.as_ref()?.rollbacks.as_ref();
    if let Some(rollbacks) = of_summary.or_else(of_starts) {
        run.rollbacks = Some(Rollbacks {
            strategy: strategy.or_else(|| rollbacks.strategy.clone()),
            state: rollbacks.state,
            total: number(rollbacks.total),
            failed: number(rollbacks.failed),
        });
    }
    run.log_tail.clone_from(&evidence.log_tail);
}

/// How many starts are listed. The runner lists as many, but another program may have written the message.
const MAX_STARTS: usize = 16;

/// Describes one of several starts.
fn started(start: &Start) -> StartedRun {
    StartedRun {
        number: i64::from(start.number),
        outcome: start.outcome,
        warnings: start.warnings.clone(),
        exit_code: start.exit_code,
        rollbacks: start.rollbacks,
        title: start.title.as_deref().map(redact),
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Whether the rollbacks of a run that has ended were played, with the reason and the message of the condition. Nothing if
/// that is not known, or if there were none.
#[must_use]
pub fn rolled_back(run: &Run) -> (Option<bool>, Reason, String) {
    let Some(rollbacks) = &run.rollbacks else {
        return (
            None,
            Reason::NoJournal,
            "there is no journal that says whether rollbacks were played".to_owned(),
        );
    };
    let (is, reason, text) = rollbacks_played(rollbacks);
    let unobserved = run.starts.map_or(0, |starts| starts.unobserved);
    if unobserved > 0 && is == Some(true) {
        let noun = if unobserved == 1 { "start" } else { "starts" };
        let text = format!("{text}, but {unobserved} {noun} of the toolkit could not be observed");
        return (None, Reason::ToolkitUnobserved, text);
    }
    (is, reason, text)
}

/// Whether these rollbacks were played.
#[must_use]
pub fn rollbacks_played(rollbacks: &Rollbacks) -> (Option<bool>, Reason, String) {
    let Rollbacks { total, failed, .. } = rollbacks;
    match rollbacks.state {
        RollbackState::Played => (
            Some(true),
            Reason::RollbacksPlayed,
            format!("all rollbacks ({total}) were played and succeeded"),
        ),
        RollbackState::NoneDeclared => {
            (None, Reason::NoRollbacks, "the experiment declares no rollbacks".to_owned())
        }
        RollbackState::Failed => {
            (Some(false), Reason::RollbackFailed, format!("{failed} of {total} rollbacks failed"))
        }
        RollbackState::NotPlayed => {
            (Some(false), Reason::RollbacksNotPlayed, format!("none of {total} rollbacks was played"))
        }
        RollbackState::Unfinished | RollbackState::Partial => {
            (Some(false), Reason::RollbacksNotPlayed, format!("not all of {total} rollbacks were played"))
        }
        RollbackState::Unknown => (
            None,
            Reason::JournalUnreadable,
            "the journal does not say whether rollbacks were played".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_journal::message::{self, Message};
    use rstest::rstest;

    #[test]
    fn nobody_knows_the_rollbacks_of_a_start_that_could_not_be_observed() {
        let rollbacks = Some(Rollbacks { state: RollbackState::Played, ..Rollbacks::default() });
        let starts = Some(Starts { total: 1, unobserved: 1 });
        let run = Run { rollbacks, starts, ..Run::default() };
        let (found, reason, _) = rolled_back(&run);
        assert_eq!((found, reason), (None, Reason::ToolkitUnobserved));
    }

    #[test]
    fn the_rollbacks_of_all_starts_count_if_the_worst_one_has_no_journal() {
        let joined = chaostoolkit_journal::Rollbacks {
            state: RollbackState::Failed,
            total: 2,
            failed: 1,
            ..chaostoolkit_journal::Rollbacks::default()
        };
        let starts = message::Starts { total: 2, rollbacks: Some(joined), ..message::Starts::default() };
        let message = Message { starts: Some(starts), ..Message::new(message::State::Ended) };
        let mut run = Run::default();
        record(&mut run, &Evidence { message: Some(message), ..Evidence::default() });
        assert_eq!(rolled_back(&run).1, Reason::RollbackFailed);
    }

    #[rstest]
    #[case(RollbackState::Played, Some(true), Reason::RollbacksPlayed)]
    #[case(RollbackState::NoneDeclared, None, Reason::NoRollbacks)]
    #[case(RollbackState::Failed, Some(false), Reason::RollbackFailed)]
    #[case(RollbackState::NotPlayed, Some(false), Reason::RollbacksNotPlayed)]
    #[case(RollbackState::Partial, Some(false), Reason::RollbacksNotPlayed)]
    #[case(RollbackState::Unfinished, Some(false), Reason::RollbacksNotPlayed)]
    #[case(RollbackState::Unknown, None, Reason::JournalUnreadable)]
    fn rollbacks(#[case] state: RollbackState, #[case] is: Option<bool>, #[case] why: Reason) {
        let run = Run { rollbacks: Some(Rollbacks { state, ..Rollbacks::default() }), ..Run::default() };
        let (found, reason, _) = rolled_back(&run);
        assert_eq!((found, reason), (is, why));
    }
}
