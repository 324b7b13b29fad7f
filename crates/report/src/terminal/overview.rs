//! Writes an experiment and one of its runs for somebody who asks how it is.

use chaostoolkit_api::{Counters, Phase};
use jiff::Timestamp;

use crate::facts::why;
use crate::model::Run;
use crate::options::Style;
use crate::overview::{Note, Overview, Schedule};
use crate::terminal::head::{Detail, lines, title};
use crate::terminal::limit::limited;
use crate::terminal::rooms::rooms;
use crate::terminal::tree::{Node, Tone};
use crate::{text, times};

/// The maximum number of lines.
const MAX_LINES: usize = 40;

/// Writes an experiment and one of its runs as a tree, in at most 40 lines. `now` is the time from which ages are counted.
#[must_use]
pub fn overview(overview: &Overview, run: Option<&Run>, now: Timestamp, style: Style) -> String {
    // The phase and the conditions are those of now, so they say nothing of an earlier run.
    let is_newest = run.is_none_or(|run| run.number.filter(|number| *number > 0) == overview.newest);
    let phase: &str = overview.phase.into();
    let root = match run {
        Some(run) => title(run, Some(phase).filter(|phase| is_newest && *phase != run.word()))
            .children(overview.schedule.as_ref().map(|schedule| due(schedule, now)))
            .children(lines(run, Detail::Brief(now)))
            .children(rooms(run)),
        None => Node::new(Tone::Odd, format!("○ {phase}"))
            .with(Tone::Strong, &overview.key)
            .children(
                why(phase, overview.reason.as_ref(), overview.message.as_ref())
                    .map(|why| Node::new(Tone::Plain, why)),
            )
            .children(overview.schedule.as_ref().map(|schedule| due(schedule, now))),
    };
    let notes = overview.notes.iter().map(note);
    let root = root
        .children(run.and_then(|run| said_since(overview, run)).filter(|_| is_newest))
        .children(notes.filter(|_| is_newest))
        .children(counted(overview.counters));
    limited(&root, style, MAX_LINES)
}

/// When the next run is due.
fn due(schedule: &Schedule, now: Timestamp) -> Node {
    let zone = schedule.time_zone.as_ref().map(|zone| format!(" {zone}")).unwrap_or_default();
    let next = schedule.next.map(|next| {
        let wait = next.as_second().saturating_sub(now.as_second());
        format!(", next run at {}, in {}", times::time(next), times::age(wait))
    });
    Node::new(Tone::Plain, format!("schedule {}{zone}{}", schedule.cron, next.unwrap_or_default()))
}

/// What is said of a schedule besides its run, unless it just goes on.
fn said_since(overview: &Overview, run: &Run) -> Option<Node> {
    let is_said = overview.phase == Phase::Scheduled || overview.message == run.message;
    let message = overview.message.as_ref().filter(|_| !is_said)?;
    Some(Node::new(Tone::Odd, format!("! {}: {message}", <&str>::from(overview.phase))))
}

fn note(note: &Note) -> Node {
    let mut lines = note.lines.iter();
    let first = lines.next().map(|line| format!(": {line}")).unwrap_or_default();
    Node::new(Tone::Odd, format!("! {}{first}", note.reason))
        .children(lines.map(|line| Node::new(Tone::Plain, line)))
}

/// How the runs have ended, if there was more than one.
fn counted(counters: Counters) -> Option<Node> {
    let Counters { runs, passed, deviated, failed, aborted, skipped } = counters;
    let ends = [
        (passed, "passed"),
        (deviated, "deviated"),
        (failed, "failed"),
        (aborted, "aborted"),
        (skipped, "skipped"),
    ];
    let ends = ends.iter().filter(|(number, _)| *number > 0);
    let ends: Vec<String> = ends.map(|(number, end)| format!("{number} {end}")).collect();
    let all = text::count(runs, "run");
    (runs > 1 || skipped > 0).then(|| Node::new(Tone::Plain, format!("{all}: {}", ends.join(", "))))
}
