//! Words with colors. There is a word beside each color.

use maud::{Markup, html};

use crate::mark::Mark;
use crate::model::{Activity, Run};

/// The class of the color of a mark.
pub(crate) fn class(mark: Mark) -> &'static str {
    mark.into()
}

/// The result of a run in a frame.
pub(crate) fn badge(run: &Run) -> Markup {
    let mark = run.result.map_or(Mark::Odd, Mark::of_result);
    html! { span class={ "badge " (class(mark)) } { (mark.sign()) " " (run.word()) } }
}

/// How an activity ended.
pub(crate) fn activity(activity: &Activity) -> Markup {
    word(Mark::of_activity(activity), activity.word())
}

/// A word in the color of its mark.
pub(crate) fn word(mark: Mark, word: &str) -> Markup {
    html! { span class={ "word " (class(mark)) } { (mark.sign()) " " (word) } }
}
