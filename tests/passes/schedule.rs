//! Experiments with a schedule. [`tick`] plays the controllers of Kubernetes.

use super::control::{condition, found, rerun, set, with_rollbacks};
use super::helpers::notes;
use super::jobs::{age, name, paths};
use super::*;

/// The path of the `CronJob` that starts the runs.
pub const CRON_JOB: &str = "/apis/batch/v1/namespaces/chaostoolkit-run/cronjobs/chaostoolkit-a235f4ad3e";
const TEMPLATES_AT: &str = "/api/v1/namespaces/chaostoolkit-crd/configmaps/chaostoolkit-resources-templates";

/// Returns a spec with a schedule that is not due during a test.
pub fn spec() -> Value {
    json!({"pod": {"experiment": {"asFile": false}}, "schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}})
}

/// Whether the end of a pod is recorded, or its experiment is being deleted.
pub fn is_recorded(experiment: &Value, pod: &str) -> bool {
    let history = experiment["status"]["history"].as_array().cloned().unwrap_or_default();
    !experiment["metadata"]["deletionTimestamp"].is_null()
        || history.iter().any(|past| past["podName"] == pod)
}

/// Checks that each end, and each run that is skipped, is counted exactly once.
pub fn check_counts(old: &Value, new: &Value) {
    for (counter, is_skipped) in [("runs", false), ("skipped", true)] {
        let runs = |status: &Value| -> Vec<Value> {
            let history = status["history"].as_array().cloned().unwrap_or_default();
            let counted = history.iter().filter(|past| (past["phase"] == "Skipped") == is_skipped);
            counted
                .map(|past| if is_skipped { past["jobName"].clone() } else { past["podUid"].clone() })
                .collect()
        };
        let count = |status: &Value| status["counters"][counter].as_u64().unwrap_or_default();
        let added = runs(new).iter().filter(|run| !runs(old).contains(run)).count() as u64;
        // Times without a Job are counted too, and have no entry.
        let is_right = count(new) == count(old) + added || (is_skipped && added == 0);
        assert!(is_right, "{counter}: {old} becomes {new}");
        assert!(runs(new).iter().enumerate().all(|(at, run)| !runs(new)[..at].contains(run)), "{new}");
    }
}

/// Returns a cluster with an experiment whose schedule has started a run, and the path of its pod.
pub async fn begin_run() -> (FakeApi, Operator, String) {
    let (fake, mut operator) = begin(&spec());
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled");
    let pod = tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["schedule"]["active"], json!([pod.rsplit('/').next().unwrap()]));
    (fake, operator, pod)
}

/// Plays what the controllers of Kubernetes do when the schedule is due: a Job, and its pod once operators have let the Job go.
/// Returns the path of the pod.
pub async fn tick_with(fake: &FakeApi, operators: &mut [Operator], pace: Pace) -> String {
    let job = fake.due(CRON_JOB);
    drive(fake, operators, pace, None).await;
    fake.start_job(&job)
}

/// Plays the same with one operator.
pub async fn tick(fake: &FakeApi, operator: &mut Operator) -> String {
    tick_with(fake, std::slice::from_mut(operator), Pace::SlowKubelet).await
}

fn is_suspended(fake: &FakeApi) -> bool {
    fake.get(CRON_JOB).unwrap()["spec"]["suspend"] == true
}

/// An obstacle to the next run.
#[derive(Clone, Copy, Debug)]
enum Obstacle {
    Templates,
    Spec,
}

impl Obstacle {
    fn begin(self, fake: &FakeApi) {
        match self {
            Self::Templates => fake.vanish(TEMPLATES_AT),
            Self::Spec => set(fake, "pod", json!(7)),
        }
    }

    fn end(self, fake: &FakeApi) {
        match self {
            Self::Templates => drop(fake.put(TEMPLATES.clone())),
            Self::Spec => set(fake, "pod", spec()["pod"].clone()),
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Templates => "Blocked/Unknown/TemplatesMissing",
            Self::Spec => "Failed/Unknown/InvalidSpec",
        }
    }
}

#[tokio::test]
async fn an_obstacle_to_the_next_run_does_not_hide_the_end_of_this_one() {
    for obstacle in [Obstacle::Templates, Obstacle::Spec] {
        let (fake, mut operator, pod) = begin_run().await;
        obstacle.begin(&fake);
        settle(&fake, &mut operator, None).await;
        assert_eq!(found(&fake), obstacle.told());
        fake.end(&pod, 0, None);
        settle(&fake, &mut operator, None).await;
        let told = obstacle.told().replace("Unknown", "Passed");
        assert_eq!(found(&fake), told, "both the end and the obstacle are reported");
        assert_eq!(status(&fake)["counters"]["runs"], 1);
        assert_eq!(status(&fake)["history"][0]["journal"]["configMap"], JOURNAL);
        assert_eq!(fake.get(&pod).unwrap()["metadata"]["finalizers"], json!([]), "{obstacle:?}");
        let versions = fake.versions().len();
        operator.pass().await;
        operator.pass().await;
        assert_eq!(fake.versions().len(), versions, "nothing more is written about the run");
        obstacle.end(&fake);
        settle(&fake, &mut operator, None).await;
        assert_eq!(found(&fake), "Scheduled/Passed/Scheduled");
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        nothing_is_left(&fake);
        check_protocol(&fake);
    }
}

#[tokio::test]
async fn an_obstacle_to_the_next_run_does_not_keep_an_author_from_stopping_this_one() {
    for obstacle in [Obstacle::Templates, Obstacle::Spec] {
        for field in ["abort", "suspend"] {
            let (fake, mut operator, pod) = begin_run().await;
            obstacle.begin(&fake);
            settle(&fake, &mut operator, None).await;
            assert!(!is_suspended(&fake));
            set(&fake, field, json!(true));
            settle(&fake, &mut operator, None).await;
            assert!(is_suspended(&fake), "{field}: no other run starts");
            let runs = &status(&fake)["counters"]["runs"];
            assert_eq!((fake.get(&pod).is_none(), runs == 1), (field == "abort", field == "abort"));
            // Once the spec can be read again, its latest state counts.
            set(&fake, field, json!(false));
            obstacle.end(&fake);
            settle(&fake, &mut operator, None).await;
            assert!(!is_suspended(&fake), "{field}: runs start again");
            assert_eq!(condition(&fake, "Suspended"), "False/Scheduled");
            fake.delete(EXPERIMENT);
            settle(&fake, &mut operator, None).await;
            nothing_is_left(&fake);
            check_protocol(&fake);
        }
    }
}

#[tokio::test]
async fn the_end_of_a_run_waits_for_its_log_even_if_the_spec_is_rejected() {
    let (fake, mut operator, pod) = begin_run().await;
    Obstacle::Spec.begin(&fake);
    settle(&fake, &mut operator, None).await;
    fake.refuse(Some(("GET", "/log", 500)));
    fake.end(&pod, 2, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["history"].clone(), operator.again), (Value::Null, true));
    fake.refuse(None);
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["counters"]["runs"].clone(), operator.again), (json!(1), false));
    assert_eq!(fake.get(&pod).unwrap()["metadata"]["finalizers"], json!([]));
    check_protocol(&fake);
}

