//! Experiments in every phase, as the operator writes them.

use std::fmt::Write as _;
use std::path::Path;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::table;
use crate::experiment::build;
use crate::experiment::decide::plan::{self, Facts};
use crate::experiment::decide::templates::tests::shipped;
use crate::experiment::error::Error;
use crate::experiment::hold::{Dropped, Hold};
use crate::experiment::intent::Intent;
use crate::experiment::judge::pod_state::PodState;
use crate::experiment::judge::verdict::Verdict;
use crate::experiment::status::Draft;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, Outcome, Phase, ScheduleStatus, Spec, Status, Text};

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// An experiment with a spec.
fn with(spec: &Value) -> Experiment {
    let metadata =
        json!({"namespace": "chaostoolkit-run", "name": "exp", "generation": 2, "uid": "0b3f7c1e-uid"});
    let object = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment", "metadata": metadata,
        "spec": spec});
    serde_json::from_value(object).unwrap()
}

/// An experiment without a schedule.
pub fn experiment() -> Experiment {
    with(&json!({}))
}

fn schedule() -> Experiment {
    with(&json!({"schedule": {"kind": "cronJob", "value": "0 9 * * 1"}}))
}

/// The next status of an experiment with this one.
pub fn draft(status: &Status) -> Draft {
    Draft::of(&Experiment { status: Some(status.clone()), ..experiment() }, now())
}

/// What an experiment becomes by this.
fn told(of: &Experiment, tell: impl FnOnce(&mut Draft)) -> Experiment {
    let mut draft = Draft::of(of, now());
    draft.status.nonce = Some("3e1c5a".to_owned());
    draft.accepted(&[], &[]);
    tell(&mut draft);
    if !of.is_deleting() {
        draft.progress();
    }
    Experiment { status: Some(draft.status), ..of.clone() }
}

fn planned(of: &Experiment, draft: &mut Draft) {
    let plan = plan::plan(of, &Spec::parse(of.spec.as_ref()).unwrap(), &Facts::default()).unwrap();
    draft.planned(&plan, &build::build(&plan, &shipped()).unwrap());
}

fn pod() -> Pod {
    serde_json::from_value(
        json!({"metadata": {"name": "chaostoolkit-0b3f7c1e", "uid": "pod"}, "spec": {"nodeName": "node"}}),
    )
    .unwrap()
}

fn running(draft: &mut Draft) {
    planned(&experiment(), draft);
    draft.observed(&pod(), &PodState::Running { started_at: Some(Time(now())) }, &Intent::default());
}

fn ended(verdict: &Verdict) -> Experiment {
    told(&experiment(), |draft| {
        running(draft);
        if let Some(run) = &mut draft.status.run {
            run.finished_at = Some(Time(now()));
        }
        draft.conclude(verdict);
    })
}

fn scheduled(suspended: bool) -> impl FnOnce(&mut Draft) {
    move |draft| {
        planned(&schedule(), draft);
        draft.scheduled(
            ScheduleStatus { cron: "0 9 * * 1".into(), ..ScheduleStatus::default() },
            suspended,
            0,
        );
    }
}

fn held(reason: Reason, message: &str) -> Experiment {
    let hold = Hold { reason, message: message.to_owned(), until: None, again: None };
    told(&experiment(), |draft| {
        planned(&experiment(), draft);
        draft.held(&hold);
    })
}

fn blocked(of: &Experiment, error: &Error) -> Experiment {
    told(of, |draft| {
        planned(of, draft);
        draft.blocked(error);
    })
}

/// Sets a field of the spec.
fn wanting(mut of: Experiment, field: &str) -> Experiment {
    if let Some(spec) = &mut of.spec {
        spec[field] = json!(true);
    }
    of
}

fn deleted(mut of: Experiment) -> Experiment {
    of.metadata.deletion_timestamp = Some(Time(now()));
    of.metadata.generation = Some(3);
    of
}

/// Experiments by what they show.
pub fn stories() -> Vec<(&'static str, Experiment)> {
    [of_runs(), suspended_or_scheduled()].concat()
}

fn suspended_or_scheduled() -> Vec<(&'static str, Experiment)> {
    vec![
        ("suspended", told(&wanting(experiment(), "suspend"), Draft::suspended)),
        (
            "restored",
            told(&experiment(), |draft| draft.restored("velero.io/restore-name", &Intent::default())),
        ),
        ("scheduled", told(&schedule(), scheduled(false))),
        ("schedule-suspended", told(&wanting(schedule(), "suspend"), scheduled(true))),
        (
            "schedule-stopped",
            told(&schedule(), |draft| {
                scheduled(true)(draft);
                draft.stopped_after("the last 3 runs deviated");
            }),
        ),
    ]
}

