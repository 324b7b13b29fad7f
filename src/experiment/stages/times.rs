//! The times of a schedule: when it is due, and what it has missed.

use std::time::Duration;

use jiff::tz::TimeZone;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::jiff::Timestamp;

use crate::experiment::stages::cron::{self, Schedule};
use chaostoolkit_api::{ScheduleStatus, Status};

/// When to check a schedule again if no pod brings the next pass: shortly after the next run is due.
#[must_use]
pub fn until_next(status: &Status, now: Timestamp) -> Duration {
    let due = status.schedule.as_ref().and_then(|schedule| schedule.next_schedule_time.as_ref());
    let seconds = due.map_or(LONGEST_LOOK_AWAY, |due| due.0.as_second() - now.as_second() + 2);
    Duration::from_secs(u64::try_from(seconds.clamp(1, LONGEST_LOOK_AWAY)).unwrap_or(1))
}

/// After how many seconds a schedule is checked in any case.
const LONGEST_LOOK_AWAY: i64 = 600;

/// How many missed times are counted. By then, the first events about them are long published.
const MAX_MISSED: usize = 1000;

/// Counts the times that were due after the last counted one and before the last run.
#[must_use]
pub fn missed(schedule: &ScheduleStatus, since: Option<Timestamp>) -> usize {
    let (Some(since), Some(last)) = (since, &schedule.last_schedule_time) else { return 0 };
    due_until(schedule, since, |time| time < last.0)
}

/// Counts the times that were due after the first of these times, and at the latest at the second.
#[must_use]
pub fn due(schedule: &ScheduleStatus, since: Timestamp, until: Timestamp) -> usize {
    due_until(schedule, since, |time| time <= until)
}

fn due_until(schedule: &ScheduleStatus, since: Timestamp, is_within: impl Fn(Timestamp) -> bool) -> usize {
    let due = |from: &Timestamp| {
        next(&schedule.cron, schedule.time_zone.as_deref(), *from).filter(|time| is_within(*time))
    };
    std::iter::successors(due(&since), due).take(MAX_MISSED).count()
}

/// When a `CronJob` starts its next run: after now, unless our clock is behind the clock by which runs are started.
///
/// `@every` counts from the last run, or from the creation of the `CronJob`. Kubernetes never starts such a run if the
/// interval is longer than `startingDeadlineSeconds`: it then counts from that long ago, and the time is always yet to come.
#[must_use]
pub fn next_of(cron_job: &CronJob, now: Timestamp) -> Option<Timestamp> {
    let spec = cron_job.spec.as_ref()?;
    let last = cron_job.status.as_ref().and_then(|status| status.last_schedule_time.as_ref());
    let after = last.map_or(now, |last| last.0.max(now));
    let Some(Schedule::Every(interval)) = cron::parse(&spec.schedule) else {
        return next(&spec.schedule, spec.time_zone.as_deref(), after);
    };
    if spec.starting_deadline_seconds.is_some_and(|deadline| deadline < interval.as_secs()) {
        return None;
    }
    let begun = last.or(cron_job.metadata.creation_timestamp.as_ref()).map_or(after, |begun| begun.0);
    let passed = (after.as_second() - begun.as_second()).max(0) / interval.as_secs();
    let until_due = interval.as_secs().checked_mul(passed + 1)?;
    Timestamp::from_second(begun.as_second().checked_add(until_due)?).ok()
}

