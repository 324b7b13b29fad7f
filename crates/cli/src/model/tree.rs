//! An experiment and one of its runs as a tree for people: about 20 lines for most runs, and never many
//! more, whatever the status and the journal say.

use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::{Activities, Experiment, Rollbacks, Text, Trigger, Warning};
use chaostoolkit_journal::{RollbackState, SteadyState, Step, StepStatus};
use k8s_openapi::jiff::Timestamp;

use crate::model::runs::{self, View};
use crate::output::style::{faint, marked, strong, word};
use chaostoolkit_report::text::{count, cut, one_line as plain};
use chaostoolkit_report::times;

/// The longest text that is shown of a message, in columns.
const LONGEST: usize = 400;

/// How many steps of a method are shown.
const STEPS: usize = 10;

/// How many lines a note has, such as the rules that a run lacked.
const NOTE_LINES: usize = 6;

/// Returns the tree. `steps` are the activities of the method, if the journal could be read.
#[must_use]
pub fn tree(
    experiment: &Experiment,
    view: Option<&View>,
    steps: Option<&[Step]>,
    now: Timestamp,
) -> Vec<String> {
    let status = experiment.status.clone().unwrap_or_default();
    let shown = view.map_or_else(|| status.phase.map_or("Pending", |phase| phase.as_str()), runs::word);
    let is_last =
        view.is_none_or(|view| status.run.as_ref().is_some_and(|run| run.number == view.run.number));
    let phase = status.phase.map_or("", |phase| phase.as_str());
    let mut lines = vec![format!("{} {}", strong(&plain(&experiment.key())), word(shown))];
    if is_last && !phase.is_empty() && phase != shown {
        lines[0] = format!("{} ({})", lines[0], word(phase));
    }
    let message = view.and_then(|view| view.message.clone()).or_else(|| status.message.clone());
    lines.extend(message.map(|message| format!("  {}", cut(&plain(&message), LONGEST))));
    if let Some(schedule) = &status.schedule {
        let zone = schedule.time_zone.as_deref().map(|zone| format!(" {zone}")).unwrap_or_default();
        let next = schedule
            .next_schedule_time
            .as_ref()
            .map(|next| format!(", next at {} UTC", times::date_time(next.0)));
        lines.push(fact(
            "schedule",
            &format!("{}{}{}", plain(&schedule.cron), plain(&zone), next.unwrap_or_default()),
        ));
    }
    if let Some(view) = view {
        lines.extend(facts(view, status.run_namespace.as_deref(), now));
        lines.extend(parts(view, steps));
    }
    if is_last {
        lines.extend(notes(experiment));
    }
    if let Some(counters) = status.counters.filter(|counters| counters.runs > 1 || counters.skipped > 0) {
        let all = format!(
            "{} in all: {} passed, {} deviated, {} failed, {} aborted, {} skipped",
            count(counters.runs, "run"),
            counters.passed,
            counters.deviated,
            counters.failed,
            counters.aborted,
            counters.skipped
        );
        lines.push(fact("runs", &all));
    }
    lines
}

fn fact(name: &str, text: &str) -> String {
    format!("  {} {text}", faint(&format!("{name:<10}")))
}

