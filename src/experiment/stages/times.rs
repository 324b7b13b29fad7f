//! The times of a schedule: when it is due, and what it has missed.

use std::time::Duration;

use croner::parser::{CronParser, Seconds};
use jiff::tz::TimeZone;
use k8s_openapi::api::batch::v1::CronJobStatus;
use k8s_openapi::jiff::Timestamp;

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

/// The time after which the next run is due: now, unless our clock is behind the clock by which runs are started.
#[must_use]
pub fn after(status: &CronJobStatus, now: Timestamp) -> Timestamp {
    status.last_schedule_time.as_ref().map_or(now, |last| last.0.max(now))
}

/// When the next run is due. The API server decides whether a schedule is valid. One that cannot be read here has no
/// next time here.
#[must_use]
pub fn next(cron: &str, time_zone: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let zone = time_zone.map_or(Ok(TimeZone::UTC), TimeZone::get).ok()?;
    // A CronJob has five fields. A sixth would be seconds.
    let cron = CronParser::builder().seconds(Seconds::Disallowed).build().parse(cron).ok()?;
    Some(cron.find_next_occurrence(&now.to_zoned(zone), false).ok()?.timestamp())
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

    #[rstest]
    #[case::the_clock_is_right("2026-01-01T00:07:00Z", "2026-01-01T00:10:00Z")]
    #[case::the_clock_is_behind("2025-12-31T23:57:00Z", "2026-01-01T00:10:00Z")]
    fn what_was_due_already_is_not_due_next(#[case] now: &str, #[case] expected: &str) {
        let last = Time("2026-01-01T00:05:00Z".parse().unwrap());
        let status = CronJobStatus { last_schedule_time: Some(last), ..CronJobStatus::default() };
        let after = after(&status, now.parse().unwrap());
        assert_eq!(next("*/5 * * * *", None, after), Some(expected.parse().unwrap()));
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
