//! Charts of the numbers in an output, as SVG.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::html::axis::{Axis, number};
use crate::model::{Activity, ActivityKind, Chart, Run, Series};
use crate::text;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 34.0;
/// The number of colors. Further series have the same colors and dashes.
const COLORS: usize = 6;

/// Writes a chart. `name` is the activity.
pub(crate) fn chart(run: &Run, name: &str, chart: &Chart) -> Markup {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let x = Axis::new(points().map(|point| point.0), (LEFT, WIDTH - RIGHT));
    let y = Axis::new(points().map(|point| point.1), (HEIGHT - BOTTOM, TOP)).rounded();
    let unit = if chart.unit.is_empty() { String::new() } else { format!(" ({})", chart.unit) };
    let sentence = format!(
        "{} of {}{unit}, from {} to {}",
        text::count(chart.series.len(), "series"),
        chart.title,
        number(lowest(chart)),
        number(highest(chart)),
    );
    html! {
        figure {
            figcaption { (name) ": " (chart.title) (unit) }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(sentence) {
                @if chart.is_time { (bands(run, &x)) }
                @for tick in y.ticks() {
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y.at(tick)) y2=(y.at(tick)) {}
                    text.tick x=(LEFT - 8.0) y=(y.at(tick) + 4.0) text-anchor="end" { (number(tick)) }
                }
                @if chart.is_time { (times(run, &x)) (curves(chart, &x, &y)) } @else { (bars(chart, &y)) }
            }
            @if chart.is_time || chart.series.len() > 1 { (legend(chart)) }
            @if chart.omitted > 0 { p.quiet { (chart.omitted) " more series are left out." } }
        }
    }
}

fn lowest(chart: &Chart) -> f64 {
    chart.series.iter().flat_map(|series| &series.points).map(|point| point.1).fold(f64::INFINITY, f64::min)
}

fn highest(chart: &Chart) -> f64 {
    chart
        .series
        .iter()
        .flat_map(|series| &series.points)
        .map(|point| point.1)
        .fold(f64::NEG_INFINITY, f64::max)
}

/// The times at which actions of the method went on, as bands behind the curves.
fn bands(run: &Run, x: &Axis) -> Markup {
    let span = |activity: &Activity| {
        let start = activity.started_at?.as_duration().as_secs_f64();
        let end = start + activity.duration_seconds.unwrap_or_default();
        let is_inside = end >= x.min && start <= x.max && activity.kind == ActivityKind::Action;
        is_inside.then(|| (x.at(start.max(x.min)), x.at(end.min(x.max))))
    };
    html! {
        @for activity in &run.method.items {
            @if let Some((from, to)) = span(activity) {
                rect.band x=(from) y=(TOP) width=((to - from).max(2.0)) height=(HEIGHT - TOP - BOTTOM) {
                    title { (activity.name) }
                }
            }
        }
    }
}

/// The ticks of time: seconds since the start of the run, or the time of the day.
fn times(run: &Run, x: &Axis) -> Markup {
    let start = run.started_at.map(|start| start.as_duration().as_secs_f64());
    let start = start.filter(|start| (x.min - start).abs() < 86_400.0);
    let offsets =
        start.map(|start| Axis::new([x.min - start, x.max - start].into_iter(), (LEFT, WIDTH - RIGHT)));
    let base = start.unwrap_or_default();
    let ticks: Vec<(f64, String)> = match &offsets {
        Some(axis) => {
            axis.ticks().into_iter().map(|tick| (tick + base, format!("{} s", number(tick)))).collect()
        }
        None => x.ticks().into_iter().map(|tick| (tick, clock(tick))).collect(),
    };
    html! {
        @for (tick, label) in ticks {
            line.grid x1=(x.at(tick)) x2=(x.at(tick)) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
            text.tick x=(x.at(tick)) y=(HEIGHT - BOTTOM + 16.0) text-anchor="middle" { (label) }
        }
    }
}

fn clock(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "a time that is too large has no clock")]
    let time = Timestamp::from_second(seconds.clamp(-1e15, 1e15) as i64);
    time.map_or_else(|_| number(seconds), |time| time.strftime("%H:%M:%S").to_string())
}

fn curves(chart: &Chart, x: &Axis, y: &Axis) -> Markup {
    let path = |series: &Series| -> String {
        let points = series.points.iter().map(|(at, value)| format!("{},{}", x.at(*at), y.at(*value)));
        points.collect::<Vec<String>>().join(" ")
    };
    html! {
        @for (at, series) in chart.series.iter().enumerate() {
            @match series.points[..] {
                [] => {}
                [(when, value)] => {
                    circle class=(color(at)) cx=(x.at(when)) cy=(y.at(value)) r="4" { title { (series.name) } }
                }
                _ => polyline class={ (color(at)) " curve" } points=(path(series)) style="fill: none" { title { (series.name) } },
            }
        }
    }
}

/// One bar for each label.
fn bars(chart: &Chart, y: &Axis) -> Markup {
    let values: Vec<f64> =
        chart.series.iter().flat_map(|series| &series.points).map(|point| point.1).collect();
    #[allow(clippy::cast_precision_loss, reason = "at most 12 labels")]
    let slot = (WIDTH - LEFT - RIGHT) / values.len().max(1) as f64;
    let base = y.at(0.0_f64.clamp(y.min, y.max));
    #[allow(clippy::cast_precision_loss, reason = "at most 12 labels")]
    let left = |at: usize| LEFT + slot * at as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    let letters = (slot / 7.0).max(4.0) as usize;
    let width = (slot * 0.6).min(90.0);
    html! {
        @for (at, value) in values.iter().enumerate() {
            @let top = y.at(*value).min(base);
            @let label = chart.labels.get(at).map_or("", String::as_str);
            @let middle = left(at) + slot / 2.0;
            rect.series-1 x=(middle - width / 2.0) y=(top) width=(width) height=((y.at(*value) - base).abs().max(1.0)) {
                title { (label) }
            }
            text.tick x=(middle) y=(HEIGHT - BOTTOM + 16.0) text-anchor="middle" { (text::cut(label, letters)) }
            text.tick x=(middle) y=(HEIGHT - BOTTOM + 30.0) text-anchor="middle" { (number(*value)) }
        }
    }
}

fn legend(chart: &Chart) -> Markup {
    html! {
        ul.legend {
            @for (at, series) in chart.series.iter().enumerate() {
                li {
                    svg viewBox="0 0 28 10" aria-hidden="true" {
                        line class={ (color(at)) " curve" } x1="1" x2="27" y1="5" y2="5" {}
                    }
                    (series.name)
                }
            }
        }
    }
}

/// The color of a series, and its dashes. People who see no colors see the dashes.
fn color(at: usize) -> String {
    let dash = if at % 2 == 1 { " dash-2" } else { "" };
    format!("series-{}{dash}", at % COLORS + 1)
}
