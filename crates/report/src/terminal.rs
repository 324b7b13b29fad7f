//! Writes runs for a terminal: as trees with marks, words and times.

mod activity;
mod head;
mod limit;
mod overview;
mod rooms;
mod tree;

pub use overview::overview;

use crate::comparison::{Changed, Comparison, totals};
use crate::model::Run;
use crate::options::Style;
use crate::report::Report;
use crate::terminal::head::{Detail, lines, title, word};
use crate::terminal::rooms::rooms;
use crate::terminal::tree::{Node, Tone, print};
use crate::times;

/// Writes a report: the comparison if there are several runs, and then each run.
#[must_use]
pub fn report(report: &Report, style: Style) -> String {
    let comparison =
        report.comparison.as_ref().map(|comparison| self::comparison(comparison, &report.runs, style));
    let runs = report.runs.iter().map(|run| self::run(run, style));
    comparison.into_iter().chain(runs).collect::<Vec<String>>().join("\n")
}

/// Writes a run as a tree.
#[must_use]
pub fn run(run: &Run, style: Style) -> String {
    print(&title(run, None).children(lines(run, Detail::Whole)).children(rooms(run)), style)
}

/// Writes what changed between two runs.
#[must_use]
pub fn diff(earlier: &Run, later: &Run, style: Style) -> String {
    let changes = crate::comparison::changes(earlier, later);
    print(&changed(&Changed { from: earlier.label(), to: later.label(), changes }), style)
}

fn comparison(comparison: &Comparison, runs: &[Run], style: Style) -> String {
    let rows = comparison.rows.iter().zip(runs).map(|(row, run)| {
        word(run)
            .with(Tone::Strong, &row.run)
            .with(Tone::Plain, format!("hypothesis {}", row.held))
            .with_some(Tone::Dim, row.duration_seconds.map(times::duration))
    });
    let mut rooms = vec![Node::new(Tone::Strong, "runs").children(rows)];
    let contributions = &comparison.contributions;
    if !contributions.names.is_empty() {
        let entries = contributions.experiments.iter().map(|entry| {
            let named = contributions.names.iter().zip(&entry.levels);
            let levels =
                named.filter_map(|(name, level)| Some(format!("{name} {}", <&str>::from((*level)?))));
            Node::new(Tone::Plain, &entry.name).with(Tone::Dim, levels.collect::<Vec<String>>().join(", "))
        });
        rooms.push(Node::new(Tone::Strong, "contributions").children(entries));
    }
    rooms.extend(comparison.changes.iter().map(changed));
    print(&Node::new(Tone::Strong, totals(runs)).children(rooms), style)
}

fn changed(changed: &Changed) -> Node {
    let node = Node::new(Tone::Strong, format!("from {} to {}", changed.from, changed.to));
    if changed.changes.is_empty() {
        return node.with(Tone::Dim, "nothing changed");
    }
    node.children(changed.changes.iter().map(|change| {
        Node::new(Tone::Plain, format!("{}:", change.what))
            .with(Tone::Dim, &change.from)
            .with(Tone::Plain, format!("→ {}", change.to))
    }))
}
