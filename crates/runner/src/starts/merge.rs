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
mod tests {
    use super::*;
    use chaostoolkit_journal::message::State;
    use rstest::rstest;

    fn record(number: u32, outcome: Outcome, state: RollbackState) -> Record {
        let rollbacks = Rollbacks { state, total: 1, ..Rollbacks::default() };
        let conclusive = outcome == Outcome::Passed;
        let summary = Summary { outcome, conclusive, rollbacks, ..Summary::default() };
        let exit = Some(Exit::Code(i32::from(outcome != Outcome::Passed)));
        Record { number, exit, summary: Some(summary), ..Record::default() }
    }

    fn reported(records: &[Record], rest: &Rest, unobserved: u32) -> Message {
        let mut message = Message::new(State::Ended);
        report(&mut message, records, rest, unobserved);
        message
    }

    #[test]
    fn the_worst_outcome_counts_and_all_rollbacks_do() {
        let mut records = vec![record(1, Outcome::Passed, RollbackState::Played)];
        for (number, outcome) in (2..).zip(Outcome::FROM_WORST.into_iter().rev().skip(1)) {
            // These have no journal.
            if !matches!(outcome, Outcome::Error | Outcome::Invalid | Outcome::Unknown) {
                records.push(record(number, outcome, RollbackState::Played));
                assert_eq!(reported(&records, &Rest::default(), 0).summary.unwrap().outcome, outcome);
            }
        }
        records.push(record(20, Outcome::Passed, RollbackState::Failed));
        let message = reported(&records, &Rest::default(), 0);
        let summary = message.summary.unwrap();
        assert_eq!((summary.outcome, summary.rollbacks.state), (Outcome::Interrupted, RollbackState::Failed));
        assert_eq!(message.toolkit_end, Some(ToolkitEnd { exit_code: 1, signal: None }));
        let starts = message.starts.unwrap();
        assert_eq!((starts.total, starts.list.len()), (7, 7));
    }

    #[test]
    fn the_rights_that_another_start_lacked_are_reported() {
        use chaostoolkit_journal::Forbidden;
        let worst = record(1, Outcome::Deviated, RollbackState::Played);
        let mut other = record(2, Outcome::Passed, RollbackState::Played);
        let lacking = vec![Forbidden { verb: "list".to_owned(), ..Forbidden::default() }];
        other.summary.as_mut().unwrap().forbidden.clone_from(&lacking);
        let summary = reported(&[worst, other], &Rest::default(), 0).summary.unwrap();
        assert_eq!((summary.outcome, summary.forbidden), (Outcome::Deviated, lacking));
        assert_eq!(summary.warnings, [Warning::ActivityForbidden]);
    }

    #[test]
    fn one_start_is_not_listed() {
        let message = reported(&[record(1, Outcome::Passed, RollbackState::Played)], &Rest::default(), 0);
        assert!(message.starts.is_none() && message.summary.unwrap().conclusive);
        assert!(reported(&[], &Rest::default(), 0).starts.is_none());
    }

    #[test]
    fn an_unobserved_start_is_counted() {
        let records = [record(1, Outcome::Passed, RollbackState::Played)];
        let starts = reported(&records, &Rest::default(), 2).starts.unwrap();
        assert_eq!((starts.total, starts.unobserved), (1, 2));
        assert_eq!(reported(&[], &Rest::default(), 1).starts.unwrap().unobserved, 1);
    }

    #[rstest]
    #[case(None, false, None, Outcome::Unknown)]
    #[case(Some(Exit::Code(1)), true, None, Outcome::Interrupted)]
    #[case(Some(Exit::Signal(9)), false, None, Outcome::Error)]
    #[case(Some(Exit::Code(0)), false, None, Outcome::Unknown)]
    #[case(Some(Exit::Code(1)), false, None, Outcome::Invalid)]
    #[case(Some(Exit::Code(2)), false, None, Outcome::Invalid)]
    #[case(Some(Exit::Code(1)), false, Some("Failed to fetch"), Outcome::Error)]
    fn a_start_without_a_journal_has_an_outcome(
        #[case] exit: Option<Exit>,
        #[case] stopped: bool,
        #[case] unreachable: Option<&str>,
        #[case] expected: Outcome,
    ) {
        use chaostoolkit_journal::{Refusal, RefusalKind};
        let refusal = unreachable
            .map(|line| Refusal { kind: RefusalKind::ExperimentUnreachable, line: line.to_owned() });
        assert_eq!(Record { exit, stopped, refusal, ..Record::default() }.outcome(), expected);
    }