/// What is known of a run besides its parts.
fn facts(view: &View, namespace: Option<&str>, now: Timestamp) -> Vec<String> {
    let run = &view.run;
    let mut lines = Vec::new();
    let title = run.experiment.title.as_deref().map(plain);
    let source = run.experiment.source.as_deref().map(plain);
    lines.extend(match (title, source) {
        (Some(title), Some(source)) => Some(fact("experiment", &format!("{title} ({source})"))),
        (Some(one), None) | (None, Some(one)) => Some(fact("experiment", &one)),
        (None, None) => None,
    });
    let trigger = match run.trigger {
        Trigger::Created => "created",
        Trigger::Rerun => "asked for",
        Trigger::Schedule => "due by the schedule",
        Trigger::Manual => "a Job made by hand",
    };
    let by = run.requested_by.as_deref().map(|by| format!(" by {}", plain(by))).unwrap_or_default();
    let at = run
        .requested_at
        .as_ref()
        .map(|at| format!(", {} UTC, {} ago", times::date_time(at.0), times::since(at.0, now)));
    lines.push(fact("run", &format!("@{}, {trigger}{by}{}", run.number, at.unwrap_or_default())));
    if !run.pod_name.is_empty() {
        let namespace = namespace.map(|namespace| format!("{}/", plain(namespace))).unwrap_or_default();
        let node = run.node_name.as_deref().map(|node| format!(" on {}", plain(node))).unwrap_or_default();
        lines.push(fact("pod", &format!("{namespace}{}{node}", plain(&run.pod_name))));
    }
    if let Some(started) = &run.started_at {
        let took = match run.duration_seconds {
            Some(seconds) => format!("{}, from {} UTC", times::age(seconds), times::date_time(started.0)),
            None => format!("{} so far", times::since(started.0, now)),
        };
        lines.push(fact("took", &took));
    }
    let versions = [("toolkit", &run.toolkit.version), ("library", &run.toolkit.lib)];
    let versions =
        versions.iter().filter_map(|(what, version)| Some(format!("{what} {}", plain(version.as_deref()?))));
    let versions: Vec<String> = versions.collect();
    if !versions.is_empty() {
        lines.push(fact("versions", &versions.join(", ")));
    }
    for warning in &view.warnings {
        lines.push(fact(
            "warning",
            &marked("warning", &format!("{}: {}", warning.as_str(), explained(*warning))),
        ));
    }
    if let Some(journal) = &run.journal {
        let kept = journal.config_map.as_deref().map(|map| format!("ConfigMap {}", plain(map)));
        let problem = journal.problem.as_deref().map(|problem| cut(&plain(problem), LONGEST));
        lines.extend(kept.or(problem).map(|text| fact("journal", &text)));
    }
    lines
}

const fn explained(warning: Warning) -> &'static str {
    match warning {
        Warning::ActivityFailed => "an activity of the method failed",
        Warning::RollbackFailed => "a rollback failed, so the fault may still be there",
        Warning::RollbacksNotPlayed => "not all rollbacks were played",
        Warning::NoHypothesis => "there was no hypothesis to judge the system by",
        Warning::DryRun => "it was a dry run",
        Warning::ProbeFailed => "a probe of the hypothesis could not be executed",
        Warning::ActivityForbidden => "an activity lacked a right",
    }
}

/// The parts of a run: hypothesis, method, rollbacks.
fn parts(view: &View, steps: Option<&[Step]>) -> Vec<String> {
    let run = &view.run;
    let mut parts: Vec<(String, Vec<String>)> = Vec::new();
    let states = run.steady_state;
    let state = |when: &str, state: SteadyState| {
        let said = match state {
            SteadyState::Met => "met",
            SteadyState::NotMet => "not met",
            SteadyState::ProbeError => "a probe could not be executed",
            SteadyState::NotEvaluated => "not evaluated",
            SteadyState::Unknown => "not known",
        };
        let tone = if state == SteadyState::ProbeError { "failed" } else { state.as_str() };
        (format!("hypothesis {when} the method: {}", marked(tone, said)), Vec::new())
    };
    if let Some(states) = states {
        parts.push(state("before", states.before));
    }
    if let Some(Activities { total, succeeded, failed }) = run.activities {
        let tone = if failed > 0 { "failed" } else { "succeeded" };
        let said = format!("{}, {succeeded} succeeded, {failed} failed", of_activities(total));
        parts.push((format!("method: {}", marked(tone, &said)), shown_steps(steps.unwrap_or_default())));
    }
    if let Some(states) = states {
        if states.during != SteadyState::NotEvaluated {
            parts.push(state("during", states.during));
        }
        parts.push(state("after", states.after));
    }
    if let Some(rollbacks) = &run.rollbacks {
        parts.push((format!("rollbacks: {}", said_of(rollbacks)), Vec::new()));
    }
    if let Some(rescue) = &run.rescue {
        let problem =
            rescue.problem.as_deref().map(|problem| marked("failed", &cut(&plain(problem), LONGEST)));
        let said =
            problem.or_else(|| rescue.rollbacks.as_ref().map(said_of)).unwrap_or_else(|| word("Running"));
        parts.push((format!("rescue: {said}"), Vec::new()));
    }
    drawn(&parts)
}