/// The reasons of the runs in the history, the newest first, and how many runs were counted.
fn recorded(fake: &FakeApi) -> (Vec<String>, Value) {
    let history = status(fake)["history"].as_array().cloned().unwrap_or_default();
    let reasons = history.iter().map(|past| past["reason"].as_str().unwrap().to_owned()).collect();
    (reasons, status(fake)["counters"]["runs"].clone())
}

/// The notes of the events about the ends of runs.
fn ends(fake: &FakeApi) -> Vec<Value> {
    notes(fake, "action", "RecordOutcome")
}

#[tokio::test]
async fn a_run_whose_pod_vanishes_is_recorded_as_lost() {
    for obstacle in [None, Some(Obstacle::Templates), Some(Obstacle::Spec)] {
        let (fake, mut operator, pod) = begin_run().await;
        if let Some(obstacle) = obstacle {
            obstacle.begin(&fake);
        }
        let started = status(&fake)["run"]["startedAt"].clone();
        assert!(started.is_string());
        fake.vanish(&pod);
        settle(&fake, &mut operator, None).await;
        let lost = || (vec!["PodLost".to_owned()], json!(1));
        assert_eq!(recorded(&fake), lost(), "{obstacle:?}");
        let past = &status(&fake)["history"][0];
        assert_eq!([&past["podName"], &past["startedAt"]], [&json!(name(&pod)), &started]);
        assert_eq!((&past["number"], &past["phase"]), (&json!(1), &json!("Failed")));
        let told = format!(
            "PodLost: run 1 in pod {0}: Unknown: pod {0} vanished before its end could be recorded",
            name(&pod)
        );
        assert_eq!(ends(&fake), [told]);
        assert_eq!(status(&fake)["schedule"]["active"], Value::Null);
        let versions = fake.versions().len();
        operator.pass().await;
        Operator::new(&fake, Hangs::Crash).pass().await;
        assert_eq!((recorded(&fake), fake.versions().len()), (lost(), versions), "it is counted once");
        check_protocol(&fake);
    }
}