/// When a schedule is due after a time, as Kubernetes reads it. Returns `None` if it would refuse the schedule, or if
/// the schedule is never due.
#[must_use]
pub fn next(schedule: &str, time_zone: Option<&str>, after: Timestamp) -> Option<Timestamp> {
    let zone = time_zone.map_or(Ok(TimeZone::UTC), TimeZone::get).ok()?;
    match cron::parse(schedule)? {
        Schedule::Fields(fields) => fields.next(after, &zone),
        Schedule::Every(interval) => after.checked_add(interval).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use rstest::rstest;

    #[rstest]
    #[case::the_very_next("2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", 0)]
    #[case::one_left_out("2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z", 1)]
    #[case::resumed_in_between("2026-01-01T00:03:00Z", "2026-01-01T00:05:00Z", 0)]
    #[case::nothing_new("2026-01-01T00:05:00Z", "2026-01-01T00:05:00Z", 0)]
    #[case::the_clock_went_back("2026-01-01T01:00:00Z", "2026-01-01T00:05:00Z", 0)]
    #[case::a_year("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", MAX_MISSED)]
    fn what_was_left_out_is_counted(#[case] since: &str, #[case] last: &str, #[case] expected: usize) {
        let schedule = ScheduleStatus {
            cron: "*/5 * * * *".to_owned(),
            last_schedule_time: Some(Time(last.parse().unwrap())),
            ..ScheduleStatus::default()
        };
        assert_eq!(missed(&schedule, Some(since.parse().unwrap())), expected);
        assert_eq!(missed(&schedule, None), 0, "nothing is known of the time before the first run");
    }

    fn cron_job(schedule: &str, deadline: Option<i64>, last: Option<&str>) -> CronJob {
        let last: Option<Timestamp> = last.map(|time| time.parse().unwrap());
        serde_json::from_value(serde_json::json!({
            "metadata": {"creationTimestamp": "2026-01-01T00:00:30Z"},
            "spec": {"schedule": schedule, "startingDeadlineSeconds": deadline, "jobTemplate": {}},
            "status": {"lastScheduleTime": last.map(|time| time.to_string())},
        }))
        .unwrap()
    }

    #[rstest]
    #[case::the_clock_is_right("2026-01-01T00:07:00Z", "2026-01-01T00:10:00Z")]
    #[case::the_clock_is_behind("2025-12-31T23:57:00Z", "2026-01-01T00:10:00Z")]
    fn what_was_due_already_is_not_due_next(#[case] now: &str, #[case] expected: &str) {
        let cron_job = cron_job("*/5 * * * *", Some(200), Some("2026-01-01T00:05:00Z"));
        assert_eq!(next_of(&cron_job, now.parse().unwrap()), Some(expected.parse().unwrap()));
    }

    #[rstest]
    #[case::since_the_creation("@every 3m", None, "2026-01-01T00:01:00Z", Some("2026-01-01T00:03:30Z"))]
    #[case::some_were_missed("@every 3m", None, "2026-01-01T00:10:00Z", Some("2026-01-01T00:12:30Z"))]
    #[case::since_the_last_run(
        "@every 3m",
        Some("2026-01-01T00:10:00Z"),
        "2026-01-01T00:14:00Z",
        Some("2026-01-01T00:16:00Z")
    )]
    #[case::just_due(
        "@every 3m",
        Some("2026-01-01T00:10:00Z"),
        "2026-01-01T00:13:00Z",
        Some("2026-01-01T00:16:00Z")
    )]
    #[case::our_clock_is_behind(
        "@every 3m",
        Some("2026-01-01T00:10:00Z"),
        "2026-01-01T00:00:00Z",
        Some("2026-01-01T00:13:00Z")
    )]
    #[case::within_the_deadline("@every 200s", None, "2026-01-01T00:01:00Z", Some("2026-01-01T00:03:50Z"))]
    #[case::never("@every 201s", None, "2026-01-01T00:01:00Z", None)]
    fn an_interval_counts_from_the_last_run(
        #[case] schedule: &str,
        #[case] last: Option<&str>,
        #[case] now: &str,
        #[case] expected: Option<&str>,
    ) {
        let found = next_of(&cron_job(schedule, Some(200), last), now.parse().unwrap());
        assert_eq!(found, expected.map(|time| time.parse().unwrap()));
    }

    #[rstest]
    #[case("*/5 * * * *", None, Some("2026-03-29T00:05:00Z"))]
    #[case("0 12 * * *", Some("Europe/Paris"), Some("2026-03-29T10:00:00Z"))] // the clocks have gone forward
    #[case("30 2 1 * *", Some("Nowhere/Land"), None)]
    #[case("hello", None, None)]
    #[case("0 0 0 * * *", None, None)] // six fields: not what a CronJob takes
    fn the_next_time_is_that_of_the_zone(
        #[case] cron: &str,
        #[case] zone: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let now: Timestamp = "2026-03-29T00:00:00Z".parse().unwrap();
        assert_eq!(next(cron, zone, now), expected.map(|time| time.parse().unwrap()));
    }
}
