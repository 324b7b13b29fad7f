//! How a run ended, as an exit code and as a sentence.

use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::{Experiment, Phase, Text};
use chaostoolkit_journal::{ExitCode, RollbackState, RunResult, exit_code};

use crate::model::runs::View;
use chaostoolkit_operator::experiment::status::rollbacks_missing;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit code.
    pub code: ExitCode,
    /// The exit code if rollbacks do not count.
    pub without_rollbacks: ExitCode,
    /// The result in a word.
    pub word: String,
    /// A sentence.
    pub message: String,
}

/// Returns how a run ended. `experiment` has its condition `RolledBack`, if it is the last run.
#[must_use]
pub fn ended(experiment: &Experiment, view: &View) -> Ended {
    if let Some(code) = not_started(view) {
        return Ended { code, without_rollbacks: code, ..said(view) };
    }
    let rolled_back = rolled_back(experiment, view);
    let code = exit_code(view.outcome, &view.warnings, rolled_back);
    let without_rollbacks = exit_code(view.outcome, &view.warnings, Some(true));
    Ended { code, without_rollbacks, ..said(view) }
}

/// The end of an experiment whose spec was not understood, so that there is no run.
#[must_use]
pub fn refused(message: &str) -> Ended {
    let code = ExitCode::Invalid;
    Ended { code, without_rollbacks: code, word: "Invalid".to_owned(), message: message.to_owned() }
}

fn said(view: &View) -> Ended {
    let word = view.result.map_or_else(|| view.phase.as_str(), RunResult::as_str).to_owned();
    let message = view.message.clone().unwrap_or_else(|| view.reason.clone());
    Ended { code: ExitCode::Failed, without_rollbacks: ExitCode::Failed, word, message }
}

/// Returns the exit code of a run that was given up before it started.
fn not_started(view: &View) -> Option<ExitCode> {
    let is_given_up =
        view.phase == Phase::Skipped || ["StartTimeout", "GateClosed"].contains(&view.reason.as_str());
    is_given_up.then_some(ExitCode::NotStarted)
}

/// Whether the rollbacks that were to be played were played. `None` if that is not known.
fn rolled_back(experiment: &Experiment, view: &View) -> Option<bool> {
    let rescue = view.run.rescue.as_ref();
    let rescued = rescue.and_then(|rescue| rescue.rollbacks.as_ref());
    if rescued.is_some_and(|rollbacks| rollbacks.state == RollbackState::Played) {
        return Some(true);
    }
    // A run that was killed has no rollbacks of its own to look at.
    if rescue.is_some() && rollbacks_missing::are_missing(view.outcome, &view.run) {
        return Some(false);
    }
    let rollbacks = view.run.rollbacks.as_ref()?;
    match rollbacks.state {
        RollbackState::Played | RollbackState::NoneDeclared => Some(true),
        RollbackState::NotPlayed if !rollbacks_missing::were_wanted(view.outcome, &view.run) => Some(true),
        RollbackState::Failed
        | RollbackState::NotPlayed
        | RollbackState::Partial
        | RollbackState::Unfinished => Some(false),
        RollbackState::Unknown => by_condition(experiment, view),
    }
}

