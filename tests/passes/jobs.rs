//! Runs of a schedule that do not get on, or that somebody else ends.

use super::control::{condition, found, set};
use super::schedule::{CRON_JOB, spec, tick};
use super::*;

pub const JOBS: &str = "/apis/batch/v1/namespaces/chaostoolkit-run/jobs";

/// Returns a cluster with an experiment whose schedule is due, and the path of the Job that may start and has no pod yet.
pub async fn begin_job(spec: &Value) -> (FakeApi, Operator, String) {
    let (fake, mut operator) = begin(spec);
    settle(&fake, &mut operator, None).await;
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, None).await;
    (fake, operator, job)
}

/// Returns a spec with a schedule and these fields.
fn spec_with(fields: &Value) -> Value {
    let mut spec = spec();
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    spec
}

/// The kubelet cannot pull the image of a pod.
fn stall(fake: &FakeApi, pod: &str, words: &str) {
    fake.edit(pod, |pod| {
        pod["spec"]["nodeName"] = json!("node");
        pod["status"] = json!({"phase": "Pending", "containerStatuses": [{"name": "chaostoolkit",
            "state": {"waiting": {"reason": "ErrImagePull", "message": words}}}]});
    });
}

/// Creates the pods of all Jobs.
pub fn start_all(fake: &FakeApi) {
    for job in paths(fake) {
        fake.start_job(&job);
    }
}

/// The paths of all Jobs.
pub fn paths(fake: &FakeApi) -> Vec<String> {
    let path = |job: Value| format!("{JOBS}/{}", job["metadata"]["name"].as_str().unwrap());
    fake.list("Job").into_iter().map(path).collect()
}

/// A run is due that is let go and cannot start in time, without a pod or with one.
pub async fn give_up(fake: &FakeApi, operators: &mut [Operator], pace: Pace, has_pod: bool) {
    let job = fake.due(CRON_JOB);
    drive(fake, operators, pace, None).await;
    if has_pod {
        stall(fake, &fake.start_job(&job), "no such image");
    }
    age(fake, &job);
}

/// The job controller is refused a pod for this Job.
fn refuse_pod(fake: &FakeApi, job: &str, number: usize, words: &str) {
    let uid = fake.get(job).unwrap()["metadata"]["uid"].clone();
    fake.put(json!({"apiVersion": "v1", "kind": "Event", "reason": "FailedCreate", "message": words,
        "metadata": {"name": format!("event-{number}"), "namespace": "chaostoolkit-run"},
        "involvedObject": {"kind": "Job", "uid": uid},
        "lastTimestamp": format!("2026-01-01T00:00:{number:02}Z")}));
}

/// The first run of a schedule never gets a pod and the second one never starts, and both are given up.
pub async fn play_stalled(fake: &FakeApi, operators: &mut [Operator], pace: Pace) {
    drive(fake, operators, pace, None).await;
    for has_pod in [false, true] {
        give_up(fake, operators, pace, has_pod).await;
        drive(fake, operators, pace, None).await;
    }
}

/// The controller of jobs records the end of a Job.
pub fn finish(fake: &FakeApi, job: &str, condition: &str, reason: &str) {
    fake.edit(job, |job| {
        job["status"]["conditions"] =
            json!([{"type": condition, "status": "True", "reason": reason, "message": "its own words"}]);
    });
}

