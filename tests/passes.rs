//! Passes over an experiment against an API server in memory. Whichever call fails, a run is started once, its end is
//! recorded, and a deleted experiment leaves nothing behind.
//!
//! The harness stands in for the controller. It makes a pass when the experiment or its pod has changed, or when the
//! last pass asked for another one, and never otherwise. So whatever would wait forever in a cluster comes to rest too
//! early here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic, also in their helpers")]

#[path = "passes/adopted.rs"]
mod adopted;
#[path = "passes/apart.rs"]
mod apart;
#[path = "passes/bad_input.rs"]
mod bad_input;
#[path = "passes/calendar.rs"]
mod calendar;
#[path = "passes/chosen.rs"]
mod chosen;
#[path = "passes/clocks.rs"]
mod clocks;
#[path = "common"]
mod common {
    pub mod chance;
    pub mod forge;
    pub mod source;
}
#[path = "passes/control/mod.rs"]
mod control;
#[path = "passes/elsewhere.rs"]
mod elsewhere;
#[path = "passes/failures.rs"]
mod failures;
#[path = "passes/fairness.rs"]
mod fairness;
#[path = "common/fake_api/mod.rs"]
mod fake_api;
#[path = "passes/few_calls.rs"]
mod few_calls;
#[path = "passes/forbidden.rs"]
mod forbidden;
#[path = "passes/forged.rs"]
mod forged;
#[path = "passes/freezes.rs"]
mod freezes;
#[path = "passes/gates.rs"]
mod gates;
#[path = "passes/generate.rs"]
mod generate;
#[path = "passes/give_up.rs"]
mod give_up;
#[path = "passes/harness/mod.rs"]
mod harness;
#[path = "passes/held.rs"]
mod held;
#[path = "passes/helpers.rs"]
mod helpers;
#[path = "passes/identity.rs"]
mod identity;
#[path = "passes/jobs.rs"]
mod jobs;
#[path = "passes/journals.rs"]
mod journals;
#[path = "passes/later_versions.rs"]
mod later_versions;
#[path = "passes/metrics.rs"]
mod metrics;
#[path = "passes/names.rs"]
mod names;
#[path = "passes/older.rs"]
mod older;
#[path = "passes/orphans.rs"]
mod orphans;
#[path = "passes/own_namespace.rs"]
mod own_namespace;
#[path = "passes/patched.rs"]
mod patched;
#[path = "passes/permit.rs"]
mod permit;
#[path = "passes/pods.rs"]
mod pods;
#[path = "passes/preflight.rs"]
mod preflight;
#[path = "passes/release.rs"]
mod release;
#[path = "passes/schedule.rs"]
mod schedule;
#[path = "passes/schedule_rerun.rs"]
mod schedule_rerun;
#[path = "passes/secrets.rs"]
mod secrets;
#[path = "passes/sources.rs"]
mod sources;
#[path = "passes/start.rs"]
mod start;
#[path = "passes/stop_conditions.rs"]
mod stop_conditions;
#[path = "passes/targets.rs"]
mod targets;
#[path = "passes/told.rs"]
mod told;
#[path = "passes/unknown_fields.rs"]
mod unknown_fields;
#[path = "common/variables.rs"]
mod variables;

use serde_json::{Value, json};

use fake_api::{FakeApi, Fault};
use harness::*;

/// The stories in which every call fails once, each with the pace or paces that cover the most.
const TRIED: [(Story, Pace); 6] = [
    (Story::Completes, Pace::SlowKubelet),
    (Story::Waits, Pace::SlowKubelet),
    (Story::Aborted, Pace::SlowKubelet),
    (Story::Aborted, Pace::FastKubelet),
    (Story::DeletedWaiting, Pace::FastKubelet),
    (Story::Moves, Pace::FastKubelet),
];