/// Begins a run whose pod is on record and has not started.
async fn begin_unstarted() -> (FakeApi, Operator, String) {
    let (fake, mut operator) = begin(&spec());
    settle(&fake, &mut operator, None).await;
    let pod = tick(&fake, &mut operator).await;
    operator.pass().await;
    assert_eq!(status(&fake)["schedule"]["active"], json!([name(&pod)]));
    (fake, operator, pod)
}

#[tokio::test]
async fn a_run_whose_pod_never_started_is_not_said_to_have_started() {
    let (fake, mut operator, pod) = begin_unstarted().await;
    fake.vanish(&pod);
    settle(&fake, &mut operator, None).await;
    assert_eq!(recorded(&fake), (vec!["PodLost".to_owned()], json!(1)));
    assert_eq!(status(&fake)["history"][0]["startedAt"], Value::Null);
}

/// The Jobs were created long ago.
fn age_all(fake: &FakeApi) {
    for job in paths(fake) {
        age(fake, &job);
    }
    fake.edit(EXPERIMENT, |experiment| {
        experiment["status"]["run"]["requestedAt"] = json!("2026-01-01T00:00:00Z");
    });
}

#[tokio::test]
async fn a_run_that_was_late_and_lost_its_pod_starts_no_more() {
    let (fake, mut operator, pod) = begin_unstarted().await;
    age_all(&fake);
    fake.vanish(&pod);
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.list("Job"), [] as [Value; 0], "no other pod starts");
    assert_eq!(recorded(&fake), (vec!["StartTimeout".to_owned()], json!(1)));
    assert_eq!(ends(&fake).len(), 1);
}

#[tokio::test]
async fn a_run_that_ends_without_its_finalizer_is_recorded_once() {
    let (fake, mut operator, pod) = begin_run().await;
    fake.edit(&pod, |pod| pod["metadata"]["finalizers"] = json!([]));
    settle(&fake, &mut operator, None).await;
    fake.end(&pod, 0, None);
    settle(&fake, &mut operator, None).await;
    let passed = || (vec!["Passed".to_owned()], json!(1));
    assert_eq!(recorded(&fake), passed());
    fake.vanish(&pod);
    settle(&fake, &mut operator, None).await;
    assert_eq!(recorded(&fake), passed());
    check_protocol(&fake);
}

#[tokio::test]
async fn a_recorded_run_is_not_lost_with_its_pod() {
    let mut held = 0;
    for call in 0..20 {
        let (fake, mut operator, pod) = begin_run().await;
        fake.end(&pod, 0, None);
        fake.fail(fake.calls().len() + call, Fault::HangAfter);
        operator.pass().await;
        if recorded(&fake).0.is_empty() {
            continue;
        }
        // An operator that is killed right after the record has not released the pod.
        held += usize::from(fake.get(&pod).unwrap()["metadata"]["finalizers"] != json!([]));
        fake.vanish(&pod);
        let mut operator = Operator::new(&fake, Hangs::Crash);
        settle(&fake, &mut operator, None).await;
        assert_eq!(recorded(&fake), (vec!["Passed".to_owned()], json!(1)), "{call}");
    }
    assert!((1..20).contains(&held), "{held}");
}

/// Runs of a schedule that go on beside each other, with their pods.
async fn begin_runs(number: usize) -> (FakeApi, Operator, Vec<String>) {
    let mut allow = spec();
    allow["schedule"]["concurrencyPolicy"] = json!("Allow");
    let (fake, mut operator) = begin(&allow);
    settle(&fake, &mut operator, None).await;
    let mut pods = Vec::new();
    for _ in 0..number {
        pods.push(tick(&fake, &mut operator).await);
        settle(&fake, &mut operator, None).await;
    }
    assert_eq!(status(&fake)["schedule"]["active"].as_array().map(Vec::len), Some(number));
    (fake, operator, pods)
}

