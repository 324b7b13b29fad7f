//! From the records of all starts to the report on the container: pure.
//!
//! The outcome is the worst one of all starts. Rollbacks count as played only if all rollbacks of all starts were played.

use chaostoolkit_journal::message::{Message, Start, Starts, ToolkitEnd};
use chaostoolkit_journal::{Outcome, RollbackState, Rollbacks, Summary, Warning};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::starts::record::Record;

/// How many starts the report lists.
const MAX_LISTED: usize = 16;

/// What is known of the starts that have no record of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rest {
    /// How many starts have ended.
    pub ended: u32,
    /// How many of them were told to run an experiment, and were observed.
    pub runs: u32,
    /// How many of them could not be observed.
    pub unobserved: u32,
    /// The worst of these.
    pub worst: Option<Record>,
    /// Their rollbacks.
    pub rollbacks: Option<Rollbacks>,
}

/// Adds the record of a start.
pub fn add(rest: Rest, record: &Record) -> Rest {
    let ended = rest.ended.saturating_add(1);
    if record.subcommand.is_some() {
        return Rest { ended, ..rest };
    }
    if record.is_unobserved() {
        return Rest { ended, unobserved: rest.unobserved.saturating_add(1), ..rest };
    }
    let rollbacks = join(rest.rollbacks, record);
    let worst = [rest.worst, Some(record.clone())].into_iter().flatten().min_by_key(severity);
    Rest { ended, runs: rest.runs.saturating_add(1), worst, rollbacks, ..rest }
}

/// Writes into the report how the toolkit went whose starts have these records.
pub fn report(message: &mut Message, records: &[Record], rest: &Rest, unobserved: u32) {
    message.held_back = records.iter().any(|record| record.held_back);
    let runs: Vec<&Record> = records.iter().filter(|record| record.subcommand.is_none()).collect();
    let (unseen, seen): (Vec<&Record>, Vec<&Record>) = runs.iter().partition(|record| record.is_unobserved());
    let count = |records: &[&Record]| u32::try_from(records.len()).unwrap_or(u32::MAX);
    let unobserved = unobserved.saturating_add(count(&unseen)).saturating_add(rest.unobserved);
    let total = count(&seen).saturating_add(rest.runs);
    if total != 1 || unobserved > 0 {
        let worst = worst(&seen, rest).map(|record| record.number);
        let is_any = total > 0 || unobserved > 0;
        let list = list(&runs, worst);
        message.starts = is_any.then_some(Starts { total, unobserved, rollbacks: None, list });
    }
    let Some(worst) = worst(&seen, rest).or_else(|| unseen.first().copied()) else {
        // A failure is more interesting than what succeeded after it.
        let failed = |record: &&Record| record.exit.is_none_or(|exit| exit.code() != 0);
        if let Some(record) = records.iter().find(failed).or_else(|| records.last()) {
            message.subcommand.clone_from(&record.subcommand);
            describe(message, record);
        }
        return;
    };
    describe(message, worst);
    if total < 2 {
        return;
    }
    let joined = seen.iter().copied().fold(rest.rollbacks.clone(), join);
    if let Some(summary) = &mut message.summary {
        let all: Vec<&Record> = seen.iter().copied().chain(&rest.worst).collect();
        qualify(summary, &all);
        summary.rollbacks = joined.unwrap_or_default();
    } else if let Some(starts) = &mut message.starts {
        starts.rollbacks = joined.filter(|joined| joined.state != RollbackState::Unknown);
    }
}

/// Returns the record of the worst start that was observed.
fn worst<'a>(seen: &[&'a Record], rest: &'a Rest) -> Option<&'a Record> {
    seen.iter().copied().chain(&rest.worst).min_by_key(|record| severity(record))
}

/// Returns the records of runs from the worst to the best.
pub fn by_severity(records: &[Record]) -> Vec<&Record> {
    let mut runs: Vec<&Record> = records.iter().filter(|record| record.subcommand.is_none()).collect();
    runs.sort_by_key(|record| severity(record));
    runs
}

