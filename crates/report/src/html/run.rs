//! One run in HTML.

use maud::{Markup, html};

use crate::facts::{facts, rescue};
use crate::html::activity::{details, table};
use crate::html::chart::chart;
use crate::html::over_time::over_time;
use crate::html::timeline::timeline;
use crate::html::word::{badge, word};
use crate::mark::Mark;
use crate::model::{Evaluation, Evaluations, Phase, Run};
use crate::text;

/// Writes a run as a section.
///
/// `is_one_of_several`: a report of one run has its title in the heading of the page.
pub(crate) fn run(at: usize, run: &Run, is_one_of_several: bool) -> Markup {
    let id = format!("run-{}", at + 1);
    html! {
        section.run id=(id) {
            h2 {
                (badge(run)) " "
                @if is_one_of_several { (run.title()) } @else { "Summary" }
            }
            @if let Some(description) = &run.experiment.description { p.lines { (description) } }
            dl.facts {
                @for (name, value) in facts(run) { dt { (name) } dd { (value) } }
            }
            (timeline(run))
            (hypothesis(run))
            @for (title, list) in [("Method", &run.method), ("Rollbacks", &run.rollbacks)] {
                @if !list.is_empty() { h3 { (title) } (table(list)) }
            }
            @if let Some(state) = rescue(run) {
                h3 { "Rescue" }
                p { "Another pod played the rollbacks: " (state) }
            }
            (configuration(run))
            (charts(run))
            (outputs(run))
        }
    }
}

fn hypothesis(run: &Run) -> Markup {
    let found = &run.hypothesis;
    if found.before.is_none() && found.during.is_empty() && found.after.is_none() {
        return html! {};
    }
    html! {
        h3 {
            "Hypothesis"
            @if let Some(title) = &run.experiment.hypothesis { ": " (title) }
        }
        @for (phase, state) in [(Phase::Before, &found.before), (Phase::After, &found.after)] {
            @if phase == Phase::After { (during(found)) }
            @if let Some(state) = state {
                h4 { (heading(phase)) ": " (state_word(state)) }
                (table(&state.probes))
            }
        }
    }
}

/// The evaluations during the method: how many were met, and the probes of the others.
fn during(hypothesis: &Evaluations) -> Markup {
    let during = &hypothesis.during;
    if during.is_empty() {
        return html! {};
    }
    let (met, all, bad) = (hypothesis.met_during(), during.items.len(), hypothesis.bad_during());
    html! {
        h4 { (heading(Phase::During)) ": " (word(Mark::of(met == all), &format!("met {met} of {}", text::count(all, "time")))) }
        @if !bad.is_empty() { (table(&bad)) }
        @if during.omitted > 0 { p { (during.omitted) " more evaluations are left out." } }
    }
}

const fn heading(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "Before the method",
        Phase::During => "During the method",
        Phase::After => "After the method",
    }
}

fn state_word(state: &Evaluation) -> Markup {
    word(Mark::of_evaluation(state), state.word())
}

fn configuration(run: &Run) -> Markup {
    let declared = &run.experiment;
    if declared.configuration.is_empty() && declared.secrets.is_empty() {
        return html! {};
    }
    html! {
        h3 { "Configuration" }
        dl.facts {
            @for (name, value) in &declared.configuration { dt { (name) } dd { code { (value) } } }
            @for name in &declared.secrets { dt { (name) } dd { "secret" } }
        }
    }
}

/// The charts of the hypothesis over the run, and those of single activities.
fn charts(run: &Run) -> Markup {
    let mut charts: Vec<Markup> =
        over_time(run).iter().map(|(name, found)| chart(run, name, found)).collect();
    for activity in run.method.items.iter().chain(&run.rollbacks.items) {
        let shown = activity.charts.iter().filter(|found| found.is_time || found.labels.len() > 1);
        charts.extend(shown.map(|found| chart(run, &activity.name, found)));
    }
    if charts.is_empty() {
        return html! {};
    }
    html! {
        h3 { "Charts" }
        p.quiet { "Seconds are since the start of the run. Actions went on where the background is shaded." }
        @for one in charts { (one) }
    }
}

/// Arguments, outputs and errors of the activities that have any.
fn outputs(run: &Run) -> Markup {
    let all: Vec<Markup> =
        run.shown_activities().filter_map(|(place, activity)| details(place, activity)).collect();
    if all.is_empty() {
        return html! {};
    }
    html! {
        h3 { "Outputs" }
        @for one in all { (one) }
    }
}
