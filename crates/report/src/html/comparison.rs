//! The comparison of several runs in HTML.

use maud::{Markup, html};

use crate::comparison::{Changed, Comparison, Contributed, totals};
use crate::html::word::{badge, word};
use crate::mark::Mark;
use crate::model::{Level, Run};
use crate::times;

/// The heading of the column of experiments.
const EXPERIMENT: &str = "Experiment";

/// Writes the comparison.
pub(crate) fn comparison(comparison: &Comparison, runs: &[Run]) -> Markup {
    let found = &comparison.contributions;
    html! {
        section {
            h2 { "Overview" }
            p { (totals(runs)) }
            table {
                thead {
                    tr {
                        th.result scope="col" { "Result" }
                        th scope="col" { "Run" }
                        th scope="col" { "Hypothesis" }
                        th scope="col" { "Held" }
                        th.number scope="col" { "Duration" }
                    }
                }
                tbody {
                    @for (at, (row, run)) in comparison.rows.iter().zip(runs).enumerate() {
                        tr {
                            td { (badge(run)) }
                            td {
                                a href={ "#run-" (at + 1) } { (row.title) }
                                @if row.run != row.title { div.quiet { (row.run) } }
                            }
                            td { (row.hypothesis.as_deref().unwrap_or_default()) }
                            td { (held(row.held)) }
                            td.number { @if let Some(seconds) = row.duration_seconds { (times::duration(seconds)) } }
                        }
                    }
                }
            }
            @if !found.names.is_empty() {
                h3 { "Contributions" }
                p { "How much the experiments contribute to the confidence in each quality of the system, as their authors say." }
                (matrix(EXPERIMENT, &found.names, &found.experiments))
                @if !found.tags.is_empty() { (matrix("Tag", &found.names, &found.tags)) }
            }
            @if !comparison.changes.is_empty() {
                h3 { "Changes" }
                @for found in &comparison.changes { (changed(found)) }
            }
        }
    }
}

fn held(words: &str) -> Markup {
    let mark = match words {
        "held" => Mark::Good,
        "did not hold" | "did not hold before the method" => Mark::Bad,
        _ => Mark::Odd,
    };
    word(mark, words)
}

/// A dot for each level: the larger, the more.
fn matrix(what: &str, names: &[String], entries: &[Contributed]) -> Markup {
    html! {
        table.matrix {
            thead { tr { th scope="col" { (what) } @for name in names { th scope="col" { (name) } } } }
            tbody {
                @for entry in entries {
                    tr {
                        th scope="row" { (entry.name) }
                        @for level in &entry.levels { td { (self::level(*level)) } }
                    }
                }
                @if entries.len() > 1 && what == EXPERIMENT {
                    tr {
                        th scope="row" { "Number of experiments" }
                        @for at in 0..names.len() { td { (number(entries, at)) } }
                    }
                }
            }
        }
    }
}

/// How many entries say something about a quality.
fn number(entries: &[Contributed], at: usize) -> usize {
    entries.iter().filter(|entry| entry.levels.get(at).is_some_and(Option::is_some)).count()
}

fn level(level: Option<Level>) -> Markup {
    let Some(level) = level else { return html! { span.quiet { "-" } } };
    let radius = match level {
        Level::High => "6.5",
        Level::Medium => "4.5",
        Level::Low => "2.5",
        Level::None => "0",
    };
    html! {
        span.level {
            svg viewBox="0 0 14 14" aria-hidden="true" {
                @if level == Level::None { circle.ring cx="7" cy="7" r="5" {} } @else { circle cx="7" cy="7" r=(radius) {} }
            }
            (<&str>::from(level))
        }
    }
}

fn changed(changed: &Changed) -> Markup {
    html! {
        h4 { "From " (changed.from) " to " (changed.to) }
        @if changed.changes.is_empty() {
            p { "Nothing changed." }
        } @else {
            table {
                thead { tr { th scope="col" { "What" } th scope="col" { "Before" } th scope="col" { "After" } } }
                tbody {
                    @for change in &changed.changes {
                        tr { td { (change.what) } td { (change.from) } td { (change.to) } }
                    }
                }
            }
        }
    }
}