fn of_activities(total: i64) -> String {
    if total == 1 { "1 activity".to_owned() } else { format!("{total} activities") }
}

fn said_of(rollbacks: &Rollbacks) -> String {
    let Rollbacks { total, failed, state, strategy } = rollbacks;
    let strategy =
        strategy.as_deref().map(|strategy| format!(" (strategy {})", plain(strategy))).unwrap_or_default();
    let said = match state {
        RollbackState::NoneDeclared => "none declared".to_owned(),
        RollbackState::NotPlayed => format!("none of {total} played"),
        RollbackState::Failed => format!("{failed} of {total} failed"),
        RollbackState::Unfinished => format!("not all of {total} ended"),
        RollbackState::Partial => format!("not all of {total} played"),
        RollbackState::Played => format!("{total} played"),
        RollbackState::Unknown => "not known".to_owned(),
    };
    format!("{}{strategy}", marked(state.as_str(), &said))
}

fn shown_steps(steps: &[Step]) -> Vec<String> {
    let mut lines: Vec<String> = steps.iter().take(STEPS).map(shown_step).collect();
    if steps.len() > STEPS {
        lines.push(format!("… and {} more", steps.len() - STEPS));
    }
    lines
}

fn shown_step(step: &Step) -> String {
    let said = match step.status {
        StepStatus::Succeeded => "succeeded",
        StepStatus::Failed => "failed",
        StepStatus::Unfinished => "unfinished",
    };
    marked(said, &format!("{}: {said}", cut(&plain(&step.name), 100)))
}

/// Draws parts with what is below each of them.
fn drawn(parts: &[(String, Vec<String>)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, (part, below)) in parts.iter().enumerate() {
        let (branch, stem) = if at + 1 == parts.len() { ("└─", "  ") } else { ("├─", "│ ") };
        lines.push(format!("  {branch} {part}"));
        for (at, line) in below.iter().enumerate() {
            let branch = if at + 1 == below.len() { "└─" } else { "├─" };
            lines.push(format!("  {stem} {branch} {line}"));
        }
    }
    lines
}

/// What the conditions say and the message does not.
fn notes(experiment: &Experiment) -> Vec<String> {
    let status = experiment.status.clone().unwrap_or_default();
    let odd = [
        (Type::Permitted, State::False),
        (Type::Authorized, State::False),
        (Type::CleanupBlocked, State::True),
    ];
    let mut lines = Vec::new();
    let mut add = |reason: &str, message: &str| {
        let said: Vec<String> = message.lines().map(|line| cut(&plain(line), LONGEST)).collect();
        if status.message.as_deref() == Some(message) || said.is_empty() {
            return;
        }
        lines.push(fact("note", &marked("warning", &format!("{}: {}", plain(reason), said[0]))));
        lines.extend(said[1..].iter().take(NOTE_LINES).map(|line| fact("", line)));
    };
    if let Some(accepted) = condition::find(&status.conditions, Type::Accepted)
        && accepted.reason != "Accepted"
    {
        add(&accepted.reason, &accepted.message);
    }
    for (type_, state) in odd {
        if let Some(found) =
            condition::find(&status.conditions, type_).filter(|one| one.status == state.as_str())
        {
            add(&found.reason, &found.message);
        }
    }
    lines
}

#[cfg(test)]
mod tests;
