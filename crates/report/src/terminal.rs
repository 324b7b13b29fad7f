//! Writes runs for a terminal: as trees with marks, words and times.

mod activity;
mod head;
mod tree;

use crate::comparison::{Changed, Comparison, totals};
use crate::model::{Evaluation, Evaluations, Phase, Run};
use crate::options::Style;
use crate::report::Report;
use crate::terminal::activity::{activities, more};
use crate::terminal::head::{head, mark};
use crate::terminal::tree::{Node, Tone, print};
use crate::text;
use crate::times;

/// Writes a report: the comparison if there are several runs, and then each run.
#[must_use]
pub fn report(report: &Report, style: Style) -> String {
    let comparison =
        report.comparison.as_ref().map(|comparison| self::comparison(comparison, &report.runs, style));
    let runs = report.runs.iter().map(|run| self::run(run, style));
    comparison.into_iter().chain(runs).collect::<Vec<String>>().join("\n")
}

/// Writes a run as a tree.
#[must_use]
pub fn run(run: &Run, style: Style) -> String {
    let rooms = [hypothesis(run), method(run), rollbacks(run), rescue(run), configuration(run)];
    print(&head(run).children(rooms.into_iter().flatten()), style)
}

/// Writes what changed between two runs.
#[must_use]
pub fn diff(earlier: &Run, later: &Run, style: Style) -> String {
    let changes = crate::comparison::changes(earlier, later);
    print(&changed(&Changed { from: earlier.label(), to: later.label(), changes }), style)
}

fn comparison(comparison: &Comparison, runs: &[Run], style: Style) -> String {
    let rows = comparison.rows.iter().zip(runs).map(|(row, run)| {
        let (tone, mark) = mark(run);
        Node::new(tone, format!("{mark} {}", row.result))
            .with(Tone::Strong, &row.run)
            .with(Tone::Plain, format!("hypothesis {}", row.held))
            .with_some(Tone::Dim, row.duration_seconds.map(times::duration))
    });
    let mut rooms = vec![Node::new(Tone::Strong, "runs").children(rows)];
    let contributions = &comparison.contributions;
    if !contributions.names.is_empty() {
        let entries = contributions.experiments.iter().map(|entry| {
            let named = contributions.names.iter().zip(&entry.levels);
            let levels =
                named.filter_map(|(name, level)| Some(format!("{name} {}", <&str>::from((*level)?))));
            Node::new(Tone::Plain, &entry.name).with(Tone::Dim, levels.collect::<Vec<String>>().join(", "))
        });
        rooms.push(Node::new(Tone::Strong, "contributions").children(entries));
    }
    rooms.extend(comparison.changes.iter().map(changed));
    print(&Node::new(Tone::Strong, totals(runs)).children(rooms), style)
}

fn changed(changed: &Changed) -> Node {
    let node = Node::new(Tone::Strong, format!("from {} to {}", changed.from, changed.to));
    if changed.changes.is_empty() {
        return node.with(Tone::Dim, "nothing changed");
    }
    node.children(changed.changes.iter().map(|change| {
        Node::new(Tone::Plain, format!("{}:", change.what))
            .with(Tone::Dim, &change.from)
            .with(Tone::Plain, format!("→ {}", change.to))
    }))
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
    use chaostoolkit_journal::SteadyState;
    let Some(states) = run.steady_state else { return Vec::new() };
    let phases =
        [(Phase::Before, states.before), (Phase::During, states.during), (Phase::After, states.after)];
    let known = phases
        .into_iter()
        .filter(|(_, state)| !matches!(state, SteadyState::NotEvaluated | SteadyState::Unknown));
    known
        .map(|(phase, state)| {
            let (tone, mark) =
                if state == SteadyState::Met { (Tone::Good, '✔') } else { (Tone::Bad, '✘') };
            Node::new(Tone::Plain, <&str>::from(phase))
                .with(tone, format!("{mark} {}", text::words(state.into())))
        })
        .collect()
}

fn evaluation(phase: Phase, state: &Evaluation) -> Node {
    let (tone, mark) = judged(state);
    Node::new(Tone::Plain, <&str>::from(phase))
        .with(tone, format!("{mark} {}", state.word()))
        .children(activities(&state.probes))
}

/// Evaluations that were met are counted. The others are listed.
fn during(hypothesis: &Evaluations) -> Option<Node> {
    let during = &hypothesis.during;
    (!during.is_empty()).then(|| {
        let (met, all) = (hypothesis.met_during(), during.items.len());
        let (tone, mark) = if met == all { (Tone::Good, '✔') } else { (Tone::Bad, '✘') };
        Node::new(Tone::Plain, <&str>::from(Phase::During))
            .with(tone, format!("{mark} met {met} of {}", text::count(all, "time")))
            .children(activities(&hypothesis.bad_during()))
            .children(more(during.omitted, "evaluation"))
    })
}

fn judged(state: &Evaluation) -> (Tone, char) {
    match state.word() {
        "met" => (Tone::Good, '✔'),
        "unknown" => (Tone::Odd, '?'),
        _ => (Tone::Bad, '✘'),
    }
}

fn method(run: &Run) -> Option<Node> {
    let declared = run.experiment.method.len();
    let open = declared.saturating_sub(run.method.len());
    let missing =
        (open > 0).then(|| Node::new(Tone::Odd, format!("○ {} not played", text::count(open, "activity"))));
    let node = Node::new(Tone::Strong, "method").children(activities(&run.method)).children(missing);
    node.has_children().then_some(node)
}

fn rollbacks(run: &Run) -> Option<Node> {
    use chaostoolkit_journal::RollbackState;
    let summary = run.rollback_summary.as_ref()?;
    let tone = match summary.state {
        RollbackState::NoneDeclared => return None,
        RollbackState::Played => Tone::Good,
        RollbackState::Failed | RollbackState::Unfinished | RollbackState::Partial => Tone::Bad,
        RollbackState::NotPlayed | RollbackState::Unknown => Tone::Odd,
    };
    let strategy = summary.strategy.as_ref().map(|strategy| format!("strategy {strategy}"));
    Some(
        Node::new(Tone::Strong, "rollbacks")
            .with(tone, text::words(summary.state.into()))
            .with_some(Tone::Dim, strategy)
            .children(activities(&run.rollbacks)),
    )
}

fn rescue(run: &Run) -> Option<Node> {
    let rescue = run.rescue.as_ref()?;
    let state = rescue.rollbacks.as_ref().map(|rollbacks| text::words(rollbacks.state.into()));
    let tone = if rescue.problem.is_some() { Tone::Bad } else { Tone::Plain };
    let is_open = rescue.finished_at.is_none() && rescue.problem.is_none();
    Some(
        Node::new(Tone::Strong, "rescue")
            .with_some(tone, state)
            .with_some(Tone::Odd, is_open.then(|| "not finished".to_owned()))
            .with_some(Tone::Bad, rescue.problem.clone()),
    )
}

fn configuration(run: &Run) -> Option<Node> {
    let declared = &run.experiment;
    let pairs =
        declared.configuration.iter().map(|(name, value)| Node::new(Tone::Plain, format!("{name}: {value}")));
    let secrets = declared.secrets.iter().map(|name| Node::new(Tone::Dim, format!("{name}: secret")));
    let node = Node::new(Tone::Strong, "configuration").children(pairs).children(secrets);
    node.has_children().then_some(node)
}
