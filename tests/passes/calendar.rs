//! Calendars, delays by chance, and schedules that their last runs stop.

use chaostoolkit_operator::experiment::jitter::jitter;
use chaostoolkit_operator::process::clock;
use k8s_openapi::jiff::{SignedDuration, Timestamp, Unit};

use super::control::{condition, found, rerun, set};
use super::jobs::{end, events, past};
use super::release::{begin_schedule, due_ago, is_held};
use super::schedule::CRON_JOB;
use super::*;

/// Returns the day that is so many days from today, in UTC.
fn day(days: i64) -> String {
    let today = clock::now().round(Unit::Second).unwrap();
    (today + SignedDuration::from_hours(24 * days)).to_string()[..10].to_owned()
}

/// A calendar that is closed for some days.
fn closed() -> Value {
    json!({"exclude": [{"from": day(-1), "to": day(1), "reason": "sale"}]})
}

fn holidays(file: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "chaostoolkit-crd", "name": "public"},
        "data": {"all.ics": file}})
}

/// A file with one event of a day.
fn file(day: &str) -> String {
    let day = day.replace('-', "");
    format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Feast\r\nDTSTART;VALUE=DATE:{day}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[tokio::test]
async fn a_run_waits_for_the_next_opening_of_its_calendar() {
    let (fake, mut operator) = begin(&json!({"calendar": closed()}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/CalendarClosed");
    assert_eq!(condition(&fake, "Startable"), "False/CalendarClosed");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("until {}T00:00:00Z (excluded: sale)", day(2))), "{message}");
    assert_eq!(status(&fake)["hold"]["until"], format!("{}T00:00:00Z", day(2)));
    assert_eq!(pods_created(&fake), 0);
    assert!(operator.again, "the opening brings the next pass");
    set(&fake, "calendar", json!({"windows": [{"from": "00:00", "to": "24:00"}]}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn a_calendar_says_nothing_about_a_run_that_goes_on() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    set(&fake, "calendar", closed());
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Running");
    assert_eq!(events(&fake, "SpecChangeIgnored").len(), 0, "it counts at the next start");
}

#[tokio::test]
async fn a_file_with_holidays_is_waited_for_and_one_that_cannot_be_read_is_no_open_day() {
    let calendar = json!({"holidays": [{"configMapName": "public", "key": "all.ics"}]});
    let (fake, mut operator) = begin(&json!({"calendar": calendar}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/ConfigMapMissing");
    assert!(status(&fake)["message"].as_str().unwrap().contains("named by spec.calendar.holidays[0]"));
    fake.put(holidays("BEGIN:VCALENDAR\r\nnonsense"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/CalendarInvalid");
    assert!(
        status(&fake)["message"]
            .as_str()
            .unwrap()
            .contains("the key all.ics of the ConfigMap public: line 2")
    );
    fake.put(holidays(&file(&day(0))));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/CalendarClosed");
    assert!(status(&fake)["message"].as_str().unwrap().contains("(a holiday: Feast)"));
    fake.put(holidays(&file(&day(40))));
    operator.pass().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn a_run_of_a_schedule_that_is_due_while_the_calendar_is_closed_is_skipped_at_once() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    set(&fake, "calendar", closed());
    settle(&fake, &mut operator, Some(0)).await;
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, Some(0)).await;
    let skipped = past(&fake);
    assert_eq!([&skipped["phase"], &skipped["reason"]], ["Skipped", "CalendarClosed"]);
    assert_eq!((fake.get(&job), status(&fake)["counters"]["skipped"].clone()), (None, json!(1)));
    assert_eq!(condition(&fake, "Startable"), "False/CalendarClosed");
    assert_eq!(status(&fake)["phase"], "Scheduled");
    set(&fake, "calendar", Value::Null);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(runner_pods(&fake).len(), 0, "it does not start later");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_skips_a_run_and_refuses_nobody_anything() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    set(&fake, "calendar", json!({"holidays": [{"configMapName": "public", "key": "all.ics"}]}));
    settle(&fake, &mut operator, Some(0)).await;
    fake.due(CRON_JOB);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(past(&fake)["reason"], "ConfigMapMissing");
    assert!(condition(&fake, "Permitted").starts_with("True/"));
    end(&fake, &mut operator).await;
}

/// Returns for how many seconds a run has been due whose delay has not passed, though it would be late without.
fn delayed_since(seconds: u32) -> i64 {
    let now = clock::now();
    let starts = |ago: &i64| {
        let due = Timestamp::from_second(now.as_second() - ago).unwrap();
        let delay = i64::try_from(jitter(UID, due, seconds).as_secs()).unwrap();
        (300..3000).contains(&(delay - ago))
    };
    (300..900).find(starts).unwrap()
}

#[tokio::test]
async fn a_run_of_a_schedule_is_delayed_by_chance_and_may_start_late_from_then_on() {
    let (fake, mut operator) = begin_schedule(&json!({"jitterSeconds": 3600})).await;
    let job = due_ago(&fake, delayed_since(3600));
    operator.pass().await;
    operator.pass().await;
    assert!(is_held(&fake, &job), "neither late nor due");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.contains("starts at ") && message.contains("schedule.jitterSeconds"), "{message}");
    assert_eq!(
        (condition(&fake, "Startable"), status(&fake)["hold"].clone()),
        ("none".to_owned(), Value::Null)
    );
    // Without a delay it is late.
    fake.edit(EXPERIMENT, |experiment| experiment["spec"]["schedule"]["jitterSeconds"] = json!(0));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((fake.get(&job), &past(&fake)["phase"]), (None, &json!("Skipped")));
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rerun_is_not_delayed() {
    let (fake, mut operator) = begin_schedule(&json!({"jitterSeconds": 86_400})).await;
    rerun(&fake, "now");
    settle(&fake, &mut operator, Some(0)).await;
    jobs::start_all(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&past(&fake)["trigger"], &past(&fake)["reason"]], ["Rerun", "Passed"]);
    end(&fake, &mut operator).await;
}

/// The controller of Jobs records the end of those that have started.
fn finish_all(fake: &FakeApi, condition: &str) {
    for job in fake.list("Job").iter().filter(|job| job["spec"]["suspend"] != true) {
        let name = job["metadata"]["name"].as_str().unwrap();
        jobs::finish(fake, &format!("{}/{name}", jobs::JOBS), condition, "ItsOwnWord");
    }
}

/// Creates the pod of the Job of a rerun.
fn start_rerun(fake: &FakeApi, value: &str) {
    let is_it = |job: &&Value| job["metadata"]["annotations"]["chaostoolkit.org/rerun"] == value;
    let job = fake.list("Job").iter().find(is_it).unwrap()["metadata"]["name"].clone();
    fake.start_job(&format!("{}/{}", jobs::JOBS, job.as_str().unwrap()));
}

#[tokio::test]
async fn runs_that_failed_stop_a_schedule_until_a_rerun_goes_well() {
    let (fake, mut operator) = begin_schedule(&json!({"stopAfter": {"failed": 2}})).await;
    for (number, phase) in [(1, "Scheduled"), (2, "Suspended")] {
        schedule::tick(&fake, &mut operator).await;
        settle(&fake, &mut operator, Some(1)).await;
        finish_all(&fake, "Failed");
        settle(&fake, &mut operator, Some(1)).await;
        assert_eq!(status(&fake)["counters"]["failed"], number);
        assert_eq!(status(&fake)["phase"], phase, "after {number}");
    }
    assert_eq!(status(&fake)["reason"], "StoppedAfter");
    assert_eq!(condition(&fake, "Suspended"), "True/StoppedAfter");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the last 2 runs failed (schedule.stopAfter.failed)"), "{message}");
    assert_eq!(fake.get(CRON_JOB).unwrap()["spec"]["suspend"], true);
    for (value, code, phase) in [("once", 1, "Suspended"), ("again", 0, "Scheduled")] {
        rerun(&fake, value);
        settle(&fake, &mut operator, Some(code)).await;
        start_rerun(&fake, value);
        settle(&fake, &mut operator, Some(code)).await;
        finish_all(&fake, if code == 0 { "Complete" } else { "Failed" });
        settle(&fake, &mut operator, Some(code)).await;
        assert_eq!(
            (&past(&fake)["trigger"], &status(&fake)["phase"]),
            (&json!("Rerun"), &json!(phase)),
            "{}",
            status(&fake)["message"]
        );
    }
    assert_ne!(fake.get(CRON_JOB).unwrap()["spec"]["suspend"], true);
    assert_eq!((events(&fake, "StoppedAfter").len(), events(&fake, "Resumed").len()), (1, 1));
    end(&fake, &mut operator).await;
}
