//! The verdict by the journal.

use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::forbidden;
use crate::experiment::judge::verdict::types::Verdict;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::{Outcome, RunResult, SteadyState, SteadyStates, Summary, Warning, rate};

/// Judges a run by the summary of its journal.
pub fn from_journal(summary: &Summary, end: &End) -> Verdict {
    let rating = rate(summary.outcome, &summary.warnings);
    let (reason, text) = match summary.outcome {
        Outcome::Passed if rating.result == RunResult::Inconclusive => {
            (Reason::Inconclusive, passed(summary))
        }
        Outcome::Passed => (Reason::Passed, passed(summary)),
        Outcome::Deviated => (Reason::Deviated, deviated(summary)),
        Outcome::BaselineNotMet => (Reason::BaselineNotMet, baseline_not_met(summary)),
        Outcome::ProbeError => (Reason::ProbeError, probe_error(summary.steady_state)),
        Outcome::Aborted => (Reason::Aborted, "the toolkit met an error that it did not expect".to_owned()),
        Outcome::Interrupted if end.deleted => {
            (Reason::PodDeleted, "the pod was deleted, and the run stopped for that".to_owned())
        }
        Outcome::Interrupted => (Reason::Interrupted, "a signal or a control ended the run".to_owned()),
        Outcome::Invalid | Outcome::Error | Outcome::Unknown => {
            let why = summary.doubt.clone().unwrap_or_else(|| "it does not say how the run ended".to_owned());
            let text = format!("the journal does not show what the run found: {why}");
            return Verdict::new(Outcome::Unknown, Reason::JournalUnreadable, text);
        }
    };
    let open = summary.warnings.iter().filter_map(|open| explain(*open, summary));
    let detail = summary.detail.as_ref().map(ToString::to_string);
    let message = std::iter::once(text).chain(open).chain(detail).collect::<Vec<_>>().join("; ");
    Verdict {
        warnings: summary.warnings.clone(),
        conclusive: rating.conclusive,
        lacking: forbidden::advice(&summary.forbidden, end.account.as_deref()),
        ..Verdict::new(summary.outcome, reason, message)
    }
}

fn passed(summary: &Summary) -> String {
    if !summary.warnings.contains(&Warning::NoHypothesis) {
        return "the steady state held".to_owned();
    }
    let nothing = "nothing was judged, since no steady-state hypothesis was evaluated";
    let activities = &summary.activities;
    match activities.total {
        0 => format!("{nothing}; the journal has no activities of a method"),
        total => format!("{nothing}; {} of {total} activities of the method succeeded", activities.succeeded),
    }
}

fn deviated(summary: &Summary) -> String {
    let SteadyStates { before, during, after } = summary.steady_state;
    let when = |state| match (during == state, after == state) {
        (true, true) => Some("during and after"),
        (true, false) => Some("during"),
        (false, true) => Some("after"),
        (false, false) => None,
    };
    let held = "the steady state held before the method";
    match (before, when(SteadyState::NotMet), when(SteadyState::ProbeError)) {
        (SteadyState::Met, Some(when), _) => format!("{held}, and did not hold {when} it"),
        (SteadyState::NotEvaluated, Some(when), _) => {
            format!("the steady state did not hold {when} the method, and was not evaluated before it")
        }
        (_, Some(when), _) => format!("the steady state did not hold {when} the method"),
        (SteadyState::Met, None, Some(when)) => {
            format!("{held}; a probe failed {when} it, which the toolkit calls a deviation")
        }
        (_, None, Some(when)) => {
            format!("a probe failed {when} the method, which the toolkit calls a deviation")
        }
        (_, None, None) => "the toolkit says that the system deviated".to_owned(),
    }
}

/// Older versions of the toolkit start the method nevertheless. A summary that was shortened does not tell.
fn baseline_not_met(summary: &Summary) -> String {
    let text = "the steady state did not hold before the method";
    match (summary.activities.played, summary.steady_state.before) {
        (0, SteadyState::NotMet) => format!("{text}, which therefore did not run"),
        (0, _) => text.to_owned(),
        (played, _) => {
            format!("{text}; {played} of {} activities of it were started anyway", summary.activities.total)
        }
    }
}

fn probe_error(states: SteadyStates) -> String {
    let text = "a probe of the steady state could not be executed";
    let phases = [(states.before, "before"), (states.during, "during"), (states.after, "after")];
    let phase = phases.into_iter().find(|(state, _)| *state == SteadyState::ProbeError);
    phase.map_or_else(|| text.to_owned(), |(_, phase)| format!("{text} {phase} the method"))
}

fn explain(open: Warning, summary: &Summary) -> Option<String> {
    let (activities, rollbacks) = (&summary.activities, &summary.rollbacks);
    Some(match open {
        Warning::ActivityFailed => {
            format!("{} of {} activities of the method failed", activities.failed.max(1), activities.total)
        }
        Warning::RollbackFailed => {
            format!("{} of {} rollbacks failed", rollbacks.failed.max(1), rollbacks.total)
        }
        Warning::RollbacksNotPlayed => {
            format!("{} of {} rollbacks were started", rollbacks.played, rollbacks.total)
        }
        Warning::NoHypothesis if summary.outcome == Outcome::Passed => return None,
        Warning::NoHypothesis => "there is no steady-state hypothesis to judge the system by".to_owned(),
        Warning::DryRun => "it was a dry run".to_owned(),
        Warning::ProbeFailed => "nobody measured how the system was then".to_owned(),
        // A summary that was shortened does not have them.
        Warning::ActivityForbidden => forbidden::sentence(&summary.forbidden)
            .unwrap_or_else(|| "the API server refused a request of an activity".to_owned()),
    })
}
