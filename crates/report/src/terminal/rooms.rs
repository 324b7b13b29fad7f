//! The parts of a run: its hypothesis, method, rollbacks, rescue and configuration.

use chaostoolkit_journal::{RollbackState, SteadyState};

use crate::facts;
use crate::mark::Mark;
use crate::model::{Evaluation, Evaluations, Phase, Run};
use crate::terminal::activity::{activities, more};
use crate::terminal::tree::{Node, Tone};
use crate::text;

/// The parts that the run has, in their order.
pub(crate) fn rooms(run: &Run) -> impl Iterator<Item = Node> {
    [hypothesis(run), method(run), rollbacks(run), rescue(run), configuration(run)].into_iter().flatten()
}

fn hypothesis(run: &Run) -> Option<Node> {
    let declared = &run.experiment;
    let title = declared.hypothesis.as_ref().map(|title| format!("\"{title}\""));
    let strategy = declared.hypothesis_strategy.as_ref().map(|strategy| format!("strategy {strategy}"));
    let node =
        Node::new(Tone::Strong, "hypothesis").with_some(Tone::Plain, title).with_some(Tone::Dim, strategy);
    let found = &run.hypothesis;
    let mut phases: Vec<Node> = found.before.iter().map(|state| evaluation(Phase::Before, state)).collect();
    phases.extend(during(found));
    phases.extend(found.after.iter().map(|state| evaluation(Phase::After, state)));
    if phases.is_empty() {
        phases = from_status(run);
    }
    (!phases.is_empty()).then(|| node.children(phases))
}

/// What the status says, if there is no journal.
fn from_status(run: &Run) -> Vec<Node> {
    let Some(states) = run.steady_state else { return Vec::new() };
    let phases =
        [(Phase::Before, states.before), (Phase::During, states.during), (Phase::After, states.after)];
    let known = phases
        .into_iter()
        .filter(|(_, state)| !matches!(state, SteadyState::NotEvaluated | SteadyState::Unknown));
    known
        .map(|(phase, state)| {
            Node::new(Tone::Plain, <&str>::from(phase))
                .marked(Mark::of_state(state), text::words(state.into()))
        })
        .collect()
}

fn evaluation(phase: Phase, state: &Evaluation) -> Node {
    Node::new(Tone::Plain, <&str>::from(phase))
        .marked(Mark::of_evaluation(state), state.word())
        .children(activities(&state.probes))
}

/// Evaluations that were met are counted. The others are listed.
fn during(hypothesis: &Evaluations) -> Option<Node> {
    let during = &hypothesis.during;
    (!during.is_empty()).then(|| {
        let (met, all) = (hypothesis.met_during(), during.items.len());
        Node::new(Tone::Plain, <&str>::from(Phase::During))
            .marked(Mark::of(met == all), format!("met {met} of {}", text::count(all, "time")))
            .children(activities(&hypothesis.bad_during()))
            .children(more(during.omitted, "evaluation"))
    })
}

fn method(run: &Run) -> Option<Node> {
    let declared = run.experiment.method.len();
    let open = declared.saturating_sub(run.method.len());
    let missing =
        (open > 0).then(|| Node::new(Tone::Odd, format!("○ {} not played", text::count(open, "activity"))));
    let node = Node::new(Tone::Strong, "method").children(activities(&run.method)).children(missing);
    if node.has_children() {
        return Some(node);
    }
    // The status has their numbers.
    let counts = run.activities?;
    Some(node.marked(Mark::of(counts.failed <= 0), facts::counted(counts)))
}

fn rollbacks(run: &Run) -> Option<Node> {
    let summary = run.rollback_summary.as_ref()?;
    if summary.state == RollbackState::NoneDeclared {
        return None;
    }
    let strategy = summary.strategy.as_ref().map(|strategy| format!("strategy {strategy}"));
    let node = Node::new(Tone::Strong, "rollbacks");
    let node = node.marked(Mark::of_rollbacks(summary.state), facts::state(summary));
    Some(node.with_some(Tone::Dim, strategy).children(activities(&run.rollbacks)))
}

fn rescue(run: &Run) -> Option<Node> {
    let rescue = run.rescue.as_ref()?;
    let is_open = rescue.finished_at.is_none() && rescue.problem.is_none();
    let mut node = Node::new(Tone::Strong, "rescue");
    if let Some(summary) = &rescue.rollbacks {
        node = node.marked(Mark::of_rollbacks(summary.state), facts::state(summary));
    }
    if let Some(problem) = &rescue.problem {
        node = node.marked(Mark::Bad, problem);
    }
    Some(node.with_some(Tone::Odd, is_open.then(|| "not finished".to_owned())))
}

fn configuration(run: &Run) -> Option<Node> {
    let declared = &run.experiment;
    let pairs =
        declared.configuration.iter().map(|(name, value)| Node::new(Tone::Plain, format!("{name}: {value}")));
    let secrets = declared.secrets.iter().map(|name| Node::new(Tone::Dim, format!("{name}: secret")));
    let node = Node::new(Tone::Strong, "configuration").children(pairs).children(secrets);
    node.has_children().then_some(node)
}
