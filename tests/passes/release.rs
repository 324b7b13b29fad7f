//! The Jobs of a schedule are created suspended, and go once their authors are known to be allowed what the runs will do.

use chaostoolkit_api::names;

use super::control::{found, rerun, set};
use super::jobs::{begin_job, end, events, name, past, paths};
use super::schedule::{CRON_JOB, spec};
use super::*;

/// Returns a cluster with an experiment whose schedule is not due yet.
pub async fn begin_schedule(fields: &Value) -> (FakeApi, Operator) {
    let mut spec = spec();
    spec["schedule"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let (fake, mut operator) = begin(&spec);
    settle(&fake, &mut operator, None).await;
    (fake, operator)
}

/// A schedule was due this many seconds ago. Returns the path of its Job.
pub fn due_ago(fake: &FakeApi, seconds: i64) -> String {
    let job = fake.due(CRON_JOB);
    let now = chaostoolkit_operator::process::clock::now().as_second();
    let time = k8s_openapi::jiff::Timestamp::from_second(now - seconds).unwrap().to_string();
    fake.edit(&job, |job| {
        job["metadata"]["creationTimestamp"] = json!(time);
        job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = json!(time);
    });
    job
}

pub fn is_held(fake: &FakeApi, job: &str) -> bool {
    fake.get(job).unwrap()["spec"]["suspend"] == true
}

/// The time of a Job, and its creation, were long ago.
pub fn make_late(fake: &FakeApi, job: &str) {
    fake.edit(job, |job| {
        job["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        let annotations = job["metadata"]["annotations"].as_object_mut().unwrap();
        if let Some(time) = annotations.get_mut("batch.kubernetes.io/cronjob-scheduled-timestamp") {
            *time = json!("2026-01-01T00:00:00Z");
        }
    });
}

/// A run is due for which no operator is there in time.
pub fn miss(fake: &FakeApi) {
    let job = fake.due(CRON_JOB);
    make_late(fake, &job);
}

/// Two runs are due while no operator is there. Returns the path of the newer Job.
pub fn two_are_due(fake: &FakeApi) -> String {
    due_ago(fake, 60);
    due_ago(fake, 1)
}

/// Checks that the newest entry of the history is a run that was skipped for this reason.
fn is_skipped(fake: &FakeApi, job: &str, trigger: &str, message: &str) {
    let past = past(fake);
    assert_eq!([&past["phase"], &past["reason"], &past["outcome"]], ["Skipped", "Skipped", "Unknown"]);
    assert_eq!([&past["jobName"], &past["trigger"], &past["podName"]], [name(job), trigger, ""]);
    assert_eq!((&past["number"], &past["conclusive"]), (&json!(0), &json!(false)));
    assert_eq!(past["result"], Value::Null, "it has found nothing");
    let said = past["message"].as_str().unwrap();
    assert!(said.contains(message), "{said}");
    assert_eq!(fake.get(job), None, "the next run may start");
    assert_eq!(status(fake)["schedule"]["givenUp"], Value::Null);
}

#[tokio::test]
async fn a_job_is_created_suspended_and_goes_once_it_is_judged() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    let job = fake.due(CRON_JOB);
    assert!(is_held(&fake, &job), "with the operator away nothing starts");
    let before = fake.writes().len();
    operator.pass().await;
    assert!(!is_held(&fake, &job));
    assert_eq!(fake.get(&job).unwrap()["metadata"]["annotations"][names::RELEASED_ANNOTATION], "true");
    let writes: Vec<String> = fake.writes()[before..].iter().map(short).collect();
    assert_eq!(writes, ["PATCH jobs"], "one call lets it go");
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled", "a Job that waited did not stall");
    fake.start_job(&job);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&past(&fake)["trigger"], &past(&fake)["reason"]], ["Schedule", "Passed"]);
    assert_eq!(status(&fake)["counters"]["skipped"], 0);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_nobody_let_go_in_time_is_skipped() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    let pod = schedule::tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, Some(0)).await;
    let before = status(&fake);
    let job = fake.due(CRON_JOB);
    make_late(&fake, &job);
    settle(&fake, &mut operator, Some(0)).await;
    is_skipped(
        &fake,
        &job,
        "Schedule",
        "due at 2026-01-01T00:00:00Z, and was not allowed to start within 200 seconds",
    );
    assert_eq!(past(&fake)["requestedAt"], "2026-01-01T00:00:00Z");
    let after = status(&fake);
    assert_eq!((&after["counters"]["skipped"], &after["counters"]["runs"]), (&json!(1), &json!(1)));
    for found in ["run", "outcome", "result", "conclusive", "phase"] {
        assert_eq!(after[found], before[found], "{found} is still that of the run that was started");
    }
    assert_eq!(after["history"][1]["podName"], name(&pod));
    let told = events(&fake, "Skipped");
    assert_eq!((told.len(), &told[0]["type"]), (1, &json!("Warning")));
    assert_eq!([&told[0]["related"]["kind"], &told[0]["related"]["name"]], ["Job", name(&job)]);
    assert_eq!(events(&fake, "MissedSchedule").len(), 0, "one event tells of it");
    // The next run has the next number.
    schedule::tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((&past(&fake)["number"], &past(&fake)["outcome"]), (&json!(2), &json!("Passed")));
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_time_that_has_a_skipped_job_is_not_missed_as_well() {
    let (fake, mut operator) =
        begin_schedule(&json!({"value": "0 0 * * *", "startingDeadlineSeconds": 10})).await;
    let day = k8s_openapi::jiff::SignedDuration::from_hours(24);
    let now = chaostoolkit_operator::process::clock::now();
    let midnight = now.as_second() / 86400 * 86400;
    let due = k8s_openapi::jiff::Timestamp::from_second(midnight).unwrap() - day;
    fake.edit(EXPERIMENT, |experiment| {
        for condition in experiment["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!(due - day);
        }
    });
    let job = fake.due(CRON_JOB);
    fake.edit(&job, |job| {
        job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] =
            json!(due.to_string());
    });
    fake.edit(CRON_JOB, |cron_job| {
        cron_job["metadata"]["creationTimestamp"] = json!(due - day);
        cron_job["status"] = json!({"lastScheduleTime": due.to_string()});
    });
    settle(&fake, &mut operator, None).await;
    is_skipped(&fake, &job, "Schedule", "within 10 seconds");
    // The midnight after it had no Job, unless it was a moment ago.
    let missed = i64::from(now.as_second() - midnight > 15);
    assert_eq!(status(&fake)["counters"]["skipped"], 1 + missed);
    assert_eq!(events(&fake, "MissedSchedule").len(), usize::try_from(missed).unwrap());
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn without_a_starting_deadline_a_job_may_go_late() {
    let (fake, mut operator) = begin_schedule(&json!({"value": "@every 90m"})).await;
    let job = due_ago(&fake, 50 * 60);
    settle(&fake, &mut operator, None).await;
    assert!(!is_held(&fake, &job));
    // But not for ever: the start deadline counts from its creation.
    let job = fake.due(CRON_JOB);
    make_late(&fake, &job);
    settle(&fake, &mut operator, None).await;
    assert_eq!([&past(&fake)["jobName"], &past(&fake)["reason"]], [name(&job), "StartTimeout"]);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn after_an_outage_only_the_newest_of_several_jobs_starts() {
    let (fake, mut operator) = begin_schedule(&json!({"concurrencyPolicy": "Allow"})).await;
    let jobs: Vec<String> = (0..13).rev().map(|minutes| due_ago(&fake, minutes * 10)).collect();
    settle(&fake, &mut operator, None).await;
    let (newest, older) = jobs.split_last().unwrap();
    assert!(!is_held(&fake, newest));
    assert!(older.iter().all(|job| fake.get(job).is_none()), "no backlog starts");
    let patched = fake.writes().iter().filter(|call| short(call) == "PATCH jobs").count();
    assert_eq!((patched, &status(&fake)["counters"]["skipped"]), (1, &json!(12)));
    assert_eq!(events(&fake, "Skipped").len(), 12, "each is told once");
    assert_eq!(events(&fake, "MissedSchedule").len(), 0);
    let history = status(&fake)["history"].as_array().unwrap().clone();
    assert_eq!(history.len(), 10, "the last ones are kept");
    assert_eq!(history[0]["message"], format!("Job {} is newer, and only the newest starts", name(newest)));
    fake.start_job(newest);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&past(&fake)["jobName"], &past(&fake)["outcome"]], [name(newest), "Passed"]);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn skipped_runs_push_no_others_out_of_the_history() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    for _ in 0..2 {
        schedule::tick(&fake, &mut operator).await;
        settle(&fake, &mut operator, Some(0)).await;
    }
    for _ in 0..12 {
        miss(&fake);
    }
    settle(&fake, &mut operator, Some(0)).await;
    let history = status(&fake)["history"].as_array().unwrap().clone();
    let skipped = history.iter().filter(|past| past["phase"] == "Skipped").count();
    assert_eq!((history.len(), skipped), (12, 10));
    assert_eq!(
        (&status(&fake)["counters"]["runs"], &status(&fake)["counters"]["skipped"]),
        (&json!(2), &json!(12))
    );
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_job_made_by_hand_is_judged_and_goes() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    let job = fake.create_job_from(CRON_JOB, "by-hand");
    assert!(is_held(&fake, &job));
    settle(&fake, &mut operator, None).await;
    fake.start_job(&job);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&past(&fake)["trigger"], &past(&fake)["reason"]], ["Manual", "Passed"]);
    // Nobody was there for this one.
    let job = fake.create_job_from(CRON_JOB, "by-hand-2");
    make_late(&fake, &job);
    settle(&fake, &mut operator, Some(0)).await;
    is_skipped(&fake, &job, "Manual", "within 200 seconds");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn the_job_of_a_rerun_is_judged_and_goes() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    rerun(&fake, "now");
    operator.pass().await;
    let job = paths(&fake)[0].clone();
    assert!(is_held(&fake, &job), "the next pass judges it");
    settle(&fake, &mut operator, None).await;
    fake.start_job(&job);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&past(&fake)["trigger"], &past(&fake)["reason"]], ["Rerun", "Passed"]);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn no_job_goes_while_the_author_wants_no_run() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    set(&fake, "suspend", json!(true));
    settle(&fake, &mut operator, None).await;
    let job = fake.create_job_from(CRON_JOB, "by-hand");
    settle(&fake, &mut operator, None).await;
    assert!(is_held(&fake, &job));
    assert_eq!(found(&fake), "Suspended/Unknown/Suspended", "a Job that waits has not stalled");
    set(&fake, "suspend", json!(false));
    settle(&fake, &mut operator, None).await;
    // A Job of the suspended CronJob is as good as one of the CronJob that was resumed: its pods are the same.
    assert!(!is_held(&fake, &job));
    fake.delete(&job);

    set(&fake, "suspend", json!(true));
    settle(&fake, &mut operator, None).await;
    let job = fake.due(CRON_JOB);
    make_late(&fake, &job);
    settle(&fake, &mut operator, None).await;
    is_skipped(&fake, &job, "Schedule", "within 200 seconds");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn people_may_start_runs_of_a_schedule_that_is_suspended_by_its_own_field() {
    let (fake, mut operator) = begin_schedule(&json!({"suspend": true})).await;
    let due = due_ago(&fake, 60);
    settle(&fake, &mut operator, None).await;
    assert!(is_held(&fake, &due));
    let job = fake.create_job_from(CRON_JOB, "by-hand");
    settle(&fake, &mut operator, None).await;
    assert!(!is_held(&fake, &job));
    is_skipped(&fake, &due, "Schedule", "Job by-hand is newer");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_abort_gives_up_a_job_that_waits() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    let job = fake.due(CRON_JOB);
    set(&fake, "abort", json!(true));
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(&job), None);
    assert_eq!([&past(&fake)["phase"], &past(&fake)["reason"]], ["Aborted", "AbortRequested"]);
    end(&fake, &mut operator).await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_comes_after_the_judgement_is_seen_before_the_job_goes() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    let job = fake.due(CRON_JOB);
    let calls = fake.calls().len();
    let (twin, mut other) = begin_schedule(&json!({})).await;
    twin.due(CRON_JOB);
    let before = twin.calls().len();
    other.pass().await;
    let fence =
        twin.calls()[before..].iter().rposition(|call| short(call) == "GET chaosexperiments").unwrap();
    assert_eq!(short(&twin.calls()[before + fence + 1]), "PATCH jobs", "the experiment is read right before");
    fake.fail(calls + fence, Fault::HangBefore);
    operator.hangs = Hangs::Sleep;
    operator.pass().await;
    set(&fake, "abort", json!(true));
    operator.wake_up().await;
    assert!(is_held(&fake, &job));
    settle(&fake, &mut operator, None).await;
    assert_eq!([&past(&fake)["jobName"], &past(&fake)["reason"]], [name(&job), "AbortRequested"]);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_job_that_was_made_before_an_edit_does_not_go_after_it() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    let job = fake.due(CRON_JOB);
    set(&fake, "pod", json!({"image": "example/another", "experiment": {"asFile": false}}));
    settle(&fake, &mut operator, None).await;
    is_skipped(&fake, &job, "Schedule", "was changed before it was allowed to start");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn no_job_goes_while_the_operator_cannot_judge_it() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    set(&fake, "pod", json!(7));
    settle(&fake, &mut operator, None).await;
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, None).await;
    assert!(is_held(&fake, &job));
    assert_eq!(found(&fake), "Failed/Unknown/InvalidSpec");
    make_late(&fake, &job);
    settle(&fake, &mut operator, None).await;
    is_skipped(&fake, &job, "Schedule", "within 200 seconds");
    assert_eq!(found(&fake), "Failed/Unknown/InvalidSpec");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn the_cron_job_of_an_older_operator_is_held_even_if_the_spec_cannot_be_decided_on() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    let template = |fake: &FakeApi| fake.get(CRON_JOB).unwrap()["spec"]["jobTemplate"].clone();
    let wanted = template(&fake);
    fake.edit(CRON_JOB, |cron_job| {
        cron_job["metadata"]["annotations"][names::SPEC_HASH_ANNOTATION] = json!("older");
        cron_job["spec"]["jobTemplate"]["spec"]["suspend"] = Value::Null;
    });
    set(&fake, "pod", json!(7));
    settle(&fake, &mut operator, None).await;
    assert_eq!(template(&fake)["spec"]["suspend"], true);
    set(&fake, "pod", spec()["pod"].clone());
    settle(&fake, &mut operator, None).await;
    assert_eq!(template(&fake), wanted, "and replaced once it can");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_cron_job_of_0_14_0_is_held_from_its_adoption_on() {
    let (twin, _) = begin_schedule(&json!({})).await;
    let mut cron_job = twin.get(CRON_JOB).unwrap();
    for field in ["labels", "annotations", "uid"] {
        cron_job["metadata"].as_object_mut().unwrap().remove(field);
    }
    cron_job["spec"]["jobTemplate"]["spec"].as_object_mut().unwrap().remove("suspend");
    let fake = cluster_for_runs();
    fake.put(cron_job);
    let mut handled = experiment(&spec());
    handled["metadata"]["annotations"] = json!({names::KOPF_ANNOTATION: "{}"});
    fake.put(handled);
    let mut operator = Operator::new(&fake, Hangs::Crash);
    operator.pass().await;
    let made = fake.get(CRON_JOB).unwrap();
    assert_eq!(made["metadata"]["annotations"][names::SPEC_HASH_ANNOTATION], Value::Null, "not replaced yet");
    assert_eq!(made["spec"]["jobTemplate"]["spec"]["suspend"], true);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled");
    assert_eq!(fake.get(CRON_JOB).unwrap()["spec"]["jobTemplate"]["spec"]["suspend"], true);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_job_that_somebody_suspends_again_stays_so() {
    let (fake, mut operator, job) = begin_job(&spec()).await;
    fake.edit(&job, |job| {
        job["spec"]["suspend"] = json!(true);
        let suspended = json!({"type": "Suspended", "status": "True", "message": "Job suspended"});
        job["status"]["conditions"] = json!([suspended]);
    });
    settle(&fake, &mut operator, None).await;
    assert!(is_held(&fake, &job));
    assert_eq!(found(&fake), "Scheduled/Unknown/StartStalled");
    assert!(status(&fake)["message"].as_str().unwrap().ends_with("Suspended: Job suspended"));
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_operator_that_may_not_let_jobs_go_says_so() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    fake.refuse(Some(("PATCH", "/jobs/", 403)));
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled", "the schedule goes on");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    let said = format!("the run of Job {0} waits: cannot let Job chaostoolkit-run/{0} go: ", name(&job));
    assert!(message.contains(&said), "{message}");
    let versions = fake.versions().len();
    operator.pass().await;
    assert_eq!(fake.versions().len(), versions, "it is said once");
    fake.refuse(None);
    settle(&fake, &mut operator, None).await;
    assert!(!is_held(&fake, &job));
    assert_eq!(status(&fake)["message"], "runs start by the schedule");
    end(&fake, &mut operator).await;
}

/// The stories in which every call fails once.
const TRIED: [(Story, Pace); 1] = [(Story::SkippedScheduled, Pace::SlowKubelet)];

#[tokio::test]
async fn jobs_are_skipped_and_let_go_once_though_any_call_is_refused_once() {
    try_all(&TRIED, "refused", Hangs::Crash, refused_in_turns).await;
}

#[tokio::test]
async fn jobs_are_skipped_and_let_go_once_though_the_operator_is_killed_before_or_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn jobs_are_skipped_and_let_go_once_while_an_operator_sleeps_in_any_call() {
    try_all(&TRIED, "asleep", Hangs::Sleep, before_and_after).await;
}