/// An object was created long ago.
pub fn age(fake: &FakeApi, path: &str) {
    fake.edit(path, |object| object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z"));
}

pub fn events(fake: &FakeApi, reason: &str) -> Vec<Value> {
    fake.events().into_iter().filter(|event| event["reason"] == reason).collect()
}

pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

pub fn past(fake: &FakeApi) -> Value {
    status(fake)["history"][0].clone()
}

pub async fn end(fake: &FakeApi, operator: &mut Operator) {
    fake.delete(EXPERIMENT);
    settle(fake, operator, None).await;
    nothing_is_left(fake);
    check_protocol(fake);
}

#[tokio::test]
async fn a_pod_of_a_schedule_that_cannot_start_is_told_once() {
    let (fake, mut operator, job) = begin_job(&spec()).await;
    let pod = fake.start_job(&job);
    stall(&fake, &pod, "no such image");
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/ImagePullBackOff");
    assert_eq!(condition(&fake, "Finished"), "False/ImagePullBackOff");
    let told = status(&fake)["message"].clone();
    let words = format!("the run of Job {} has not started: ImagePullBackOff: no such image", name(&job));
    assert_eq!(told, words);
    stall(&fake, &pod, "Back-off pulling image");
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["message"], told, "the words vary from one attempt to the next");
    assert_eq!(events(&fake, "StartStalled").len(), 1);
    fake.edit(&pod, |pod| {
        pod["status"] = json!({"phase": "Running", "containerStatuses": [{"name": "chaostoolkit",
            "state": {"running": {"startedAt": "2026-01-01T00:01:00Z"}}}]});
    });
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled", "it has started");
    assert_eq!(status(&fake)["schedule"]["stalledJob"], Value::Null);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_job_without_a_pod_has_the_words_of_its_newest_event() {
    let (fake, mut operator, job) = begin_job(&spec()).await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled", "it may still get its pod");
    refuse_pod(&fake, &job, 1, "pods \"a\" is forbidden: an old reason");
    refuse_pod(&fake, &job, 2, "pods \"b\" is forbidden: exceeded quota");
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/StartStalled");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("FailedCreate: pods \"b\" is forbidden: exceeded quota"), "{message}");
    let versions = fake.versions().len();
    refuse_pod(&fake, &job, 3, "pods \"c\" is forbidden: exceeded quota");
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.versions().len(), versions, "another attempt is no news");
    let told = events(&fake, "StartStalled");
    assert_eq!((told.len(), &told[0]["related"]["name"]), (1, &json!(name(&job))));
    // The events may be refused. The schedule goes on.
    fake.refuse(Some(("GET", "/api/v1/namespaces/chaostoolkit-run/events", 403)));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Scheduled");
    fake.refuse(None);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_job_that_misses_its_start_deadline_is_deleted_and_recorded() {
    for has_pod in [true, false] {
        let (fake, mut operator, job) = begin_job(&spec()).await;
        if has_pod {
            stall(&fake, &fake.start_job(&job), "no such image");
        }
        settle(&fake, &mut operator, None).await;
        assert!(fake.get(&job).is_some(), "it has an hour");
        age(&fake, &job);
        settle(&fake, &mut operator, None).await;
        assert!(fake.get(&job).is_none(), "the next run may start");
        let past = past(&fake);
        assert_eq!([&past["phase"], &past["outcome"], &past["reason"]], ["Failed", "Error", "StartTimeout"]);
        assert_eq!([&past["jobName"], &past["trigger"]], [name(&job), "Schedule"]);
        assert_eq!(past["podName"] == "", !has_pod);
        assert_eq!(past["startedAt"], Value::Null);
        assert_eq!(past["requestedAt"], "2026-01-01T00:00:00Z", "when the Job was created");
        let status = status(&fake);
        assert_eq!([&status["counters"]["runs"], &status["counters"]["failed"]], [1, 1]);
        assert_eq!(status["schedule"]["givenUp"], Value::Null);
        assert_eq!(found(&fake), "Scheduled/Error/Scheduled");
        let told = events(&fake, "RunFailed");
        assert_eq!(told.len(), 1);
        assert!(told[0]["note"].as_str().unwrap().starts_with("StartTimeout: run 1 "), "{told:?}");
        end(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn a_run_may_wait_for_its_start_for_ever() {
    let (fake, mut operator, job) = begin_job(&spec_with(&json!({"startDeadlineSeconds": 0}))).await;
    age(&fake, &job);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(&job).is_some());
    assert_eq!(
        found(&fake),
        "Scheduled/Unknown/StartStalled",
        "nobody says why it has no pod, but it has none"
    );
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_has_started_has_no_start_deadline() {
    let (fake, mut operator, job) = begin_job(&spec()).await;
    fake.start_job(&job);
    fake.kubelet(None);
    age(&fake, &job);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(&job).is_some());
    assert_eq!(status(&fake)["schedule"]["givenUp"], Value::Null);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_starts_before_its_job_is_deleted_goes_on() {
    let (fake, mut operator, job) = begin_job(&spec()).await;
    age(&fake, &job);
    operator.pass().await;
    assert_eq!(status(&fake)["schedule"]["givenUp"][0]["jobName"], name(&job));
    fake.start_job(&job);
    fake.kubelet(None);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(&job).is_some());
    assert_eq!(status(&fake)["schedule"]["givenUp"], Value::Null);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(past(&fake)["outcome"], "Passed");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_edit_replaces_what_cannot_start_and_nothing_else() {
    for (is_stalled, edit) in [(true, "pod"), (true, "ttlSecondsAfterFinished"), (false, "pod")] {
        let (fake, mut operator, job) = begin_job(&spec()).await;
        let pod = fake.start_job(&job);
        if is_stalled {
            stall(&fake, &pod, "no such image");
        }
        settle(&fake, &mut operator, None).await;
        let edited = if edit == "pod" {
            json!({"image": "example/that-exists", "experiment": {"asFile": false}})
        } else {
            json!(7)
        };
        set(&fake, edit, edited);
        settle(&fake, &mut operator, None).await;
        let is_replaced = is_stalled && edit == "pod";
        assert_eq!(fake.get(&job).is_none(), is_replaced, "{is_stalled} {edit}");
        if is_replaced {
            let past = past(&fake);
            assert_eq!([&past["phase"], &past["reason"]], ["Failed", "Replaced"]);
            assert_eq!(found(&fake), "Scheduled/Error/Scheduled");
        }
        end(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn an_abort_takes_a_job_without_a_pod_along() {
    let (fake, mut operator, job) = begin_job(&spec()).await;
    set(&fake, "abort", json!(true));
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(&job).is_none());
    assert_eq!([&past(&fake)["phase"], &past(&fake)["reason"]], ["Aborted", "AbortRequested"]);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn the_deadline_of_a_job_is_the_reason_for_the_end_of_its_run() {
    let (fake, mut operator, job) = begin_job(&spec()).await;
    let pod = fake.start_job(&job);
    settle(&fake, &mut operator, None).await;
    fake.delete(&pod);
    finish(&fake, &job, "FailureTarget", "DeadlineExceeded");
    settle(&fake, &mut operator, None).await;
    let past = past(&fake);
    assert_eq!([&past["phase"], &past["outcome"], &past["reason"]], ["Failed", "Error", "DeadlineExceeded"]);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_is_replaced_by_the_next_one_if_that_is_the_policy() {
    for (policy, reason) in [("Replace", "Replaced"), ("Forbid", "PodDeleted")] {
        let mut spec = spec();
        spec["schedule"]["concurrencyPolicy"] = json!(policy);
        let (fake, mut operator, job) = begin_job(&spec).await;
        fake.start_job(&job);
        settle(&fake, &mut operator, None).await;
        let next = fake.due(CRON_JOB);
        fake.delete(&job);
        settle(&fake, &mut operator, None).await;
        assert_eq!(past(&fake)["reason"], reason, "{policy}");
        assert_eq!(past(&fake)["jobName"], name(&job));
        fake.start_job(&next);
        settle(&fake, &mut operator, None).await;
        assert_eq!(status(&fake)["run"]["jobName"], name(&next));
        end(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn a_cron_job_that_somebody_deleted_comes_back_at_once() {
    let (fake, mut operator) = begin(&spec());
    settle(&fake, &mut operator, None).await;
    operator.again = false;
    assert!(!operator.is_due());
    fake.delete(CRON_JOB);
    assert!(operator.is_due(), "its watch brings a pass");
    operator.pass().await;
    assert!(fake.get(CRON_JOB).is_some());
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn each_run_of_a_schedule_has_events_of_its_own() {
    let (fake, mut operator, _) = begin_job(&spec()).await;
    for _ in 0..2 {
        let pod = tick(&fake, &mut operator).await;
        settle(&fake, &mut operator, Some(0)).await;
        let number = status(&fake)["counters"]["runs"].as_i64().unwrap();
        for reason in ["RunCreated", "RunStarted", "Passed"] {
            let told = events(&fake, reason);
            assert_eq!(told.len(), usize::try_from(number).unwrap(), "{reason}");
            let last = told.last().unwrap();
            assert_eq!(last["series"], Value::Null, "it is an event of its own");
            assert_eq!([&last["related"]["kind"], &last["related"]["name"]], ["Pod", name(&pod)]);
            let note = last["note"].as_str().unwrap();
            assert!(note.starts_with(&format!("run {number}")), "{note}");
        }
    }
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_time_that_is_missed_is_counted_before_a_later_run_shows_it() {
    let spec = json!({"pod": {"experiment": {"asFile": false}},
        "schedule": {"kind": "cronJob", "value": "0 0 * * *", "startingDeadlineSeconds": 10}});
    let (fake, mut operator) = begin(&spec);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["counters"]["skipped"], Value::Null);
    // Runs could start for three days by now, and none has.
    let then =
        chaostoolkit_operator::process::clock::now() - k8s_openapi::jiff::SignedDuration::from_hours(72);
    fake.edit(CRON_JOB, |cron_job| cron_job["metadata"]["creationTimestamp"] = json!(then));
    fake.edit(EXPERIMENT, |experiment| {
        for condition in experiment["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!(then);
        }
    });
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["counters"]["skipped"], 3);
    assert_eq!(events(&fake, "MissedSchedule").len(), 1);
    end(&fake, &mut operator).await;
}

/// The stories in which every call fails once.
const TRIED: [(Story, Pace); 2] =
    [(Story::RerunScheduled, Pace::SlowKubelet), (Story::StalledScheduled, Pace::SlowKubelet)];

#[tokio::test]
async fn jobs_are_made_and_given_up_once_though_any_call_is_refused_once() {
    try_all(&TRIED, "refused", Hangs::Crash, refused_in_turns).await;
}

#[tokio::test]
async fn jobs_are_made_and_given_up_once_though_the_operator_is_killed_before_or_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn jobs_are_made_and_given_up_once_while_an_operator_sleeps_in_any_call() {
    try_all(&TRIED, "asleep", Hangs::Sleep, before_and_after).await;
}
