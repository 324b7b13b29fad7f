//! Whether the fault of a run may still be there, since its rollbacks were not played: pure.

use crate::experiment::status::rescue_due;
use chaostoolkit_api::{Outcome, Run};
use chaostoolkit_journal::{RollbackState, SteadyState};

/// Whether a run has ended without the rollbacks that it was to play, and no other pod plays them or has played them. Of a run
/// that was killed or lost, that is assumed.
#[must_use]
pub fn are_missing(outcome: Outcome, run: &Run) -> bool {
    if run.finished_at.is_none() {
        return false;
    }
    if let Some(rescue) = &run.rescue {
        let were_played = |state| matches!(state, RollbackState::Played | RollbackState::NoneDeclared);
        let played = rescue.rollbacks.as_ref().is_some_and(|rollbacks| were_played(rollbacks.state));
        return rescue.finished_at.is_some() && !played;
    }
    match run.rollbacks.as_ref().map(|rollbacks| rollbacks.state) {
        Some(RollbackState::Played | RollbackState::NoneDeclared) => false,
        Some(RollbackState::Failed | RollbackState::Partial | RollbackState::Unfinished) => true,
        Some(RollbackState::NotPlayed) => were_wanted(outcome, run),
        Some(RollbackState::Unknown) | None => rescue_due::is_needed(outcome, run),
    }
}

/// Whether rollbacks were to be played at the end of a run. They were not if its method never began, or if its
/// [strategy](https://chaostoolkit.org/reference/usage/run/#rollbacks) says so.
#[must_use]
pub fn were_wanted(outcome: Outcome, run: &Run) -> bool {
    let before = run.steady_state.as_ref().map(|states| states.before);
    if outcome == Outcome::BaselineNotMet
        || matches!(before, Some(SteadyState::NotMet | SteadyState::ProbeError))
    {
        return false;
    }
    match run.rollbacks.as_ref().and_then(|rollbacks| rollbacks.strategy.as_deref()) {
        Some("never") => false,
        Some("deviated") => outcome == Outcome::Deviated,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn run(more: &Value) -> Run {
        let mut run = json!({"number": 1, "podName": "p", "startedAt": "2026-12-01T09:00:00Z", "exitCode": 1,
            "finishedAt": "2026-12-01T10:00:00Z"});
        run.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(run).unwrap()
    }

    fn played(state: &str, strategy: &str) -> Value {
        json!({"rollbacks": {"state": state, "strategy": strategy, "total": 2, "failed": 0}})
    }

    #[rstest]
    #[case::played(Outcome::Interrupted, played("Played", "always"), false)]
    #[case::none(Outcome::Interrupted, played("NoneDeclared", "always"), false)]
    #[case::not_played(Outcome::Interrupted, played("NotPlayed", "default"), true)]
    #[case::failed(Outcome::Passed, played("Failed", "default"), true)]
    #[case::partial(Outcome::Interrupted, played("Partial", "never"), true)]
    #[case::unfinished(Outcome::Interrupted, played("Unfinished", "always"), true)]
    #[case::unwanted(Outcome::Interrupted, played("NotPlayed", "never"), false)]
    #[case::passed(Outcome::Passed, played("NotPlayed", "deviated"), false)]
    #[case::deviated(Outcome::Deviated, played("NotPlayed", "deviated"), true)]
    #[case::never_began(Outcome::BaselineNotMet, played("NotPlayed", "default"), false)]
    #[case::not_readable(Outcome::Interrupted, played("Unknown", "always"), false)]
    #[case::not_readable_and_killed(Outcome::Interrupted, json!({"exitCode": 137,
        "rollbacks": {"state": "Unknown", "total": 0, "failed": 0}}), true)]
    #[case::killed(Outcome::Error, json!({"exitCode": 137}), true)]
    #[case::lost(Outcome::Error, json!({"exitCode": null}), true)]
    #[case::killed_in_a_script(Outcome::Error, json!({"exitCode": 3, "killed": true}), true)]
    #[case::crashed(Outcome::Error, json!({}), false)]
    #[case::never_started(Outcome::Error, json!({"exitCode": null, "startedAt": null}), false)]
    #[case::goes_on(Outcome::Unknown, json!({"exitCode": null, "finishedAt": null}), false)]
    #[case::being_rescued(Outcome::Error, json!({"exitCode": 137, "rescue": {"podName": "r"}}), false)]
    #[case::rescued(Outcome::Error, rescued(Some("Played")), false)]
    #[case::nothing_to_rescue(Outcome::Error, rescued(Some("NoneDeclared")), false)]
    #[case::rescued_in_vain(Outcome::Error, rescued(Some("Failed")), true)]
    #[case::rescued_and_not_readable(Outcome::Error, rescued(Some("Unknown")), true)]
    #[case::not_rescued(Outcome::Error, rescued(None), true)]
    fn rollbacks_are_missing_until_some_pod_has_played_those_that_were_wanted(
        #[case] outcome: Outcome,
        #[case] more: Value,
        #[case] expected: bool,
    ) {
        assert_eq!(are_missing(outcome, &run(&more)), expected);
    }

    fn rescued(state: Option<&str>) -> Value {
        let rollbacks = state.map(|state| json!({"state": state, "total": 1, "failed": 0}));
        json!({"exitCode": 137, "rescue": {"podName": "r", "finishedAt": "2026-12-01T11:00:00Z", "rollbacks": rollbacks}})
    }

    #[rstest]
    #[case("NotMet", false)]
    #[case("ProbeError", false)]
    #[case("Met", true)]
    #[case("NotEvaluated", true)]
    fn a_method_that_never_began_needs_no_rollbacks(#[case] before: &str, #[case] expected: bool) {
        let mut more = played("NotPlayed", "default");
        more["steadyState"] = json!({"before": before, "during": "NotEvaluated", "after": "NotEvaluated"});
        assert_eq!(are_missing(Outcome::ProbeError, &run(&more)), expected);
    }
}
