//! Activities as lines of a tree.

use crate::mark::Mark;
use crate::model::{Activity, Listed};
use crate::terminal::tree::{Node, Tone};
use crate::text;
use crate::times;

/// The maximum number of lines of an output.
const MAX_LINES: usize = 12;
/// The maximum length of an output in characters.
const MAX_OUTPUT: usize = 1_000;

/// One line for each activity, and one for those that were left out.
pub(crate) fn activities(list: &Listed<Activity>) -> Vec<Node> {
    list.items.iter().map(activity).chain(more(list.omitted, "activity")).collect()
}

/// A line that says how many items are left out.
pub(crate) fn more(omitted: usize, noun: &str) -> Option<Node> {
    (omitted > 0).then(|| Node::new(Tone::Odd, format!("… {} left out", text::count(omitted, noun))))
}

fn activity(activity: &Activity) -> Node {
    let tolerance = activity.tolerance.as_ref().map(|tolerance| format!("expected {tolerance}"));
    let times = [activity.offset_seconds.map(times::offset), activity.duration_seconds.map(times::duration)];
    let times: Vec<String> = times.into_iter().flatten().collect();
    let node = Node::default()
        .marked(Mark::of_activity(activity), activity.word())
        .with(Tone::Plain, &activity.name)
        .with_some(Tone::Plain, tolerance)
        .with_some(Tone::Dim, Some(times.join(", ")))
        .with_some(Tone::Dim, Some(about(activity)));
    let error = activity.error.as_ref().map(|error| Node::new(Tone::Bad, format!("error: {}", end(error))));
    let details = activity.provider.as_ref().and_then(|provider| provider.arguments.as_ref());
    let arguments = details.map(|arguments| Node::new(Tone::Dim, format!("arguments: {}", short(arguments))));
    let output =
        activity.output.as_ref().map(|output| Node::new(Tone::Dim, format!("output: {}", short(output))));
    node.children(error).children(arguments).children(output)
}

/// What the activity calls, and how.
fn about(activity: &Activity) -> String {
    let kind: &str = activity.kind.into();
    let provider =
        activity.provider.as_ref().map(|provider| format!("{} {}", provider.kind, provider.target));
    let background = activity.background.then(|| "in the background".to_owned());
    let pause = |when: &str, seconds: Option<f64>| {
        seconds.map(|seconds| format!("pause {when} {}", times::duration(seconds)))
    };
    let pauses = [pause("before", activity.pauses.before), pause("after", activity.pauses.after)];
    let parts = [Some(kind.to_owned()), provider, background].into_iter().chain(pauses).flatten();
    parts.map(|part| part.trim().to_owned()).collect::<Vec<String>>().join(", ")
}

/// The end of an exception, where its text is.
fn end(error: &str) -> String {
    let lines: Vec<&str> = error.lines().collect();
    let left = lines.len().saturating_sub(MAX_LINES);
    let shown = lines.get(left..).unwrap_or_default().join("\n");
    if left > 0 { format!("…\n{shown}") } else { shown }
}

/// The beginning of an output. JSON is put on one line.
fn short(output: &str) -> String {
    if output.starts_with(['{', '[']) {
        return text::cut(&text::one_line(output), MAX_OUTPUT);
    }
    let mut lines: Vec<&str> = output.lines().take(MAX_LINES + 1).collect();
    if lines.len() > MAX_LINES {
        lines.truncate(MAX_LINES);
        lines.push("…");
    }
    text::cut(&lines.join("\n"), MAX_OUTPUT)
}
