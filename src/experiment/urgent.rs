//! Which passes go first: pure.

use crate::experiment::intent::Intent;
use chaostoolkit_api::Experiment;

/// Whether somebody waits for this pass: the experiment is deleted, it is to be aborted, or a run of it goes on and may have
/// ended. All other passes decide on runs that have not begun.
#[must_use]
pub fn is_urgent(seen: &Experiment) -> bool {
    let status = seen.status.as_ref();
    let has_run = status.is_some_and(|status| match &status.schedule {
        Some(schedule) => !schedule.active.is_empty(),
        None => status.run.as_ref().is_some_and(|run| run.pod_uid.is_some()),
    });
    // An abort is new until a pass has seen it. A schedule may stay aborted for months.
    let is_new = status.and_then(|status| status.observed_generation) != seen.metadata.generation;
    seen.is_deleting() || has_run || (is_new && Intent::of(seen).abort)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::new(json!({}), json!({}), false)]
    #[case::blocked(json!({}), json!({"phase": "Blocked", "run": {"number": 1, "podName": "p"}}), false)]
    #[case::runs(json!({}), json!({"run": {"number": 1, "podName": "p", "podUid": "u"}}), true)]
    #[case::scheduled(json!({}), json!({"schedule": {"cron": ""}, "run": {"number": 1, "podName": "p", "podUid": "u"}}), false)]
    #[case::a_scheduled_run(json!({}), json!({"schedule": {"cron": "", "active": ["p"]}}), true)]
    #[case::to_be_aborted(json!({"abort": true}), json!({}), true)]
    #[case::aborted(json!({"abort": true}), json!({"observedGeneration": 2, "schedule": {"cron": ""}}), false)]
    fn what_somebody_waits_for_is_urgent(#[case] spec: Value, #[case] status: Value, #[case] expected: bool) {
        let mut experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        experiment.metadata.generation = Some(2);
        experiment.status = serde_json::from_value(status).unwrap();
        assert_eq!(is_urgent(&experiment), expected);
        experiment.metadata.deletion_timestamp =
            Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
        assert!(is_urgent(&experiment));
    }
}
