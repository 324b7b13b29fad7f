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
    let refusal =
        unreachable.map(|line| Refusal { kind: RefusalKind::ExperimentUnreachable, line: line.to_owned() });
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
    assert_eq!((summary.outcome, summary.rollbacks.state), (Outcome::Interrupted, RollbackState::Partial));
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