fn severity(record: &Record) -> usize {
    record.outcome().rank()
}

fn describe(message: &mut Message, record: &Record) {
    message.toolkit.clone_from(&record.toolkit);
    message.rollback_strategy.clone_from(&record.rollback_strategy);
    message.toolkit_end =
        record.exit.map(|exit| ToolkitEnd { exit_code: exit.code(), signal: exit.signal() });
    message.refusal.clone_from(&record.refusal);
    message.journal.clone_from(&record.journal);
    message.summary.clone_from(&record.summary);
}

/// Lists the starts. The one with the worst outcome is always in the list.
fn list(runs: &[&Record], worst: Option<u32>) -> Vec<Start> {
    let mut listed: Vec<&Record> = runs.iter().copied().take(MAX_LISTED).collect();
    if let Some(worst) = runs.iter().skip(MAX_LISTED).find(|record| Some(record.number) == worst) {
        listed.pop();
        listed.push(worst);
    }
    let start = |record: &&Record| {
        let summary = record.summary.clone().unwrap_or_default();
        Start {
            number: record.number,
            outcome: record.outcome(),
            warnings: summary.warnings,
            exit_code: record.exit.map(Exit::code),
            rollbacks: record.rollbacks(),
            title: summary.experiment.title,
        }
    };
    listed.iter().map(start).collect()
}

/// Adds to the summary of the worst start what the others take away from it.
fn qualify(summary: &mut Summary, runs: &[&Record]) {
    let others = runs.iter().filter_map(|record| record.summary.as_ref());
    let about_rollbacks =
        |warning: &Warning| matches!(warning, Warning::RollbackFailed | Warning::RollbacksNotPlayed);
    let is_passed = summary.outcome == Outcome::Passed;
    let added =
        others.flat_map(|other| &other.warnings).filter(|warning| is_passed || about_rollbacks(warning));
    summary.warnings.extend(added.copied());
    let lacking =
        runs.iter().filter_map(|record| record.summary.as_ref()).find(|run| !run.forbidden.is_empty());
    if let (true, Some(lacking)) = (summary.forbidden.is_empty(), lacking) {
        summary.forbidden.clone_from(&lacking.forbidden);
        summary.warnings.push(Warning::ActivityForbidden);
    }
    summary.warnings.sort_unstable();
    summary.warnings.dedup();
    if is_passed {
        summary.conclusive =
            runs.iter().all(|record| record.summary.as_ref().is_some_and(|summary| summary.conclusive));
    }
}

/// Joins the rollbacks of some starts with those of another one.
fn join(one: Option<Rollbacks>, record: &Record) -> Option<Rollbacks> {
    // A toolkit that was never started has nothing to roll back.
    if record.skipped {
        return one;
    }
    let other = record.summary.as_ref().map(|summary| summary.rollbacks.clone()).unwrap_or_default();
    Some(match one {
        Some(one) => sum(one, &other),
        None => other,
    })
}

fn sum(one: Rollbacks, other: &Rollbacks) -> Rollbacks {
    /// From the worst to the best.
    const STATES: [RollbackState; 7] = [
        RollbackState::Failed,
        RollbackState::Unfinished,
        RollbackState::Partial,
        RollbackState::NotPlayed,
        RollbackState::Unknown,
        RollbackState::Played,
        RollbackState::NoneDeclared,
    ];
    let rank = |state: RollbackState| STATES.iter().position(|other| *other == state).unwrap_or_default();
    let state = match (one.state, other.state) {
        (RollbackState::NotPlayed, RollbackState::Played)
        | (RollbackState::Played, RollbackState::NotPlayed) => RollbackState::Partial,
        (one, other) => std::cmp::min_by_key(one, other, |state| rank(*state)),
    };
    Rollbacks {
        strategy: one.strategy.filter(|strategy| other.strategy.as_ref() == Some(strategy)),
        state,
        total: one.total + other.total,
        played: one.played + other.played,
        failed: one.failed + other.failed,
    }
}

#[cfg(test)]
mod tests;
