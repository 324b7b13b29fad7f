//! Keeps little of an experiment whose run has ended: pure.
//!
//! A cluster may have thousands of them, and each has a status with sentences, a tail of a log, and the names of all its
//! objects. The cache only has to show that there is nothing to do. A pass reads the rest from the API server.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::DeserializeGuard;

use crate::cluster::manifest::Kind;
use chaostoolkit_api::Text;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::{About, Experiment, ResourceRef, Run, Status, Stop};

/// Drops what only a pass reads, if the run has ended.
pub fn shorten(watched: &mut DeserializeGuard<Experiment>) {
    let Ok(experiment) = &mut watched.0 else { return };
    if let Some(status) = experiment.status.take_if(|status| status.is_finished()) {
        experiment.status = Some(short(status));
    }
}

/// Returns what decides whether an experiment needs a pass, and what the list of runs records.
fn short(status: Status) -> Status {
    Status {
        observed_generation: status.observed_generation,
        phase: status.phase,
        outcome: status.outcome,
        run_namespace: status.run_namespace,
        rerun: status.rerun,
        run: status.run.map(short_run),
        resources: short_resources(status.resources),
        conditions: short_conditions(&status.conditions),
        ..Status::default()
    }
}

fn short_run(run: Run) -> Run {
    Run {
        number: run.number,
        pod_name: run.pod_name,
        pod_uid: run.pod_uid,
        started_at: run.started_at,
        finished_at: run.finished_at,
        exit_code: run.exit_code,
        killed: run.killed,
        experiment: About { source: run.experiment.source, ..About::default() },
        steady_state: run.steady_state,
        rollbacks: run.rollbacks,
        rescue: run.rescue,
        // The freeze counts what it has stopped.
        stop: run.stop.map(|stop| Stop { message: String::new(), ..stop }),
        ..Run::default()
    }
}

/// Keeps the accounts, which are listed, and one object that goes with the end of the run. Without any, one object stays, since it may
/// have to be deleted.
fn short_resources(resources: Vec<ResourceRef>) -> Vec<ResourceRef> {
    let (mut accounts, others): (Vec<_>, Vec<_>) =
        resources.into_iter().partition(|resource| Kind::ServiceAccount.is_of(resource));
    let target = others.iter().find(|other| other.target).cloned();
    accounts.extend(target);
    if accounts.is_empty() {
        accounts.extend(others.into_iter().next());
    }
    accounts.shrink_to_fit();
    accounts
}

