//! What a report says about a run in pairs of a name and a value, for the formats that people read.

use chaostoolkit_api::Activities;
use chaostoolkit_journal::{RollbackState, Warning};

use crate::model::{RollbackSummary, Run};
use crate::times;
use crate::{status, text};

/// A fact: its name and its value.
pub(crate) type Fact = (&'static str, String);

/// Lists what is known about a run, in the order in which people ask for it.
pub(crate) fn facts(run: &Run) -> Vec<Fact> {
    let declared = &run.experiment;
    let (probes, actions) = counts(run);
    let is_played = !run.method.is_empty();
    let warnings: Vec<&str> = run.warnings.iter().map(<&str>::from).collect();
    let all = [
        ("Run", Some(run.label()).filter(|label| *label != run.title())),
        ("Outcome", outcome(run)),
        ("Status of the toolkit", run.status.clone()),
        ("Deviated, as the toolkit says", run.deviated.map(yes)),
        ("Warnings", (!warnings.is_empty()).then(|| warnings.join(", "))),
        ("Cause", run.detail.as_ref().map(ToString::to_string)),
        ("In doubt, since", run.doubt.clone()),
        ("Reason", reason(run)),
        ("No journal", run.source.problem.clone().filter(|_| run.source.journal.is_none())),
        ("Dry run", run.dry.clone()),
        ("Interrupted by", run.interruption.clone()),
        ("Asked for", asked(run)),
        ("Started", run.started_at.map(times::time)),
        ("Ended", run.finished_at.map(times::time)),
        ("Duration", run.duration_seconds.map(times::duration)),
        ("Tags", (!declared.tags.is_empty()).then(|| declared.tags.join(", "))),
        ("Contributes to", contributions(run)),
        (
            "Method",
            is_played
                .then(|| format!("{}, {}", text::count(actions, "action"), text::count(probes, "probe")))
                .or_else(|| run.activities.map(counted)),
        ),
        ("Hypothesis", steady_states(run)),
        ("Rollbacks", rollbacks(run)),
        ("Experiment", declared.source.clone()),
        ("SHA-256 of the experiment", declared.sha256.clone()),
        ("Toolkit", toolkit(run)),
        ("Platform", run.toolkit.platform.clone()),
        ("Executed on", host(run)),
        ("Outputs", run.source.truncated.then(|| "did not fit into the ConfigMap of the journal".to_owned())),
    ];
    let mut facts: Vec<Fact> = all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    facts.extend(run.forbidden.iter().map(|forbidden| ("Right that was missing", forbidden.to_string())));
    facts
}

/// The numbers of probes and actions of the method.
fn counts(run: &Run) -> (usize, usize) {
    use crate::model::ActivityKind;
    let probes = run.method.items.iter().filter(|activity| activity.kind == ActivityKind::Probe).count();
    (probes, run.method.items.len() - probes)
}

/// The numbers of activities, such as `2 activities, 1 succeeded, 1 failed`.
pub(crate) fn counted(Activities { total, succeeded, failed }: Activities) -> String {
    format!("{}, {succeeded} succeeded, {failed} failed", text::count(total, "activity"))
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn outcome(run: &Run) -> Option<String> {
    let outcome: &str = run.outcome?.into();
    Some(format!("{outcome}, {}", if run.conclusive { "conclusive" } else { "not conclusive" }))
}

/// Why the run is where it is. The reason of a run that ended often is its outcome.
pub(crate) fn reason(run: &Run) -> Option<String> {
    why(run.word(), run.reason.as_ref(), run.message.as_ref())
}

/// A reason and its sentence. A reason that says the same as the word before it is left out.
pub(crate) fn why(word: &str, reason: Option<&String>, message: Option<&String>) -> Option<String> {
    match (reason.filter(|reason| *reason != word), message) {
        (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
        (Some(text), None) | (None, Some(text)) => Some(text.clone()),
        (None, None) => None,
    }
}

/// Who asked for the run, how and when.
pub(crate) fn asked(run: &Run) -> Option<String> {
    let trigger = run.trigger.map(status::trigger)?;
    let by = run.requested_by.as_ref().map(|user| format!("by {user} ")).unwrap_or_default();
    let at = run.requested_at.map(|at| format!(", {}", times::time(at))).unwrap_or_default();
    Some(format!("{by}({trigger}{at})"))
}

/// What the experiment contributes to.
pub(crate) fn contributions(run: &Run) -> Option<String> {
    let all = run.experiment.contributions.iter();
    let all: Vec<String> =
        all.map(|found| format!("{} ({})", found.name, <&str>::from(found.level))).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Whether the hypothesis was met, if only the status says so.
fn steady_states(run: &Run) -> Option<String> {
    use chaostoolkit_journal::SteadyState;
    let states = run.steady_state.filter(|_| run.hypothesis.all().next().is_none())?;
    let phases = [("before", states.before), ("during", states.during), ("after", states.after)];
    let known = |state: &SteadyState| !matches!(state, SteadyState::NotEvaluated | SteadyState::Unknown);
    let known = phases.into_iter().filter(|(_, state)| known(state));
    let words: Vec<String> =
        known.map(|(phase, state)| format!("{phase}: {}", text::words(state.into()))).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The state of the rollbacks, with their strategy.
pub(crate) fn rollbacks(run: &Run) -> Option<String> {
    let summary = run.rollback_summary.as_ref()?;
    let strategy =
        summary.strategy.as_ref().map(|strategy| format!(", strategy {strategy}")).unwrap_or_default();
    Some(format!("{}{strategy}", state(summary)))
}

/// The state of rollbacks with their numbers, such as `2 played` or `1 of 2 failed`.
pub(crate) fn state(summary: &RollbackSummary) -> String {
    let RollbackSummary { total, failed, .. } = summary;
    match summary.state {
        RollbackState::NoneDeclared => "none declared".to_owned(),
        RollbackState::NotPlayed => format!("none of {total} played"),
        RollbackState::Failed => format!("{failed} of {total} failed"),
        RollbackState::Unfinished => format!("not all of {total} ended"),
        RollbackState::Partial => format!("not all of {total} played"),
        RollbackState::Played => format!("{total} played"),
        RollbackState::Unknown => "not known".to_owned(),
    }
}

/// What a warning says, in words.
pub(crate) const fn explained(warning: Warning) -> &'static str {
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

/// The versions of the toolkit.
pub(crate) fn toolkit(run: &Run) -> Option<String> {
    let version = run.toolkit.version.as_ref().map(|version| format!("Chaos Toolkit {version}"));
    let lib = run.toolkit.lib.as_ref().map(|lib| format!("chaostoolkit-lib {lib}"));
    let parts: Vec<String> = version.into_iter().chain(lib).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn host(run: &Run) -> Option<String> {
    let node = run.toolkit.node.as_ref().map(|node| format!("node {node}"));
    let host = run.pod.as_ref().or(run.toolkit.host.as_ref());
    let parts: Vec<String> = host.cloned().into_iter().chain(node).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What became of the rescue.
pub(crate) fn rescue(run: &Run) -> Option<String> {
    let rescue = run.rescue.as_ref()?;
    let state = rescue.rollbacks.as_ref().map(state);
    let is_open = rescue.finished_at.is_none() && rescue.problem.is_none();
    let open = is_open.then(|| "not finished".to_owned());
    let parts: Vec<String> = [state, open, rescue.problem.clone()].into_iter().flatten().collect();
    Some(if parts.is_empty() { "ended".to_owned() } else { parts.join(": ") })
}
