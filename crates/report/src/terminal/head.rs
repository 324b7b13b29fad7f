//! The first lines of a run: what it was, how it ended and why.

use chaostoolkit_journal::RunResult;
use jiff::Timestamp;

use crate::facts::{self, asked, contributions, explained, reason};
use crate::mark::Mark;
use crate::model::Run;
use crate::terminal::tree::{Node, Tone};
use crate::times;

/// The word for a run, with its mark.
pub(crate) fn word(run: &Run) -> Node {
    match run.result {
        Some(result) => Node::default().marked(Mark::of_result(result), run.word()),
        None => Node::new(Tone::Odd, format!("○ {}", run.word())),
    }
}

/// How much of a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All of it.
    Whole,
    /// What somebody who looks at it at this time asks first.
    Brief(Timestamp),
}

/// The first line of a run: how it ended, and which one it is. `phase` is that of its experiment.
pub(crate) fn title(run: &Run, phase: Option<&str>) -> Node {
    let inconclusive =
        run.outcome.is_some() && !run.conclusive && run.result != Some(RunResult::Inconclusive);
    let outcome = run.outcome.filter(|_| run.result == Some(RunResult::Inconclusive));
    let tone_of_more = if outcome.is_some() || inconclusive { Tone::Odd } else { Tone::Dim };
    let more = joined([
        phase.map(str::to_owned),
        outcome.map(|outcome| format!("outcome {}", <&str>::from(outcome))),
        inconclusive.then(|| "not conclusive".to_owned()),
    ]);
    word(run)
        .with(Tone::Strong, run.title())
        .with_some(Tone::Dim, Some(run.label()).filter(|label| *label != run.title()))
        .with_some(tone_of_more, more.map(|more| format!("({more})")))
}

/// The lines that explain the first one.
pub(crate) fn lines(run: &Run, detail: Detail) -> Vec<Node> {
    let is_whole = detail == Detail::Whole;
    let mut lines = Vec::new();
    let mut add = |tone, line: Option<String>| lines.extend(line.map(|line| Node::new(tone, line)));
    let description = run.experiment.description.clone();
    add(Tone::Dim, description.filter(|text| is_whole && *text != run.title()));
    for warning in &run.warnings {
        add(Tone::Odd, Some(format!("! {}: {}", <&str>::from(warning), explained(*warning))));
    }
    let reason = reason(run);
    // The sentence of the operator often ends with it.
    let is_new = |cause: &String| reason.as_ref().is_none_or(|reason| !reason.contains(cause.as_str()));
    let cause = run.detail.as_ref().map(ToString::to_string).filter(is_new);
    add(Tone::Plain, reason);
    add(Tone::Plain, cause.map(|cause| format!("cause: {cause}")));
    add(Tone::Odd, run.doubt.as_ref().map(|doubt| format!("in doubt, since {doubt}")));
    for forbidden in &run.forbidden {
        add(Tone::Bad, Some(format!("lacked a right: {forbidden}")));
    }
    add(Tone::Odd, run.dry.as_ref().map(|dry| format!("dry run: {dry}")));
    add(Tone::Odd, run.interruption.as_ref().map(|by| format!("interrupted by {by}")));
    add(Tone::Odd, run.source.problem.as_ref().map(|problem| journal(run, problem)));
    add(Tone::Odd, run.source.truncated.then(|| "the outputs did not fit into the ConfigMap".to_owned()));
    add(Tone::Plain, times(run, detail));
    add(Tone::Plain, asked(run).map(|asked| format!("asked for {asked}{}", ago(run, detail))));
    add(Tone::Dim, toolkit(run, detail));
    add(Tone::Dim, pod(run));
    let kept = run.source.journal.as_ref().filter(|_| run.name.is_some());
    add(Tone::Dim, kept.map(|journal| format!("journal in {journal}")));
    let tags = &run.experiment.tags;
    add(Tone::Dim, (is_whole && !tags.is_empty()).then(|| format!("tags: {}", tags.join(", "))));
    let contributions = contributions(run).filter(|_| is_whole);
    add(Tone::Dim, contributions.map(|found| format!("contributes to: {found}")));
    lines
}

/// What is wrong with the journal.
fn journal(run: &Run, problem: &str) -> String {
    format!("{}: {problem}", if run.source.journal.is_some() { "journal" } else { "no journal" })
}

fn times(run: &Run, detail: Detail) -> Option<String> {
    let started = run.started_at.map(|at| format!("started {}", times::time(at)));
    let took = run.duration_seconds.map(|seconds| format!("took {}", times::duration(seconds)));
    let so_far = match (run.started_at, run.finished_at, detail) {
        (Some(started), None, Detail::Brief(now)) => Some(format!("{} so far", times::since(started, now))),
        _ => None,
    };
    joined([started, took.or(so_far)])
}

/// How long ago the run was asked for.
fn ago(run: &Run, detail: Detail) -> String {
    match (run.requested_at, detail) {
        (Some(at), Detail::Brief(now)) => format!(", {} ago", times::since(at, now)),
        _ => String::new(),
    }
}

fn toolkit(run: &Run, detail: Detail) -> Option<String> {
    let platform = run.toolkit.platform.clone().filter(|_| detail == Detail::Whole);
    let node = run.toolkit.node.as_ref().map(|node| format!("node {node}"));
    let place = [run.toolkit.host.clone(), node].map(|part| part.filter(|_| run.pod.is_none()));
    joined([facts::toolkit(run), platform].into_iter().chain(place))
}

fn pod(run: &Run) -> Option<String> {
    let node = run.toolkit.node.as_ref().map(|node| format!(" on node {node}")).unwrap_or_default();
    run.pod.as_ref().map(|pod| format!("pod {pod}{node}"))
}

/// The parts that there are, with commas between them.
fn joined(parts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
