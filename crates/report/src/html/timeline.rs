//! The timeline of a run, as SVG.

use maud::{Markup, html};

use crate::html::axis::{Axis, number};
use crate::html::word::class;
use crate::mark::Mark;
use crate::model::{Activity, Phase, Run};
use crate::text;
use crate::times;

const WIDTH: f64 = 900.0;
const LABELS: f64 = 230.0;
const RIGHT: f64 = 16.0;
const ROW: f64 = 22.0;
const TOP: f64 = 6.0;
const BOTTOM: f64 = 24.0;
/// The maximum number of rows.
const MAX_ROWS: usize = 60;
/// The maximum number of bars in a row.
const MAX_BARS: usize = 1_000;
/// The maximum number of letters of a label.
const MAX_LABEL: usize = 32;

/// A row: its label and its bars.
struct Row<'a> {
    label: String,
    bars: Vec<&'a Activity>,
}

/// Writes the timeline. A run whose activities have no times has none.
pub(crate) fn timeline(run: &Run) -> Markup {
    let rows = rows(run);
    if rows.is_empty() {
        return html! {};
    }
    let left = rows.len().saturating_sub(MAX_ROWS);
    let shown: Vec<Row> = rows.into_iter().take(MAX_ROWS).collect();
    let ends = shown
        .iter()
        .flat_map(|row| &row.bars)
        .filter_map(|bar| Some(bar.offset_seconds? + bar.duration_seconds.unwrap_or_default()));
    let starts = shown.iter().flat_map(|row| &row.bars).filter_map(|bar| bar.offset_seconds);
    let x = Axis::new(starts.chain(ends).chain([0.0]), (LABELS, WIDTH - RIGHT));
    #[allow(clippy::cast_precision_loss, reason = "at most 60 rows")]
    let height = |rows: usize| TOP + ROW * rows as f64;
    let bottom = height(shown.len());
    html! {
        h3 { "Timeline" }
        figure {
            svg viewBox={ "0 0 " (WIDTH) " " (bottom + BOTTOM) } role="img" aria-label="When each activity was played, in seconds since the start of the run. The tables below have the same times." {
                @for tick in x.ticks() {
                    line.grid x1=(x.at(tick)) x2=(x.at(tick)) y1=(TOP) y2=(bottom) {}
                    text.tick x=(x.at(tick)) y=(bottom + 16.0) text-anchor="middle" { (number(tick)) " s" }
                }
                @for (at, row) in shown.iter().enumerate() {
                    text x="0" y=(height(at) + 15.0) { (text::cut(&row.label, MAX_LABEL)) title { (row.label) } }
                    @for bar in &row.bars { (self::bar(bar, &x, height(at))) }
                }
            }
            @if left > 0 { p.quiet { (left) " more activities are left out of the timeline." } }
        }
    }
}

fn bar(activity: &Activity, x: &Axis, top: f64) -> Markup {
    let Some(offset) = activity.offset_seconds else { return html! {} };
    let seconds = activity.duration_seconds.unwrap_or_default();
    let (from, to) = (x.at(offset), x.at(offset + seconds));
    html! {
        rect class={ "bar-" (class(Mark::of_activity(activity))) } x=(from) y=(top + 4.0) width=((to - from).max(3.0)) height=(ROW - 8.0) rx="2" {
            title { (activity.name) ": " (activity.word()) ", " (times::offset(offset)) ", " (times::duration(seconds)) }
        }
    }
}

/// A row for each phase of the hypothesis, each activity of the method and each rollback, in the order of their starts.
fn rows(run: &Run) -> Vec<Row<'_>> {
    let phase = |phase: Phase| {
        let bars = run
            .hypothesis
            .all()
            .filter(|(found, _)| *found == phase)
            .flat_map(|(_, state)| &state.probes.items);
        let mut bars: Vec<&Activity> = bars.collect();
        // What was not met is drawn last, so that nothing covers it.
        bars.sort_by_key(|bar| bar.is_bad());
        let bars = bars.split_off(bars.len().saturating_sub(MAX_BARS));
        Row { label: format!("hypothesis {}", <&str>::from(phase)), bars }
    };
    let activity = |activity| Row { label: activity_label("", activity), bars: vec![activity] };
    let rollback = |activity| Row { label: activity_label("rollback: ", activity), bars: vec![activity] };
    let mut rows = vec![phase(Phase::Before), phase(Phase::During)];
    rows.extend(run.method.items.iter().map(activity));
    rows.push(phase(Phase::After));
    rows.extend(run.rollbacks.items.iter().map(rollback));
    rows.retain(|row| row.bars.iter().any(|bar| bar.offset_seconds.is_some()));
    rows
}

fn activity_label(before: &str, activity: &Activity) -> String {
    format!("{before}{}", if activity.name.is_empty() { "unnamed" } else { &activity.name })
}