/// Keeps the conditions that say what to keep of the run, and until when, and whether its cleanup is blocked, without their
/// sentences.
fn short_conditions(conditions: &[Condition]) -> Vec<Condition> {
    let is_kept = |said: &&Condition| {
        said.type_ != Type::CleanupBlocked.as_str() || said.status == State::True.as_str()
    };
    let kept = [Type::Succeeded, Type::Finished, Type::CleanupBlocked].into_iter().filter_map(|type_| {
        let said = condition::find(conditions, type_).filter(is_kept)?;
        let Condition { type_, status, last_transition_time, .. } = said;
        let (type_, status, last_transition_time) =
            (type_.clone(), status.clone(), last_transition_time.clone());
        Some(Condition {
            type_,
            status,
            last_transition_time,
            message: String::new(),
            observed_generation: None,
            reason: String::new(),
        })
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::apart::list::Entry;
    use crate::experiment::intent::Intent;
    use crate::experiment::stages::{rescue, retention, targets, ttl};
    use crate::experiment::urgent::class;
    use chaostoolkit_api::names;
    use k8s_openapi::jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const UID: &str = "0f9c3a00-0000-0000-0000-000000000000";

    /// One of several values for each field that a status of an ended run may have.
    fn status() -> impl Strategy<Value = Value> {
        let one = |values: Vec<Value>| prop::sample::select(values);
        let ended = json!("2026-01-01T00:00:00Z");
        let condition = |type_: &str, status: &str| {
            json!({"type": type_, "status": status, "reason": "X", "message": "a sentence",
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let conditions = ["True", "False", "Unknown"].map(|succeeded| {
            json!([
                condition("Accepted", "True"),
                condition("Finished", "True"),
                condition("Succeeded", succeeded)
            ])
        });
        let account = format!("chaostoolkit-{}", names::suffix(UID));
        let object =
            |kind: &str, name: &str| json!({"kind": kind, "namespace": "ns", "name": name, "uid": "x"});
        let mut target = object("Role", "role-u");
        target["target"] = json!(true);
        let rescue = |end: &Value| json!({"podName": "chaostoolkit-r", "podUid": "r", "finishedAt": end});
        let run = (
            one(vec![json!(null), ended.clone()]),
            one(vec![json!(null), json!(0), json!(137)]),
            one(vec![json!(null), json!(true)]),
            one(vec![
                json!(null),
                json!({"state": "NotPlayed"}),
                json!({"state": "Played", "strategy": "never"}),
            ]),
            one(vec![json!(null), rescue(&json!(null)), rescue(&ended)]),
            one(vec![json!(null), json!("configmap/own/experiment.json")]),
        );
        let run = run.prop_map(move |(started, code, killed, rollbacks, rescue, source)| {
            json!({"number": 2, "podName": "chaostoolkit-p", "podUid": "p", "nodeName": "n", "logTail": "much",
                "startedAt": started, "finishedAt": ended, "exitCode": code, "killed": killed, "rollbacks": rollbacks,
                "rescue": rescue, "experiment": {"title": "t", "source": source}})
        });
        let resources = one(vec![
            json!([]),
            json!([object("Role", "role-u")]),
            json!([object("Role", "role-u"), object("ServiceAccount", &account)]),
            json!([object("ServiceAccount", &account), target]),
        ]);
        let outcome = one(vec![json!("Passed"), json!("Unknown"), json!("Interrupted")]);
        (run, resources, one(conditions.to_vec()), outcome, one(vec![json!(null), json!("once")])).prop_map(
            |(run, resources, conditions, outcome, rerun)| {
                json!({"observedGeneration": 2, "phase": "Failed", "outcome": outcome, "reason": "X",
                    "message": "a sentence", "runNamespace": "ns", "suffix": "s", "rerun": rerun, "run": run,
                    "resources": resources, "conditions": conditions})
            },
        )
    }

    fn experiment(status: Value, spec: Value) -> Experiment {
        let mut experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        experiment.metadata.name = Some("e".to_owned());
        experiment.metadata.namespace = Some("home".to_owned());
        experiment.metadata.uid = Some(UID.to_owned());
        experiment.metadata.generation = Some(2);
        experiment.status = serde_json::from_value(status).unwrap();
        experiment
    }

    /// What the cache decides about an experiment.
    fn decisions(experiment: &Experiment) -> impl PartialEq + std::fmt::Debug + use<> {
        let status = experiment.status.as_ref().unwrap();
        let intent = Intent::of(experiment);
        let is_due = [false, true].map(|has_pod| retention::is_due(status, &intent, has_pod));
        (
            (status.is_finished(), status.run_pod(), status.rescue_pod(), status.observed_generation),
            (rescue::is_open(status, &intent), intent.is_rerun_due(status), intent.expiry(status), is_due),
            (ttl::is_due(status, &intent, Timestamp::UNIX_EPOCH), class(experiment), targets::is_due(status)),
            (Entry::recorded(experiment, "home"), status.run.as_ref().map(|run| run.number)),
        )
    }

    proptest! {
        #[test]
        fn a_shortened_status_leads_to_the_same_decisions(
            status in status(),
            spec in prop::sample::select(vec![
                json!({}),
                json!({"rescue": true, "ttlSecondsAfterFinished": 60}),
                json!({"cleanup": {"onSuccess": "Delete", "onFailure": "KeepPod"}}),
                json!({"cleanup": {"onSuccess": "KeepPod", "onFailure": "Delete"}}),
            ]),
        ) {
            let whole = experiment(status, spec);
            let mut watched = DeserializeGuard(Ok(whole.clone()));
            shorten(&mut watched);
            let short = watched.0.unwrap();
            prop_assert_eq!(decisions(&short), decisions(&whole));
            let length = |experiment: &Experiment| serde_json::to_string(&experiment.status).unwrap().len();
            prop_assert!(length(&short) < length(&whole));
        }
    }

    #[test]
    fn a_run_that_goes_on_and_a_schedule_keep_their_status() {
        for status in [
            json!({"message": "m", "run": {"number": 1, "podName": "p"}}),
            json!({"message": "m", "schedule": {"cron": "* * * * *"}, "run": {"number": 1, "podName": "p",
                "finishedAt": "2026-01-01T00:00:00Z"}}),
        ] {
            let mut watched = DeserializeGuard(Ok(experiment(status, json!({}))));
            let before = watched.0.as_ref().unwrap().status.clone();
            shorten(&mut watched);
            assert_eq!(watched.0.unwrap().status, before);
        }
    }
}
