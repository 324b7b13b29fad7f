use rstest::rstest;
use serde_json::json;

use super::*;
use crate::experiment::status::rescue_due::is_needed;
use chaostoolkit_api::Outcome;
use chaostoolkit_journal::RollbackState;

fn run(exit_code: Option<i32>, rollbacks: Option<(RollbackState, &str)>) -> Run {
    let rollbacks = rollbacks.map(|(state, strategy)| Rollbacks {
        state,
        strategy: Some(strategy.to_owned()),
        total: 1,
        failed: 0,
    });
    let started_at = Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
    Run { started_at, exit_code, rollbacks, ..Run::default() }
}

fn killed(run: Run) -> Run {
    Run { killed: true, ..run }
}

#[rstest]
#[case::killed(Outcome::Error, run(Some(137), None), true)]
#[case::nobody_saw_its_end(Outcome::Unknown, run(None, None), true)]
#[case::stopped_while_loading(Outcome::Interrupted, run(Some(1), None), false)]
#[case::killed_with_another_code(Outcome::Error, killed(run(Some(255), None)), true)]
#[case::killed_in_a_script(Outcome::Error, killed(run(Some(3), None)), true)]
#[case::killed_and_not_readable(Outcome::Error, killed(run(Some(3), Some((RollbackState::Unknown, "always")))), true)]
#[case::killed_after_its_rollbacks(Outcome::Aborted, killed(run(Some(3), Some((RollbackState::Played, "always")))), false)]
#[case::killed_after_a_verdict(Outcome::Deviated, killed(run(Some(3), None)), false)]
#[case::lost_unseen(Outcome::Unknown, killed(Run { pod_uid: Some("u".into()), ..Run::default() }), true)]
#[case::lost_without_a_pod(Outcome::Unknown, killed(Run::default()), false)]
#[case::not_a_command(Outcome::Error, run(Some(127), None), false)]
#[case::stopped_between_rollbacks(Outcome::Interrupted, run(Some(137), Some((RollbackState::Partial, "always"))), true)]
#[case::stopped_and_not_rolled_back(Outcome::Interrupted, run(Some(1), Some((RollbackState::NotPlayed, "default"))), true)]
#[case::not_wanted(Outcome::Interrupted, run(Some(1), Some((RollbackState::NotPlayed, "never"))), false)]
#[case::played(Outcome::Interrupted, run(Some(1), Some((RollbackState::Played, "always"))), false)]
#[case::they_failed(Outcome::Interrupted, run(Some(1), Some((RollbackState::Failed, "always"))), false)]
#[case::there_are_none(Outcome::Error, run(Some(137), Some((RollbackState::NoneDeclared, "always"))), false)]
#[case::a_verdict(Outcome::Deviated, run(Some(0), Some((RollbackState::NotPlayed, "default"))), false)]
#[case::refused(Outcome::Invalid, run(Some(1), None), false)]
#[case::never_started(Outcome::Error, Run::default(), false)]
fn a_run_that_may_have_left_its_fault_needs_a_rescue(
    #[case] outcome: Outcome,
    #[case] run: Run,
    #[case] expected: bool,
) {
    assert_eq!(is_needed(outcome, &run), expected);
}
