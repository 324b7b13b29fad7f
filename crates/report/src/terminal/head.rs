//! The first lines of a run: what it was, how it ended and why.

use chaostoolkit_journal::RunResult;

use crate::facts::{self, asked, contributions, reason};
use crate::model::Run;
use crate::terminal::tree::{Node, Tone};
use crate::times;

/// The mark of a run, and its tone.
pub(crate) const fn mark(run: &Run) -> (Tone, char) {
    match run.result {
        Some(RunResult::Passed) => (Tone::Good, '✔'),
        Some(RunResult::Inconclusive | RunResult::Interrupted | RunResult::Unknown) => (Tone::Odd, '!'),
        Some(_) => (Tone::Bad, '✘'),
        None => (Tone::Odd, '○'),
    }
}

/// The first line, and the lines that explain it.
pub(crate) fn head(run: &Run) -> Node {
    let (tone, mark) = mark(run);
    let inconclusive =
        run.outcome.is_some() && !run.conclusive && run.result != Some(RunResult::Inconclusive);
    let outcome = run.outcome.filter(|_| run.result == Some(RunResult::Inconclusive));
    let node = Node::new(tone, format!("{mark} {}", run.word()))
        .with(Tone::Strong, run.title())
        .with_some(Tone::Dim, Some(run.label()).filter(|label| *label != run.title()))
        .with_some(Tone::Odd, outcome.map(|outcome| format!("(outcome {})", <&str>::from(outcome))))
        .with_some(Tone::Odd, inconclusive.then(|| "(not conclusive)".to_owned()));
    node.children(lines(run).into_iter().map(|(tone, line)| Node::new(tone, line)))
}

fn lines(run: &Run) -> Vec<(Tone, String)> {
    let mut lines = Vec::new();
    let mut add = |tone, line: Option<String>| lines.extend(line.map(|line| (tone, line)));
    add(Tone::Dim, run.experiment.description.clone().filter(|text| *text != run.title()));
    let warnings: Vec<&str> = run.warnings.iter().map(<&str>::from).collect();
    add(Tone::Odd, (!warnings.is_empty()).then(|| format!("warnings: {}", warnings.join(", "))));
    add(Tone::Plain, reason(run));
    add(Tone::Plain, run.detail.as_ref().map(ToString::to_string).map(|detail| format!("cause: {detail}")));
    add(Tone::Odd, run.doubt.as_ref().map(|doubt| format!("in doubt, since {doubt}")));
    for forbidden in &run.forbidden {
        add(Tone::Bad, Some(format!("lacked a right: {forbidden}")));
    }
    add(Tone::Odd, run.dry.as_ref().map(|dry| format!("dry run: {dry}")));
    add(Tone::Odd, run.interruption.as_ref().map(|by| format!("interrupted by {by}")));
    add(Tone::Odd, run.source.problem.as_ref().map(|problem| format!("no journal: {problem}")));
    add(Tone::Odd, run.source.truncated.then(|| "the outputs did not fit into the ConfigMap".to_owned()));
    add(Tone::Plain, times(run));
    add(Tone::Plain, asked(run).map(|asked| format!("asked for {asked}")));
    add(Tone::Dim, toolkit(run));
    let tags = &run.experiment.tags;
    add(Tone::Dim, (!tags.is_empty()).then(|| format!("tags: {}", tags.join(", "))));
    add(Tone::Dim, contributions(run).map(|found| format!("contributes to: {found}")));
    lines
}

fn times(run: &Run) -> Option<String> {
    let started = run.started_at.map(|at| format!("started {}", times::time(at)));
    let took = run.duration_seconds.map(|seconds| format!("took {}", times::duration(seconds)));
    let parts: Vec<String> = started.into_iter().chain(took).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn toolkit(run: &Run) -> Option<String> {
    let node = run.toolkit.node.as_ref().map(|node| format!("node {node}"));
    let parts = [facts::toolkit(run), run.toolkit.platform.clone(), run.toolkit.host.clone(), node];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
