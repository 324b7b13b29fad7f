//! Who holds a mutex, by the statuses of the experiments: pure.

use chaostoolkit_api::{Experiment, Phase, Status};

/// Returns the name of the mutex that a status holds, if it holds one.
///
/// A run holds its mutex from its record to its end. One that something blocks before its pod exists holds nothing, or it would
/// keep others from running for as long as nobody corrects it. It asks again before its pod is created.
#[must_use]
pub fn held(status: &Status) -> Option<&str> {
    if let Some(schedule) = &status.schedule {
        return schedule.mutex.as_ref().map(|mutex| mutex.name.as_str());
    }
    let run = status.run.as_ref().filter(|run| run.finished_at.is_none())?;
    let may_go_on = run.pod_uid.is_some() || status.phase != Some(Phase::Blocked);
    run.mutex.as_deref().filter(|_| may_go_on)
}

/// Returns the experiment that holds a mutex of a namespace, other than the one that asks.
#[must_use]
pub fn other<'a>(
    mut experiments: impl Iterator<Item = &'a Experiment>,
    namespace: &str,
    name: &str,
    uid: &str,
) -> Option<&'a Experiment> {
    let holds = |status: &Status| held(status) == Some(name);
    experiments.find(|other| {
        other.namespace() == namespace && other.uid() != uid && other.status.as_ref().is_some_and(holds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::nothing(json!({}), None)]
    #[case::planned(json!({"phase": "Pending", "run": {"number": 1, "podName": "p", "mutex": "db"}}), Some("db"))]
    #[case::blocked(json!({"phase": "Blocked", "run": {"number": 1, "podName": "p", "mutex": "db"}}), None)]
    #[case::cannot_be_read(
        json!({"phase": "Blocked", "run": {"number": 1, "podName": "p", "podUid": "u", "mutex": "db"}}),
        Some("db")
    )]
    #[case::ended(
        json!({"phase": "Completed", "run": {"number": 1, "podName": "p", "mutex": "db", "finishedAt": "2026-01-01T00:00:00Z"}}),
        None
    )]
    #[case::scheduled(json!({"schedule": {"cron": "* * * * *", "mutex": {"name": "db", "jobUid": "j"}}}), Some("db"))]
    #[case::waits_for_its_time(
        json!({"schedule": {"cron": "* * * * *"}, "run": {"number": 1, "podName": "p", "mutex": "db"}}),
        None
    )]
    fn a_mutex_is_held_from_the_record_of_a_run_to_its_end(
        #[case] status: Value,
        #[case] expected: Option<&str>,
    ) {
        let status: Status = serde_json::from_value(status).unwrap();
        assert_eq!(held(&status), expected);
    }

    #[test]
    fn a_mutex_is_that_of_its_namespace_and_nobody_waits_for_themselves() {
        let of = |namespace: &str, uid: &str| -> Experiment {
            let run = json!({"number": 1, "podName": "p", "mutex": "db"});
            let object = json!({"metadata": {"name": uid, "namespace": namespace, "uid": uid}, "status": {"run": run}});
            serde_json::from_value(object).unwrap()
        };
        let all = [of("a", "one"), of("b", "two")];
        let found = |namespace: &str, name: &str, uid: &str| {
            other(all.iter(), namespace, name, uid).map(|found| found.name().to_owned())
        };
        assert_eq!(found("a", "db", "other").as_deref(), Some("one"));
        assert_eq!(found("a", "db", "one"), None);
        assert_eq!(found("a", "queue", "other"), None);
        assert_eq!(found("c", "db", "other"), None);
    }
}
