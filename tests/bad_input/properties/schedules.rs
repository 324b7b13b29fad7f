//! A schedule as an author or a template may write it.

use chaostoolkit_api::ScheduleStatus;
use chaostoolkit_operator::experiment::stages::cron::{self, Schedule};
use chaostoolkit_operator::experiment::stages::times;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::now;

/// Checks three lines: a schedule, a time zone, and a number of seconds from now.
pub fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let (schedule, zone) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let shift = lines.next().and_then(|shift| shift.parse().ok()).unwrap_or_default();
    of(schedule, zone, shift);
}

/// Checks a schedule. Returns whether it is one.
pub fn of(schedule: &str, zone: &str, shift: i64) -> bool {
    let zone = Some(zone).filter(|zone| !zone.is_empty());
    let from = now().saturating_add(SignedDuration::from_secs(shift)).unwrap_or(Timestamp::MAX);
    let read = cron::parse(schedule);
    let mut last = from;
    for _ in 0..3 {
        let Some(next) = times::next(schedule, zone, last) else { break };
        assert!(read.is_some(), "only a schedule is due");
        assert!(next > last, "time goes on: {next} after {last}");
        if let Some(Schedule::Fields(_)) = read {
            let years = next.duration_since(last).as_secs() / (365 * 24 * 3600);
            assert!(years <= 6, "{next} is {years} years after {last}");
        }
        last = next;
    }
    let status = ScheduleStatus {
        cron: schedule.to_owned(),
        time_zone: zone.map(str::to_owned),
        last_schedule_time: Some(Time(now())),
        ..ScheduleStatus::default()
    };
    assert!(times::missed(&status, Some(from)) <= 1000 && times::due(&status, from, now()) <= 1000);
    for last in [None, Some(from.to_string())] {
        let cron_job = json!({"metadata": {"creationTimestamp": now().to_string()},
            "spec": {"schedule": schedule, "timeZone": zone, "startingDeadlineSeconds": shift, "jobTemplate": {}},
            "status": {"lastScheduleTime": last}});
        let Ok(cron_job) = serde_json::from_value::<CronJob>(cron_job) else { continue };
        if let Some(next) = times::next_of(&cron_job, now()) {
            assert!(next > now(), "the next run of a CronJob is yet to come: {next}");
        }
    }
    read.is_some()
}
