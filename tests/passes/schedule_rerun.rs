//! Runs of a schedule that somebody asks for, by the annotation or by hand.

use chaostoolkit_api::names;

use super::control::{rerun, set};
use super::jobs::{JOBS, begin_job, end, events, finish, name, past, paths};
use super::schedule::{CRON_JOB, spec};
use super::*;

#[tokio::test]
async fn a_rerun_of_a_schedule_is_one_job_now() {
    let (fake, mut operator) = begin(&spec());
    settle(&fake, &mut operator, None).await;
    rerun(&fake, "now");
    settle(&fake, &mut operator, None).await;
    let jobs = fake.list("Job");
    assert_eq!(jobs.len(), 1);
    let metadata = &jobs[0]["metadata"];
    assert_eq!(metadata["annotations"]["cronjob.kubernetes.io/instantiate"], "manual");
    assert_eq!(metadata["ownerReferences"][0]["uid"], fake.get(CRON_JOB).unwrap()["metadata"]["uid"]);
    assert_eq!(metadata["labels"][names::UID_LABEL], UID);
    let mut wanted = fake.get(CRON_JOB).unwrap()["spec"]["jobTemplate"]["spec"].clone();
    assert_eq!(wanted["suspend"].take(), true);
    wanted["suspend"] = json!(false);
    assert_eq!(jobs[0]["spec"], wanted, "it is what the CronJob makes, and was let go");
    assert_eq!(status(&fake)["rerun"], "now");
    let told = events(&fake, "RerunRequested");
    assert_eq!((told.len(), &told[0]["related"]["name"]), (1, &metadata["name"]));

    let job = format!("{JOBS}/{}", metadata["name"].as_str().unwrap());
    let pod = fake.start_job(&job);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&past(&fake)["trigger"], &past(&fake)["reason"]], ["Rerun", "Passed"]);
    assert_eq!(past(&fake)["podName"], name(&pod));
    // The value was acted on. The Job is not made again, not even once it is gone.
    fake.delete(&job);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(fake.list("Job"), [] as [Value; 0]);
    // Neither is it by an operator that was killed before it could record that.
    fake.edit(EXPERIMENT, |experiment| experiment["status"]["rerun"] = Value::Null);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((status(&fake)["rerun"].clone(), fake.list("Job")), (json!("now"), vec![]));
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_value_that_was_used_before_says_that_it_starts_nothing() {
    let (fake, mut operator) = begin(&spec());
    settle(&fake, &mut operator, None).await;
    for (value, jobs) in [("1", 1), ("2", 2), ("1", 2)] {
        rerun(&fake, value);
        settle(&fake, &mut operator, None).await;
        assert_eq!((status(&fake)["rerun"].as_str(), fake.list("Job").len()), (Some(value), jobs));
        for job in paths(&fake) {
            if job_goes_on(&fake, &job) {
                fake.start_job(&job);
                settle(&fake, &mut operator, Some(0)).await;
                finish(&fake, &job, "Complete", "CompletionsReached");
                settle(&fake, &mut operator, Some(0)).await;
            }
        }
    }
    let told = events(&fake, "RerunRequested");
    let warnings: Vec<&Value> = told.iter().filter(|event| event["type"] == "Warning").collect();
    assert_eq!((told.len(), warnings.len()), (3, 1), "{told:?}");
    assert!(warnings[0]["note"].as_str().unwrap().starts_with("no rerun starts: Job "), "{}", warnings[0]);
    end(&fake, &mut operator).await;
}

fn job_goes_on(fake: &FakeApi, job: &str) -> bool {
    fake.get(job).is_some_and(|job| job["status"]["conditions"].is_null())
}

#[tokio::test]
async fn a_value_from_the_start_asks_for_no_rerun_of_a_schedule() {
    let (fake, mut operator) = begin_in(cluster_for_runs(), &spec());
    rerun(&fake, "old");
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["rerun"].clone(), fake.list("Job")), (json!("old"), vec![]));
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rerun_of_a_schedule_says_why_it_waits() {
    let (fake, mut operator, first) = begin_job(&spec()).await;
    fake.start_job(&first);
    settle(&fake, &mut operator, None).await;
    let says = |fake: &FakeApi| status(fake)["message"].as_str().unwrap().to_owned();
    rerun(&fake, "now");
    settle(&fake, &mut operator, None).await;
    assert!(says(&fake).ends_with("starts once the run before it has ended"), "{}", says(&fake));
    let versions = fake.versions().len();
    operator.pass().await;
    assert_eq!(fake.versions().len(), versions, "it is said once");
    set(&fake, "suspend", json!(true));
    settle(&fake, &mut operator, Some(0)).await;
    finish(&fake, &first, "Complete", "CompletionsReached");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Suspended");
    assert!(says(&fake).ends_with("starts once the schedule is resumed"), "{}", says(&fake));
    set(&fake, "suspend", json!(false));
    fake.refuse(Some(("POST", "/jobs/", 403)));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Scheduled", "the schedule goes on");
    assert!(says(&fake).contains("the rerun that was asked for waits: cannot create Job"), "{}", says(&fake));
    fake.refuse(None);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(fake.list("Job").len(), 2);
    assert_eq!(
        (says(&fake).as_str(), &status(&fake)["rerun"]),
        ("runs start by the schedule", &json!("now"))
    );
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_job_made_by_hand_is_a_run_that_is_recorded() {
    let (fake, mut operator, job) = begin_job(&spec()).await;
    fake.edit(&job, |job| {
        job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] = json!("manual");
    });
    fake.start_job(&job);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["run"]["trigger"], "Manual");
    // Its Job goes with it, and what that said of the run is known.
    fake.delete(&job);
    settle(&fake, &mut operator, None).await;
    assert_eq!([&past(&fake)["trigger"], &past(&fake)["reason"]], ["Manual", "PodDeleted"]);
    end(&fake, &mut operator).await;
}
