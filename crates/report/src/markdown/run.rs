//! One run in Markdown.

use crate::facts::{facts, rescue};
use crate::mark::Mark;
use crate::markdown::escape::{block, code, text};
use crate::model::{Activity, ActivityStatus, Evaluation, Listed, Phase, Run};

/// The maximum number of rows of a table.
const MAX_ROWS: usize = 200;

/// The mark of a run. Its word stands beside it.
pub(crate) const fn mark(run: &Run) -> &'static str {
    match run.result {
        None => "⚪",
        Some(result) => match Mark::of_result(result) {
            Mark::Good => "✅",
            Mark::Odd => "⚠️",
            Mark::Bad => "❌",
        },
    }
}

/// Writes a run. Its heading has this level. `outputs` says whether outputs and exceptions are written.
pub(crate) fn run(run: &Run, level: usize, outputs: bool) -> String {
    let heading = |deeper: usize, title: &str| format!("{} {title}\n\n", "#".repeat(level + deeper));
    let mut parts = vec![heading(0, &format!("{} {}: {}", mark(run), text(run.word()), text(&run.title())))];
    parts.extend(run.experiment.description.as_ref().map(|description| format!("{}\n\n", text(description))));
    parts.push(pairs(facts(run).into_iter().map(|(name, value)| (name.to_owned(), value))));
    let hypothesis = hypothesis(run);
    if !hypothesis.is_empty() {
        let title =
            run.experiment.hypothesis.as_ref().map(|title| format!(": {}", text(title))).unwrap_or_default();
        parts.extend([heading(1, &format!("Hypothesis{title}")), hypothesis]);
    }
    for (title, list) in [("Method", &run.method), ("Rollbacks", &run.rollbacks)] {
        if !list.is_empty() {
            parts.extend([heading(1, title), activities(list)]);
        }
    }
    parts.extend(rescue(run).map(|state| format!("{}{}\n\n", heading(1, "Rescue"), text(&state))));
    let declared = &run.experiment;
    if !declared.configuration.is_empty() || !declared.secrets.is_empty() {
        let secrets = declared.secrets.iter().map(|name| (name.clone(), "secret".to_owned()));
        parts.extend([
            heading(1, "Configuration"),
            pairs(declared.configuration.iter().cloned().chain(secrets)),
        ]);
    }
    if outputs {
        parts.extend(run.shown_activities().filter_map(details));
    }
    parts.concat()
}

/// A table of names and values.
fn pairs(pairs: impl Iterator<Item = (String, String)>) -> String {
    let row = |(name, value): (String, String)| format!("| {} | {} |\n", text(&name), text(&value));
    let rows = pairs.map(row).collect::<Vec<String>>().concat();
    if rows.is_empty() { rows } else { format!("| | |\n|---|---|\n{rows}\n") }
}

fn hypothesis(run: &Run) -> String {
    let found = &run.hypothesis;
    let mut rows: Vec<String> = Vec::new();
    let evaluated = |phase: Phase, state: &Evaluation| -> Vec<String> {
        state.probes.items.iter().map(|probe| probe_row(<&str>::from(phase), probe)).collect()
    };
    rows.extend(found.before.iter().flat_map(|state| evaluated(Phase::Before, state)));
    if !found.during.is_empty() {
        let (met, all, bad) = (found.met_during(), found.during.items.len(), found.bad_during());
        let mark = if met == all { "✅" } else { "❌" };
        rows.push(format!("| during | | | {mark} met {met} of {all} times | | |\n"));
        rows.extend(bad.items.iter().map(|probe| probe_row("during", probe)));
        if bad.omitted > 0 {
            rows.push(format!("| during | {} more | | | | |\n", bad.omitted));
        }
    }
    rows.extend(found.after.iter().flat_map(|state| evaluated(Phase::After, state)));
    table("| When | Probe | Expected | Result | Start | Duration |\n|---|---|---|---|---|---|\n", &rows)
}

fn probe_row(when: &str, probe: &Activity) -> String {
    let tolerance = probe.tolerance.as_ref().map(|tolerance| code(tolerance)).unwrap_or_default();
    format!("| {when} | {} | {tolerance} | {} | {} |\n", text(&probe.name), result(probe), times(probe))
}

fn activities(list: &Listed<Activity>) -> String {
    let row = |activity: &Activity| {
        let kind: &str = activity.kind.into();
        let provider = activity
            .provider
            .as_ref()
            .map(|provider| code(&format!("{} {}", provider.kind, provider.target)));
        let provider = provider.unwrap_or_default();
        let background = if activity.background { ", in the background" } else { "" };
        let (name, result, times) = (text(&activity.name), result(activity), times(activity));
        let pauses = pauses(activity);
        format!("| {kind}{background}{pauses} | {name} | {provider} | {result} | {times} |\n")
    };
    let rows: Vec<String> = list.items.iter().map(row).collect();
    let table = table(
        "| Kind | Activity | Provider | Result | Start | Duration |\n|---|---|---|---|---|---|\n",
        &rows,
    );
    if list.omitted > 0 { format!("{table}{} more are left out.\n\n", list.omitted) } else { table }
}

fn pauses(activity: &Activity) -> String {
    let pause = |when: &str, seconds: Option<f64>| {
        seconds
            .map(|seconds| format!(", pause {when} {}", crate::times::duration(seconds)))
            .unwrap_or_default()
    };
    format!("{}{}", pause("before", activity.pauses.before), pause("after", activity.pauses.after))
}

fn table(head: &str, rows: &[String]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let shown: String = rows.iter().take(MAX_ROWS).map(String::as_str).collect();
    let left = rows.len().saturating_sub(MAX_ROWS);
    let more = if left > 0 { format!("{left} more rows are left out.\n\n") } else { String::new() };
    format!("{head}{shown}\n{more}")
}

fn result(activity: &Activity) -> String {
    let mark = match activity.status {
        _ if !activity.is_bad() => "✅",
        ActivityStatus::Unfinished => "⚠️",
        _ => "❌",
    };
    let error =
        activity.error.as_ref().and_then(|error| error.lines().rev().find(|line| !line.trim().is_empty()));
    let error = error.map(|error| format!(": {}", text(&crate::text::cut(error, 200)))).unwrap_or_default();
    format!("{mark} {}{error}", activity.word())
}

/// The cells for the start and the duration.
fn times(activity: &Activity) -> String {
    let start = activity.offset_seconds.map(crate::times::offset).unwrap_or_default();
    let duration = activity.duration_seconds.map(crate::times::duration).unwrap_or_default();
    format!("{} | {duration}", text(&start))
}

/// What an activity was given and what it returned, folded.
fn details((place, activity): (&str, &Activity)) -> Option<String> {
    let arguments = activity.provider.as_ref().and_then(|provider| provider.arguments.as_ref());
    let parts =
        [("Arguments", arguments), ("Output", activity.output.as_ref()), ("Error", activity.error.as_ref())];
    let parts =
        parts.into_iter().filter_map(|(title, value)| Some(format!("{title}:\n\n{}\n", block(value?))));
    let parts: String = parts.collect();
    let has_more = arguments.is_some()
        || activity.output.is_some()
        || activity.error.as_ref().is_some_and(|error| error.contains('\n'));
    has_more.then(|| {
        format!("<details><summary>{place}: {}</summary>\n\n{parts}</details>\n\n", text(&activity.name))
    })
}