#[tokio::test]
async fn runs_that_went_on_for_long_and_vanish_have_not_missed_their_starts() {
    let (fake, mut operator, pods) = begin_runs(3).await;
    age_all(&fake);
    for pod in &pods {
        fake.vanish(pod);
    }
    settle(&fake, &mut operator, None).await;
    assert_eq!(recorded(&fake), (vec!["PodLost".to_owned(); 3], json!(3)));
}

#[tokio::test]
async fn several_runs_that_vanish_at_once_are_recorded_one_by_one() {
    let (fake, mut operator, pods) = begin_runs(12).await;
    for pod in &pods {
        fake.vanish(pod);
    }
    settle(&fake, &mut operator, None).await;
    assert_eq!(recorded(&fake).1, 12);
    assert_eq!((ends(&fake).len(), &status(&fake)["schedule"]["active"]), (12, &Value::Null));
}

#[tokio::test]
async fn a_run_that_an_edit_of_the_schedule_stops_is_not_lost() {
    let (fake, mut operator, pod) = begin_run().await;
    set(&fake, "namespace", json!("elsewhere"));
    settle(&fake, &mut operator, None).await;
    assert_eq!((fake.get(CRON_JOB), fake.get(&pod)), (None, None));
    assert_eq!(recorded(&fake), (Vec::new(), Value::Null));
}

#[tokio::test]
async fn an_abort_says_that_a_run_of_the_schedule_is_asked_to_stop_and_what_its_rollbacks_may_take() {
    let mut long = with_rollbacks(spec());
    long["pod"] = json!(null);
    long["experiment"]["rollbacks"][0]["pauses"] = json!({"after": 400});
    let (fake, mut operator) = begin(&long);
    settle(&fake, &mut operator, None).await;
    let pod = tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    set(&fake, "abort", json!(true));
    operator.pass().await;
    let told = "no run starts while the schedule is suspended; the run that goes on is asked to stop, as spec.abort asks; \
        the rollbacks may take 400 s by their pauses and timeouts, and a pod that is stopped has 300 s for them";
    assert_eq!([&status(&fake)["message"], &status(&fake)["reason"]], [told, "Suspended"]);
    fake.end(&pod, 1, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["message"], "no run starts while the schedule is suspended");
}

#[tokio::test]
async fn a_deleted_schedule_is_announced_and_goes_before_the_pods_of_its_runs() {
    let (fake, mut operator, first) = begin_run().await;
    fake.end(&first, 0, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(
        (found(&fake), status(&fake)["counters"]["runs"].clone()),
        ("Scheduled/Passed/Scheduled".to_owned(), json!(1))
    );
    tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["run"]["number"], 2);
    let before = fake.writes().len();
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
    let writes: Vec<String> = fake.writes()[before..].iter().map(short).collect();
    assert_eq!(writes[..2], ["PATCH status", "DELETE cronjobs"], "{writes:?}");
    assert_eq!(writes.iter().filter(|write| *write == "PATCH status").count(), 1, "{writes:?}");
}

#[tokio::test]
async fn an_experiment_that_has_run_twice_may_get_a_schedule() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    rerun(&fake, "1");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["run"]["number"], 2);
    rerun(&fake, "2");
    set(&fake, "schedule", spec()["schedule"].clone());
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled");
    let made = fake.writes().iter().filter(|call| short(call) == "POST cronjobs").count();
    assert_eq!(made, 1, "the name of the CronJob does not depend on the number of the run");
    let pod = tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["history"][0]["podName"], pod.rsplit('/').next().unwrap());
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

/// The stories in which every call fails once.
const TRIED: [(Story, Pace); 1] = [(Story::Scheduled, Pace::SlowKubelet)];

#[tokio::test]
async fn a_schedule_is_kept_though_any_call_is_refused_once() {
    try_all(&TRIED, "refused", Hangs::Crash, refused_in_turns).await;
}

#[tokio::test]
async fn a_schedule_is_kept_though_the_operator_is_killed_before_or_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_is_kept_while_an_operator_sleeps_in_any_call() {
    try_all(&TRIED, "asleep", Hangs::Sleep, before_and_after).await;
}