fn of_runs() -> Vec<(&'static str, Experiment)> {
    let invalid = with(&json!({"namespace": 7}));
    let error = Spec::parse(invalid.spec.as_ref()).unwrap_err();
    let missing = Error::ConfigMapMissing {
        namespace: "chaostoolkit-run".into(),
        name: "chaostoolkit-experiment".into(),
        used_by: "the volume of the experiment".into(),
    };
    let rights = Error::RightsMissing {
        namespace: "shop".into(),
        command: "kubectl -n shop create rolebinding …".into(),
    };
    let gate =
        Dropped { reason: Reason::GateClosed, message: "gate slo is closed".into(), is_failure: false };
    let ends = |outcome, reason, message| ended(&Verdict::new(outcome, reason, message));
    let passed = ends(Outcome::Passed, Reason::Passed, "the steady state held");
    vec![
        ("unseen", Experiment { status: None, ..experiment() }),
        ("pending", told(&experiment(), |draft| planned(&experiment(), draft))),
        (
            "blocked-by-a-freeze",
            held(Reason::Frozen, "no run starts during the freeze chaostoolkit-crd/peak"),
        ),
        ("blocked-by-an-opt-in", held(Reason::NamespaceNotOptedIn, "namespace shop has not opted in")),
        ("blocked-by-a-missing-configmap", blocked(&experiment(), &missing)),
        ("blocked-by-missing-rights", blocked(&experiment(), &rights)),
        ("schedule-blocked", blocked(&schedule(), &rights)),
        (
            "starting",
            told(&experiment(), |draft| {
                planned(&experiment(), draft);
                draft.observed(&pod(), &PodState::Starting(None), &Intent::default());
            }),
        ),
        ("running", told(&experiment(), running)),
        (
            "aborting",
            told(&wanting(experiment(), "abort"), |draft| {
                running(draft);
                draft.stopping(&Intent::of(&wanting(experiment(), "abort")));
            }),
        ),
        (
            "aborted",
            wanting(ends(Outcome::Interrupted, Reason::AbortRequested, "stopped by spec.abort"), "abort"),
        ),
        (
            "deviated",
            ends(Outcome::Deviated, Reason::Deviated, "the steady state did not hold after the method"),
        ),
        (
            "inconclusive",
            ends(Outcome::Passed, Reason::Inconclusive, "the steady state held; it was a dry run"),
        ),
        (
            "out-of-memory",
            ends(Outcome::Error, Reason::OOMKilled, "the container used more memory than it may"),
        ),
        (
            "adopted",
            told(&experiment(), |draft| {
                planned(&experiment(), draft);
                draft.adopted_without_pod();
            }),
        ),
        ("invalid", told(&invalid, |draft| draft.rejected(&error))),
        ("skipped", told(&experiment(), |draft| draft.dropped(&gate, &Intent::default()))),
        ("rerun", told(&passed, |draft| draft.rerun(&Intent::of(&passed)))),
        (
            "edited",
            Experiment {
                metadata: {
                    let mut edited = passed.metadata.clone();
                    edited.generation = Some(3);
                    edited
                },
                ..passed.clone()
            },
        ),
        ("deleted-after-its-end", deleted(passed.clone())),
        (
            "deleted-during-its-run",
            told(&deleted(told(&experiment(), running)), |draft| {
                draft.terminating("waiting for the pod of the run to go");
            }),
        ),
        ("passed", passed),
    ]
}

/// What kstatus and Argo CD are to say of an experiment, by the table or by its metadata.
fn expected(table: &[table::Row], of: &Experiment) -> (&'static str, &'static str) {
    let status = of.status.clone().unwrap_or_default();
    if of.is_deleting() {
        return ("Terminating", "Progressing");
    }
    let (Some(phase), Some(reason)) = (status.phase, status.reason) else {
        return ("InProgress", "Progressing");
    };
    if status.observed_generation != of.metadata.generation {
        return ("InProgress", "Progressing");
    }
    let row = table::row(table, phase, reason.parse().unwrap());
    (row.kstatus, row.argo)
}

/// An experiment in this phase for this reason.
fn any(phase: Phase, reason: Reason) -> Experiment {
    let of = if phase == Phase::Terminating { deleted(experiment()) } else { experiment() };
    told(&of, |draft| draft.phase(phase, reason, "m"))
}

/// The object as the API server has it: it gives a status to one that has none.
fn object(of: &Experiment, name: &str) -> Value {
    let mut object = serde_json::to_value(of).unwrap();
    object["apiVersion"] = json!("chaostoolkit.org/v1");
    object["kind"] = json!("ChaosToolkitExperiment");
    object["metadata"]["name"] = json!(name);
    if of.status.is_none() {
        object["status"] = default_status();
    }
    object
}

fn default_status() -> Value {
    let schema = chaostoolkit_api::crd().spec.versions[0].schema.clone().unwrap();
    let properties = schema.open_api_v3_schema.unwrap().properties.unwrap();
    properties["status"].default.clone().unwrap().0
}

/// Writes all experiments to `objects.jsonl`, and what is expected of them to `expected.tsv`.
pub fn write(directory: &Path) {
    let table = table::read();
    let (mut objects, mut lines) = (String::new(), String::new());
    let stories = stories().into_iter().map(|(name, story)| (name.to_owned(), story));
    let all = table::all().map(|(phase, reason)| {
        (
            format!("any-{}-{}", phase.as_str().to_lowercase(), reason.as_str().to_lowercase()),
            any(phase, reason),
        )
    });
    for (name, one) in stories.chain(all) {
        let (kstatus, argo) = expected(&table, &one);
        writeln!(objects, "{}", object(&one, &name)).unwrap();
        writeln!(lines, "{name}\t{kstatus}\t{argo}").unwrap();
    }
    std::fs::write(directory.join("objects.jsonl"), objects).unwrap();
    std::fs::write(directory.join("expected.tsv"), lines).unwrap();
}