    #[test]
    fn a_pass_with_a_failing_exit_code_is_not_believed() {
        let passed = record(1, Outcome::Passed, RollbackState::Played);
        assert_eq!(Record { exit: Some(Exit::Code(1)), ..passed }.outcome(), Outcome::Unknown);
    }

    #[test]
    fn a_failed_subcommand_counts_only_if_nothing_was_run() {
        let other = |number, code| Record {
            number,
            exit: Some(Exit::Code(code)),
            subcommand: Some(format!("validate{code}")),
            ..Record::default()
        };
        let both = [other(1, 1), other(2, 0)];
        assert_eq!(reported(&both, &Rest::default(), 0).subcommand.as_deref(), Some("validate1"));
        assert_eq!(reported(&both[1..], &Rest::default(), 0).subcommand.as_deref(), Some("validate0"));
        let [first, second] = both;
        let run = record(3, Outcome::Passed, RollbackState::Played);
        let message = reported(&[first, run, second], &Rest::default(), 0);
        assert!(message.subcommand.is_none() && message.starts.is_none() && message.summary.is_some());
    }

    #[test]
    fn starts_beyond_the_limit_count_and_the_worst_is_listed() {
        let many: Vec<Record> = (1..=100)
            .map(|number| {
                let outcome = if number == 77 { Outcome::Deviated } else { Outcome::Passed };
                record(number, outcome, RollbackState::Played)
            })
            .collect();
        let rest = (101..=150).fold(Rest::default(), |rest, number| {
            add(rest, &record(number, Outcome::Passed, RollbackState::Played))
        });
        let message = reported(&many, &rest, 0);
        let starts = message.starts.clone().unwrap();
        assert_eq!((starts.total, starts.list.len()), (150, MAX_LISTED));
        assert!(starts.list.iter().any(|start| start.number == 77));
        assert_eq!(message.summary.as_ref().unwrap().rollbacks.total, 150);
        assert!(Message::read(&message.to_json()).unwrap().summary.is_some());
        let rest = add(rest, &record(151, Outcome::Interrupted, RollbackState::NotPlayed));
        let summary = reported(&many, &rest, 0).summary.unwrap();
        assert_eq!(
            (summary.outcome, summary.rollbacks.state),
            (Outcome::Interrupted, RollbackState::Partial)
        );
    }

    #[rstest]
    #[case::failed(RollbackState::Failed, false, Some(RollbackState::Failed))]
    #[case::nobody_knows(RollbackState::Played, false, None)]
    #[case::never_started(RollbackState::Played, true, Some(RollbackState::Played))]
    fn the_rollbacks_of_a_pass_count_beside_a_start_without_a_journal(
        #[case] state: RollbackState,
        #[case] skipped: bool,
        #[case] expected: Option<RollbackState>,
    ) {
        let exit = Some(Exit::Code(130));
        let other = Record { number: 2, exit, stopped: true, skipped, ..Record::default() };
        let message = reported(&[record(1, Outcome::Passed, state), other], &Rest::default(), 0);
        assert_eq!(message.summary, None);
        let joined = message.starts.unwrap().rollbacks;
        assert_eq!(joined.map(|joined| (joined.state, joined.total)), expected.map(|state| (state, 1)));
    }

    #[rstest]
    #[case(RollbackState::Played, RollbackState::Played, RollbackState::Played)]
    #[case(RollbackState::NoneDeclared, RollbackState::Played, RollbackState::Played)]
    #[case(RollbackState::Played, RollbackState::NotPlayed, RollbackState::Partial)]
    #[case(RollbackState::Played, RollbackState::Unknown, RollbackState::Unknown)]
    #[case(RollbackState::NotPlayed, RollbackState::Failed, RollbackState::Failed)]
    #[case(RollbackState::NoneDeclared, RollbackState::NotPlayed, RollbackState::NotPlayed)]
    fn rollbacks_are_joined(
        #[case] one: RollbackState,
        #[case] other: RollbackState,
        #[case] expected: RollbackState,
    ) {
        let of = |state| Rollbacks { state, total: 2, ..Rollbacks::default() };
        for (one, other) in [(one, other), (other, one)] {
            let joined = sum(of(one), &of(other));
            assert_eq!((joined.state, joined.total), (expected, 4));
        }
    }
}
