//! The times of a schedule that no run was started for: pure.
//!
//! A time is missed when a run can no longer start for it: its starting deadline is over, or a later run has started.

use std::time::Duration;

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::experiment::stages::times;
use chaostoolkit_api::ScheduleStatus;

/// For how many seconds after its deadline a run may still appear. The `CronJob` gets the time of a run after its Job.
const SLACK: i64 = 5;

/// Counts the missed times of a schedule since the last count, and records on the schedule how far it has counted.
///
/// `recorded` is the schedule as of the last pass, and `resumed` when runs could start again. The count is negative if a run
/// was started after all for a time that was counted: its deadline was extended.
pub fn count(
    schedule: &mut ScheduleStatus,
    recorded: Option<&ScheduleStatus>,
    resumed: Option<Timestamp>,
    cron_job: &CronJob,
    now: Timestamp,
) -> i32 {
    let recorded = recorded.cloned().unwrap_or_default();
    schedule.missed_until.clone_from(&recorded.missed_until);
    let Some(resumed) = resumed else { return 0 };
    let last = recorded.last_schedule_time.as_ref().map(|last| last.0);
    let counted = recorded.missed_until.as_ref().map(|until| until.0);
    let since = resumed.max(last.unwrap_or(resumed)).max(counted.unwrap_or(resumed));
    let started = schedule.last_schedule_time.as_ref().map(|last| last.0);
    let passed_over = last.map_or(0, |_| times::missed(schedule, Some(since)));
    let after_all =
        last.is_some() && started > last && counted.is_some_and(|counted| started <= Some(counted));
    // A schedule without a run missed nothing before its CronJob existed.
    let created = cron_job.metadata.creation_timestamp.as_ref().map(|time| time.0).filter(|_| last.is_none());
    let since = since.max(started.unwrap_or(since)).max(created.unwrap_or(since));
    let cutoff = deadline(cron_job).and_then(|deadline| now.saturating_sub(deadline).ok());
    let overdue = cutoff.map_or(0, |cutoff| times::due(schedule, since, cutoff));
    if overdue > 0 {
        schedule.missed_until = cutoff.map(Time);
    }
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    number(passed_over).saturating_add(number(overdue)) - i32::from(after_all)
}

/// After how long the earliest time is missed for which no run has started yet.
#[must_use]
pub fn until_missed(
    schedule: &ScheduleStatus,
    resumed: Option<Timestamp>,
    cron_job: &CronJob,
    now: Timestamp,
) -> Option<Duration> {
    let deadline = deadline(cron_job)?;
    let cutoff = now.saturating_sub(deadline).ok()?;
    let started = schedule.last_schedule_time.as_ref().map(|last| last.0);
    let since = cutoff.max(started.unwrap_or(cutoff)).max(resumed.unwrap_or(cutoff));
    let due = times::next(&schedule.cron, schedule.time_zone.as_deref(), since)?;
    let missed = due.saturating_add(deadline).ok()?;
    let seconds = missed.as_second().saturating_sub(now.as_second()).max(1);
    Some(Duration::from_secs(seconds.unsigned_abs() + 1))
}