/// Returns what the condition says, if it is about this run.
fn by_condition(experiment: &Experiment, view: &View) -> Option<bool> {
    let status = experiment.status.as_ref()?;
    status.run.as_ref().filter(|run| run.number == view.run.number)?;
    let found = condition::find(&status.conditions, Type::RolledBack)?;
    match found.status.as_str() {
        status if status == State::True.as_str() => Some(true),
        status if status == State::False.as_str() => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::runs::find;
    use crate::model::select::Number;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn code(status: &Value) -> u8 {
        let experiment = json!({"metadata": {"name": "x"}, "status": status});
        let experiment: Experiment = serde_json::from_value(experiment).unwrap();
        let view = find(&experiment, Number::Latest).unwrap();
        ended(&experiment, &view).code.number()
    }

    fn status(outcome: &str, warnings: &Value, rollbacks: &Value) -> Value {
        json!({"phase": "Completed", "outcome": outcome, "result": outcome, "warnings": warnings, "reason": outcome,
            "run": {"number": 1, "podName": "p", "finishedAt": "2026-01-01T00:00:00Z", "rollbacks": rollbacks}})
    }

    fn rollbacks(state: &str, strategy: &str) -> Value {
        json!({"state": state, "strategy": strategy, "total": 2, "failed": 0})
    }

    #[rstest]
    #[case::played("Passed", json!([]), rollbacks("Played", "always"), 0)]
    #[case::none("Deviated", json!([]), rollbacks("NoneDeclared", "always"), 10)]
    #[case::unreliable("Passed", json!(["ActivityFailed"]), rollbacks("Played", "always"), 17)]
    #[case::failed_after_a_pass("Passed", json!(["RollbackFailed"]), rollbacks("Failed", "always"), 18)]
    #[case::missing("Interrupted", json!(["RollbacksNotPlayed"]), rollbacks("NotPlayed", "always"), 18)]
    #[case::part("Aborted", json!(["RollbacksNotPlayed"]), rollbacks("Partial", "always"), 18)]
    #[case::not_wanted("Interrupted", json!(["RollbacksNotPlayed"]), rollbacks("NotPlayed", "never"), 13)]
    #[case::not_needed("Passed", json!(["RollbacksNotPlayed"]), rollbacks("NotPlayed", "deviated"), 0)]
    #[case::needed("Deviated", json!(["RollbacksNotPlayed"]), rollbacks("NotPlayed", "deviated"), 18)]
    #[case::no_journal("Error", json!([]), json!(null), 15)]
    fn rollbacks_count(
        #[case] outcome: &str,
        #[case] warnings: Value,
        #[case] rollbacks: Value,
        #[case] expected: u8,
    ) {
        assert_eq!(code(&status(outcome, &warnings, &rollbacks)), expected);
    }

    #[test]
    fn a_rescue_counts_as_the_rollbacks_of_the_run() {
        let mut status =
            status("Interrupted", &json!(["RollbacksNotPlayed"]), &rollbacks("NotPlayed", "always"));
        assert_eq!(code(&status), 18);
        status["run"]["rescue"] = json!({"podName": "p-rescue", "finishedAt": "2026-01-01T00:01:00Z",
            "rollbacks": rollbacks("Played", "always")});
        assert_eq!(code(&status), 13);
        status["run"]["rescue"] =
            json!({"podName": "p-rescue", "finishedAt": "2026-01-01T00:01:00Z", "problem": "gone"});
        assert_eq!(code(&status), 18);
    }

    #[rstest]
    #[case::impossible(json!({"problem": "gone"}), 18)]
    #[case::failed(json!({"rollbacks": rollbacks("Failed", "always")}), 18)]
    #[case::not_readable(json!({"rollbacks": rollbacks("Unknown", "always")}), 18)]
    #[case::played(json!({"rollbacks": rollbacks("Played", "always")}), 15)]
    #[case::nothing_to_play(json!({"rollbacks": rollbacks("NoneDeclared", "always")}), 15)]
    #[case::goes_on(json!({"finishedAt": null}), 15)]
    fn a_rescue_of_a_killed_run_that_failed_leaves_rollbacks_missing(
        #[case] how: Value,
        #[case] expected: u8,
    ) {
        let mut status = status("Error", &json!([]), &json!(null));
        status["run"]["startedAt"] = json!("2025-12-31T23:59:00Z");
        status["run"]["exitCode"] = json!(137);
        assert_eq!(code(&status), 15, "nobody knows");
        let mut rescue = json!({"podName": "p-rescue", "finishedAt": "2026-01-01T00:01:00Z"});
        rescue.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        status["run"]["rescue"] = rescue;
        assert_eq!(code(&status), expected);
    }

    #[test]
    fn the_condition_counts_if_the_journal_does_not_say() {
        let mut status = status("Error", &json!([]), &rollbacks("Unknown", "always"));
        assert_eq!(code(&status), 15);
        let condition = |state: &str| {
            json!([{"type": "RolledBack", "status": state, "reason": "R", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}])
        };
        status["conditions"] = condition("False");
        assert_eq!(code(&status), 18);
        status["conditions"] = condition("True");
        assert_eq!(code(&status), 15);
    }

    #[rstest]
    #[case::given_up(json!({"phase": "Failed", "outcome": "Error", "result": "Error", "reason": "StartTimeout",
        "run": {"number": 1, "podName": "", "finishedAt": "2026-01-01T00:00:00Z"}}))]
    fn a_run_that_never_started_has_a_code_of_its_own(#[case] status: Value) {
        assert_eq!(code(&status), 19);
    }
}
