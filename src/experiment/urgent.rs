//! Which passes go first: pure.

use crate::experiment::intent::Intent;
use crate::process::workers::Class;
use chaostoolkit_api::{Experiment, Phase};

/// Whether somebody waits for this pass: the experiment is deleted, it is to be aborted, or a run of it goes on and may have
/// ended. All other passes decide on runs that have not begun.
#[must_use]
pub fn is_urgent(seen: &Experiment) -> bool {
    matches!(class(seen), Class::Stop | Class::Run)
}

/// How urgent the next pass of an experiment is.
#[must_use]
pub fn class(seen: &Experiment) -> Class {
    let status = seen.status.as_ref();
    let has_run = status.is_some_and(|status| match &status.schedule {
        // A pod that has ended may wait for its log, or for the end of its helpers.
        Some(schedule) => !schedule.active.is_empty() || !schedule.ended.is_empty(),
        None => status.run.as_ref().is_some_and(|run| run.pod_uid.is_some()),
    });
    // An abort is new until a pass has seen it. A schedule may stay aborted for months.
    let is_new = status.and_then(|status| status.observed_generation) != seen.metadata.generation;
    let may_begin = matches!(
        status.and_then(|status| status.phase),
        None | Some(Phase::Pending | Phase::Scheduled | Phase::Starting | Phase::Running)
    );
    if seen.is_deleting() || (is_new && Intent::of(seen).abort) {
        Class::Stop
    } else if has_run {
        Class::Run
    } else if is_new || may_begin {
        Class::Start
    } else {
        Class::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::new(json!({}), json!({}), Class::Start)]
    #[case::begun(json!({}), json!({"phase": "Pending", "observedGeneration": 2}), Class::Start)]
    #[case::edited(json!({}), json!({"phase": "Blocked", "observedGeneration": 1}), Class::Start)]
    #[case::blocked(json!({}), json!({"phase": "Blocked", "observedGeneration": 2, "run": {"number": 1, "podName": "p"}}), Class::Other)]
    #[case::runs(json!({}), json!({"run": {"number": 1, "podName": "p", "podUid": "u"}}), Class::Run)]
    #[case::scheduled(
        json!({}),
        json!({"phase": "Scheduled", "observedGeneration": 2, "schedule": {"cron": ""}, "run": {"number": 1, "podName": "p", "podUid": "u"}}),
        Class::Start
    )]
    #[case::a_scheduled_run(json!({}), json!({"schedule": {"cron": "", "active": ["p"]}}), Class::Run)]
    #[case::an_ended_pod_that_waits(
        json!({}),
        json!({"phase": "Blocked", "observedGeneration": 2, "schedule": {"cron": "",
            "ended": [{"podUid": "u", "seenAt": "2026-01-01T00:00:00Z"}]}}),
        Class::Run
    )]
    #[case::to_be_aborted(json!({"abort": true}), json!({}), Class::Stop)]
    #[case::aborted(
        json!({"abort": true}),
        json!({"phase": "Suspended", "observedGeneration": 2, "schedule": {"cron": ""}}),
        Class::Other
    )]
    fn what_somebody_waits_for_goes_first(
        #[case] spec: Value,
        #[case] status: Value,
        #[case] expected: Class,
    ) {
        let mut experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        experiment.metadata.generation = Some(2);
        experiment.status = serde_json::from_value(status).unwrap();
        assert_eq!(class(&experiment), expected);
        experiment.metadata.deletion_timestamp =
            Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
        assert_eq!(class(&experiment), Class::Stop);
    }
}