/// For how long a run may start after it is due. A `CronJob` without such a limit misses nothing until a later run starts.
fn deadline(cron_job: &CronJob) -> Option<SignedDuration> {
    let seconds = cron_job.spec.as_ref()?.starting_deadline_seconds?;
    Some(SignedDuration::from_secs(seconds.saturating_add(SLACK)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().unwrap()
    }

    fn cron_job(deadline: Option<i64>) -> CronJob {
        serde_json::from_value(json!({
            "metadata": {"creationTimestamp": "2026-01-01T00:00:30Z"},
            "spec": {"schedule": "*/5 * * * *", "startingDeadlineSeconds": deadline, "jobTemplate": {}},
        }))
        .unwrap()
    }

    fn schedule(last: Option<&str>, counted: Option<&str>) -> ScheduleStatus {
        ScheduleStatus {
            cron: "*/5 * * * *".to_owned(),
            last_schedule_time: last.map(|last| Time(at(last))),
            missed_until: counted.map(|counted| Time(at(counted))),
            ..ScheduleStatus::default()
        }
    }

    /// The last recorded run, how far was counted, the last run now, the time, and what follows: the count and how far it
    /// reaches.
    #[rstest]
    #[case::in_time(None, None, None, "00:08:00", 0, None)]
    #[case::never_started(None, None, None, "00:08:25", 1, Some("00:05:00"))]
    #[case::two(None, None, None, "00:13:30", 2, Some("00:10:05"))]
    #[case::counted_before(None, Some("00:05:00"), None, "00:13:24", 0, Some("00:05:00"))]
    #[case::one_more(None, Some("00:05:00"), None, "00:13:25", 1, Some("00:10:00"))]
    #[case::started(Some("00:05:00"), None, Some("00:05:00"), "00:13:00", 0, None)]
    #[case::missed_after_a_run(Some("00:05:00"), None, Some("00:05:00"), "00:13:25", 1, Some("00:10:00"))]
    #[case::a_later_run_shows_it(Some("00:05:00"), None, Some("00:15:00"), "00:15:01", 1, None)]
    #[case::shown_and_counted_once(
        Some("00:05:00"),
        Some("00:10:00"),
        Some("00:15:00"),
        "00:15:01",
        0,
        Some("00:10:00")
    )]
    #[case::started_after_all(Some("00:05:00"), Some("00:10:00"), Some("00:10:00"), "00:13:30", -1, Some("00:10:00"))]
    fn a_time_is_missed_when_its_deadline_is_over(
        #[case] last: Option<&str>,
        #[case] counted: Option<&str>,
        #[case] last_now: Option<&str>,
        #[case] now: &str,
        #[case] expected: i32,
        #[case] until: Option<&str>,
    ) {
        let mut found = schedule(last_now, None);
        let recorded = schedule(last, counted);
        let resumed = Some(at("00:00:30"));
        assert_eq!(count(&mut found, Some(&recorded), resumed, &cron_job(Some(200)), at(now)), expected);
        assert_eq!(found.missed_until, until.map(|until| Time(at(until))));
        let mut again = ScheduleStatus { missed_until: None, ..found.clone() };
        assert_eq!(count(&mut again, Some(&found), resumed, &cron_job(Some(200)), at(now)), 0, "once");
        assert_eq!(again, found);
    }

    #[test]
    fn only_a_later_run_shows_what_a_schedule_without_a_deadline_has_missed() {
        let mut found = schedule(None, None);
        assert_eq!(count(&mut found, None, Some(at("00:00:30")), &cron_job(None), at("23:00:00")), 0);
        assert_eq!(until_missed(&found, None, &cron_job(None), at("23:00:00")), None);
    }

    #[rstest]
    #[case::resumed("01:00:00", "01:04:00", 0)]
    #[case::suspended_before(" ", "01:00:00", 0)]
    fn nothing_is_missed_while_runs_cannot_start(
        #[case] resumed: &str,
        #[case] now: &str,
        #[case] expected: i32,
    ) {
        let mut found = schedule(None, None);
        let resumed = (resumed != " ").then(|| at(resumed));
        assert_eq!(count(&mut found, None, resumed, &cron_job(Some(200)), at(now)), expected);
    }

    #[rstest]
    #[case::the_next_time(Some("00:05:00"), "00:06:00", 10 * 60 + 205 + 1 - 6 * 60)]
    #[case::the_time_that_is_due(Some("00:05:00"), "00:11:00", 10 * 60 + 205 + 1 - 11 * 60)]
    #[case::the_time_after_a_missed_one(Some("00:05:00"), "00:13:26", 15 * 60 + 205 + 1 - (13 * 60 + 26))]
    fn the_next_pass_comes_when_a_time_is_missed(
        #[case] last: Option<&str>,
        #[case] now: &str,
        #[case] expected: u64,
    ) {
        let found = until_missed(&schedule(last, None), None, &cron_job(Some(200)), at(now));
        assert_eq!(found, Some(Duration::from_secs(expected)));
    }
}
