//! Compares several runs: which hypotheses held, what the experiments contribute to, and what changed.

use serde::Serialize;

use crate::model::{Level, Run};
use crate::text;

mod changes;

pub use changes::{Change, changes};

/// A comparison of several runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The runs, in the order of the report.
    pub rows: Vec<Row>,
    /// The contributions of the experiments. Empty if no experiment declares any.
    pub contributions: Contributions,
    /// What changed between consecutive runs of the same experiment.
    pub changes: Vec<Changed>,
}

/// A run in a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The label of the run.
    pub run: String,
    /// The title of the experiment.
    pub title: String,
    /// The hypothesis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<String>,
    /// Whether the hypothesis held: `held`, `did not hold`, `not known` or `none`.
    pub held: &'static str,
    /// The result in one word.
    pub result: &'static str,
    /// The duration in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
}

/// What the experiments contribute to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contributions {
    /// The qualities, by name.
    pub names: Vec<String>,
    /// How much each experiment contributes to each quality. Each experiment is listed once.
    pub experiments: Vec<Contributed>,
    /// How much the experiments with a tag contribute to each quality. The highest level counts.
    pub tags: Vec<Contributed>,
}

/// How much something contributes to each quality.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Contributed {
    /// The title of the experiment, or the tag.
    pub name: String,
    /// The level for each quality in the order of [`Contributions::names`]. `None` if nothing is said.
    pub levels: Vec<Option<Level>>,
}

/// What changed between two runs of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Changed {
    /// The earlier run.
    pub from: String,
    /// The later run.
    pub to: String,
    /// The differences.
    pub changes: Vec<Change>,
}

impl Comparison {
    /// Compares runs.
    #[must_use]
    pub fn of(runs: &[Run]) -> Self {
        Self {
            rows: runs.iter().map(row).collect(),
            contributions: contributions(runs),
            changes: consecutive(runs),
        }
    }
}

fn row(run: &Run) -> Row {
    Row {
        run: run.label(),
        title: run.title(),
        hypothesis: run.experiment.hypothesis.clone(),
        held: held(run),
        result: run.word(),
        duration_seconds: run.duration_seconds,
    }
}

/// Whether the hypothesis held. It did if the run passed with one, and did not if the system deviated or the baseline was
/// not met.
pub(crate) fn held(run: &Run) -> &'static str {
    use chaostoolkit_journal::{Outcome, Warning};
    match run.outcome {
        _ if run.warnings.contains(&Warning::NoHypothesis) => "none",
        Some(Outcome::Passed) => "held",
        Some(Outcome::Deviated) => "did not hold",
        Some(Outcome::BaselineNotMet) => "did not hold before the method",
        _ => "not known",
    }
}

fn contributions(runs: &[Run]) -> Contributions {
    let declared = || runs.iter().flat_map(|run| run.experiment.contributions.iter());
    let mut names: Vec<String> = declared().map(|contribution| contribution.name.clone()).collect();
    names.sort();
    names.dedup();
    let mut found = Contributions { names, ..Contributions::default() };
    for run in runs.iter().filter(|run| !run.experiment.contributions.is_empty()) {
        let title = run.title();
        add(&mut found.experiments, &title, run, &found.names);
        for tag in &run.experiment.tags {
            add(&mut found.tags, tag, run, &found.names);
        }
    }
    found.tags.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Adds the contributions of a run to the entry with this name. The highest level counts.
fn add(entries: &mut Vec<Contributed>, name: &str, run: &Run, names: &[String]) {
    let at = entries.iter().position(|entry| entry.name == name).unwrap_or_else(|| {
        entries.push(Contributed { name: name.to_owned(), levels: vec![None; names.len()] });
        entries.len() - 1
    });
    let Some(entry) = entries.get_mut(at) else { return };
    for (quality, level) in names.iter().zip(&mut entry.levels) {
        let declared = run.experiment.contributions.iter().find(|contribution| contribution.name == *quality);
        // `High` is the least of the levels.
        *level = [*level, declared.map(|declared| declared.level)].into_iter().flatten().min();
    }
}

/// Compares each run with the run of the same experiment before it.
fn consecutive(runs: &[Run]) -> Vec<Changed> {
    let is_same = |one: &Run, other: &Run| match (&one.name, &other.name) {
        (Some(name), Some(other_name)) => name == other_name && one.namespace == other.namespace,
        _ => one.experiment.title.is_some() && one.experiment.title == other.experiment.title,
    };
    let mut found = Vec::new();
    for (at, later) in runs.iter().enumerate() {
        let earlier = runs.get(..at).into_iter().flatten().rev().find(|run| is_same(run, later));
        if let Some(earlier) = earlier {
            found.push(Changed {
                from: earlier.label(),
                to: later.label(),
                changes: changes(earlier, later),
            });
        }
    }
    found
}

/// The sentence that sums up several runs, such as `4 runs: 2 passed, 1 deviated, 1 inconclusive`.
#[must_use]
pub fn totals(runs: &[Run]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for run in runs {
        match counts.iter_mut().find(|(word, _)| *word == run.word()) {
            Some((_, count)) => *count += 1,
            None => counts.push((run.word(), 1)),
        }
    }
    let counts: Vec<String> =
        counts.iter().map(|(word, count)| format!("{count} {}", text::words(word))).collect();
    format!(
        "{}: {}",
        text::count(runs.len(), "run"),
        if counts.is_empty() { "-".to_owned() } else { counts.join(", ") }
    )
}
