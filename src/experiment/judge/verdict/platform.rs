//! Runs that the platform ended.

use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::types::Verdict;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::Outcome;

/// Why the platform ended the run, if it says that it did.
pub fn platform(end: &End) -> Option<Reason> {
    end.cause.or_else(|| (end.word == "OOMKilled").then_some(Reason::OOMKilled))
}

/// The verdict on a run that the platform ended.
pub fn ended_by_platform(pod: &str, end: &End) -> Option<Verdict> {
    let reason = platform(end)?;
    let text = match reason {
        Reason::OOMKilled => "the container used more memory than it may".to_owned(),
        Reason::DeadlineExceeded => format!("pod {pod} ran for longer than its activeDeadlineSeconds"),
        Reason::NodeLost => format!("the node of pod {pod} is gone"),
        Reason::Preempted => format!("pod {pod} had to make room for one of a higher priority"),
        Reason::Replaced => format!("the next run of the schedule replaced the run in pod {pod}"),
        _ => format!("pod {pod} was evicted"),
    };
    let text = if end.explanation.is_empty() { text } else { format!("{text}: {}", end.explanation) };
    Some(Verdict::new(Outcome::Error, reason, text))
}
