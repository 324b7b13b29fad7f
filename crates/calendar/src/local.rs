//! When something begins and ends that local times name. See the rule at the root of this crate.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Returns when the clock of a zone first shows a time or a later one.
pub fn begin(zone: &TimeZone, time: DateTime) -> Timestamp {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => instant(offset, time),
        AmbiguousOffset::Gap { before, .. } => last_change(zone, instant(before, time)),
        AmbiguousOffset::Fold { before, .. } => instant(before, time),
    }
}

/// Returns when the clock of a zone last stops to show a time before this one.
pub fn end(zone: &TimeZone, time: DateTime) -> Timestamp {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => instant(offset, time),
        AmbiguousOffset::Gap { before, .. } => last_change(zone, instant(before, time)),
        AmbiguousOffset::Fold { before, after } => {
            let second = instant(after, time);
            // Where the repetition only begins, no time before this one is repeated.
            if last_change(zone, second) == second { instant(before, time) } else { second }
        }
    }
}

/// Returns what a local time of RFC 5545 means. A skipped time counts from the time before, and of a repeated one it is the
/// first.
pub fn compatible(zone: &TimeZone, time: DateTime) -> Timestamp {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => instant(offset, time),
        AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => instant(before, time),
    }
}

/// Returns the date a number of days after another one, or before it. At the ends of time it is the last one that there is.
pub fn days_later(date: Date, days: i64) -> Date {
    date.saturating_add(SignedDuration::from_hours(days.clamp(-MOST_DAYS, MOST_DAYS) * 24))
}

/// More days than there are.
const MOST_DAYS: i64 = 10_000_000;

/// Returns when a clock with this offset shows a time. At the ends of time it is the last one that there is.
fn instant(offset: Offset, time: DateTime) -> Timestamp {
    offset
        .to_timestamp(time)
        .unwrap_or_else(|_| if time.year() < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// Returns when the clock last changed, up to and including a time.
fn last_change(zone: &TimeZone, time: Timestamp) -> Timestamp {
    let after = time.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX);
    zone.preceding(after).next().map_or(time, |change| change.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    // 02:00 to 03:00 is skipped, and later repeated.
    #[case::before_the_gap(
        "Europe/Berlin",
        "2026-03-29T01:59",
        "2026-03-29T00:59:00Z",
        "2026-03-29T00:59:00Z"
    )]
    #[case::gap_begins("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z")]
    #[case::in_the_gap("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z")]
    #[case::gap_ends("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z")]
    #[case::fold_begins("Europe/Berlin", "2026-10-25T02:00", "2026-10-25T00:00:00Z", "2026-10-25T00:00:00Z")]
    #[case::in_the_fold("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]
    #[case::fold_ends("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z")]
    // Half an hour.
    #[case::half_gap(
        "Australia/Lord_Howe",
        "2026-10-04T02:10",
        "2026-10-03T15:30:00Z",
        "2026-10-03T15:30:00Z"
    )]
    #[case::half_fold(
        "Australia/Lord_Howe",
        "2026-04-05T01:40",
        "2026-04-04T14:40:00Z",
        "2026-04-04T15:10:00Z"
    )]
    // The day begins at 01:00, and on another day midnight is shown twice.
    #[case::no_midnight("Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00:00Z", "2026-04-23T22:00:00Z")]
    #[case::midnight_once("Africa/Cairo", "2026-10-30T00:00", "2026-10-29T22:00:00Z", "2026-10-29T22:00:00Z")]
    #[case::midnight_twice(
        "America/Havana",
        "2026-11-01T00:00",
        "2026-11-01T04:00:00Z",
        "2026-11-01T04:00:00Z"
    )]
    #[case::after_it("America/Havana", "2026-11-01T00:30", "2026-11-01T04:30:00Z", "2026-11-01T05:30:00Z")]
    // The clock went back at 00:01, to the day before.
    #[case::two_days("America/St_Johns", "2010-11-07T00:00", "2010-11-07T02:30:00Z", "2010-11-07T03:30:00Z")]
    // A day that did not exist.
    #[case::no_day("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z")]
    fn a_time_has_a_first_and_a_last_instant(
        #[case] zone: &str,
        #[case] time: &str,
        #[case] first: &str,
        #[case] last: &str,
    ) {
        let (zone, time) = (TimeZone::get(zone).unwrap(), time.parse().unwrap());
        assert_eq!(
            (begin(&zone, time).to_string(), end(&zone, time).to_string()),
            (first.into(), last.into())
        );
    }

    #[test]
    fn the_ends_of_time_are_the_last_instants() {
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(end(&zone, DateTime::MAX), Timestamp::MAX);
        assert_eq!(begin(&TimeZone::get("Asia/Tokyo").unwrap(), DateTime::MIN), Timestamp::MIN);
    }
}
