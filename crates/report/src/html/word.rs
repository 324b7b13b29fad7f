//! Words with colors. There is a word beside each color.

use chaostoolkit_journal::RunResult;
use maud::{Markup, html};

use crate::model::{Activity, ActivityStatus, Run};

/// The class of a run.
pub(crate) const fn of_run(run: &Run) -> &'static str {
    match run.result {
        Some(RunResult::Passed) => "good",
        Some(RunResult::Inconclusive | RunResult::Interrupted | RunResult::Unknown) | None => "odd",
        Some(_) => "bad",
    }
}

/// The result of a run in a frame.
pub(crate) fn badge(run: &Run) -> Markup {
    html! { span class={ "badge " (of_run(run)) } { (mark(of_run(run))) " " (run.word()) } }
}

/// The class of an activity.
pub(crate) fn of_activity(activity: &Activity) -> &'static str {
    match activity.status {
        _ if !activity.is_bad() => "good",
        ActivityStatus::Unfinished => "odd",
        _ => "bad",
    }
}

/// How an activity ended.
pub(crate) fn activity(activity: &Activity) -> Markup {
    word(of_activity(activity), activity.word())
}

/// A word in the color of a class, with a mark.
pub(crate) fn word(class: &str, word: &str) -> Markup {
    html! { span class={ "word " (class) } { (mark(class)) " " (word) } }
}

fn mark(class: &str) -> char {
    match class {
        "good" => '✔',
        "bad" => '✘',
        _ => '!',
    }
}