#[tokio::test]
async fn a_run_writes_in_this_order_and_no_more() {
    let (fake, mut operator) = begin_in(cluster(), &Story::Completes.spec());
    settle(&fake, &mut operator, Some(0)).await;
    let run = [
        "PATCH chaosexperiments", // the finalizer
        "PATCH status",           // what is going to be created
        "POST namespaces",
        "POST serviceaccounts",
        "POST roles",
        "POST rolebindings",
        "POST configmaps",
        "POST pods",
        "PATCH status",    // Starting
        "PATCH status",    // Running
        "POST configmaps", // the journal
        "PATCH status",    // Completed
        "PATCH pods",      // the finalizer
    ];
    assert_eq!(fake.writes().iter().map(short).collect::<Vec<_>>(), run);
    assert!(fake.get(POD).is_some(), "the pod stays, for its logs");

    let status = status(&fake);
    assert_eq!([&status["phase"], &status["reason"]], ["Completed", "Passed"]);
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(status["suffix"], "a235f4ad3e");
    assert_eq!(status["runNamespace"], "chaostoolkit-run");
    let run = &status["run"];
    assert_eq!([&run["number"], &run["exitCode"], &run["durationSeconds"]], [1, 0, 42]);
    assert_eq!(run["journal"]["configMap"], JOURNAL);
    assert_eq!(run["podUid"], fake.get(POD).unwrap()["metadata"]["uid"]);
    let reasons: Vec<Value> = fake.events().iter().map(|event| event["reason"].clone()).collect();
    assert_eq!(reasons, ["RunCreated", "RunStarted", "Passed", "RollbacksPlayed"]);

    let before = fake.calls().len();
    Operator::new(&fake, Hangs::Crash).pass().await;
    assert_eq!(fake.calls().len(), before, "a run that has ended costs a restarted operator no call");

    let before = fake.writes().len();
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    let teardown = [
        "DELETE pods",
        "DELETE configmaps",
        "DELETE rolebindings",
        "DELETE roles",
        "DELETE serviceaccounts",
        "DELETE configmaps",      // the journal
        "PATCH chaosexperiments", // the finalizer
    ];
    assert_eq!(fake.writes()[before..].iter().map(short).collect::<Vec<_>>(), teardown);
    check_protocol(&fake);
    nothing_is_left(&fake);
    assert!(fake.get(RUN).is_some(), "namespaces stay");
}

#[tokio::test]
async fn any_call_may_be_refused_once() {
    // The operator treats these alike, so one of them per call is enough, except in the first story.
    let failures = [
        Fault::Before(500, "InternalError"),
        Fault::Before(503, "ServiceUnavailable"),
        Fault::Before(429, "TooManyRequests"),
        Fault::ResetBefore,
    ];
    let faults = |story, number: usize| {
        let [a, b, c, d] = failures.map(Some);
        let conflict = Some(Fault::Before(409, "Conflict"));
        let forbidden = Some(Fault::Before(403, "Forbidden"));
        match story {
            Story::Completes => [conflict, forbidden, a, b, c, d],
            _ => [conflict, forbidden, Some(failures[number % failures.len()]), None, None, None],
        }
    };
    try_all(&TRIED, "refused", Hangs::Crash, faults).await;
}

#[tokio::test]
async fn any_call_may_be_done_and_its_answer_lost() {
    let faults = [Fault::After(504, "Timeout"), Fault::After(500, "InternalError"), Fault::ResetAfter];
    try_all(&TRIED, "answer lost", Hangs::Crash, |_, _| faults.map(Some)).await;
}

#[tokio::test]
async fn the_operator_may_be_killed_before_and_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn any_call_may_run_into_its_limit() {
    try_all(&TRIED, "timed out", Hangs::TimeOut, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_fall_asleep_in_any_call_while_another_takes_over() {
    try_all(&TRIED, "asleep", Hangs::Sleep, before_and_after).await;
}

#[tokio::test]
async fn two_operators_do_the_work_of_one() {
    for story in STORIES {
        let fake = cluster();
        let expected = story.play(&fake, &mut [Operator::new(&fake, Hangs::Crash)], Pace::SlowKubelet).await;
        let fake = cluster();
        let mut two = [Operator::new(&fake, Hangs::Crash), Operator::new(&fake, Hangs::Crash)];
        let ends = story.play(&fake, &mut two, Pace::SlowKubelet).await;
        assert_same(&ends.ran, &expected.ran, "ran");
        assert_same(&ends.left, &expected.left, "left");
        assert_eq!(pods_created(&fake), story.pods());
        check_protocol(&fake);
    }
}

#[tokio::test]
async fn two_operators_call_by_call_do_the_work_of_one() {
    let fake = cluster_for_runs();
    let mut one = Operator::new(&fake, Hangs::Crash);
    let mut other = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    for _ in 0..10 {
        tokio::join!(one.pass(), other.pass());
        fake.kubelet(Some(0));
    }
    settle(&fake, &mut one, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_eq!(pods_created(&fake), 1);
    fake.delete(EXPERIMENT);
    for _ in 0..10 {
        tokio::join!(one.pass(), other.pass());
        fake.kubelet(None);
    }
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn an_outdated_cache_neither_starts_a_second_run_nor_takes_a_status_back() {
    let (fake, mut operator) = begin(&json!({}));
    let mut replayed = 0;
    for is_deleted in [false, true] {
        if is_deleted {
            fake.delete(EXPERIMENT);
        }
        for _ in 0..12 {
            operator.pass().await;
            for version in fake.versions() {
                operator.pass_on(version).await;
                replayed += 1;
            }
            fake.kubelet(Some(0));
        }
        assert!(replayed > 50, "{replayed}");
        assert_eq!(pods_created(&fake), 1);
        if !is_deleted {
            assert_eq!(status(&fake)["phase"], "Completed");
        }
    }
    nothing_is_left(&fake);
    check_protocol(&fake);
}
