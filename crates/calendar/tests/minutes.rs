//! Random calendars, and a second implementation that goes through them minute by minute.
//!
//! The second implementation shares nothing with the first one. It converts times with chrono and its copy of the zones, asks
//! for each minute what the clock shows, and for each day whether a rule takes it. `CALENDAR_CASES` is the number of calendars.
//!
//! The days of rules are also compared with those of calcard, which finds them period by period.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

mod minutes {
    pub mod case;
    pub mod generate;
    pub mod second;
    pub mod text;
}

use chaostoolkit_calendar::{Calendar, Definition, ExclusionText, State, Why, WindowText};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use minutes::case::Case;
use minutes::generate::{case, recurring};
use minutes::second::{Minutes, Reason};

/// Returns the calendar of a case. A `COUNT` of days that never come is refused, so such a case is left out.
fn calendar(case: &Case) -> Result<Calendar, TestCaseError> {
    let holidays = case.holidays();
    let texts = case.texts();
    let windows = texts.windows.iter().map(|(days, from, to)| WindowText {
        days: days.iter().map(String::as_str).collect(),
        from,
        to,
    });
    let exclude = texts.exclusions.iter().map(|(from, to, reason)| ExclusionText { from, to, reason });
    let definition = Definition {
        time_zone: Some(case.zone.name()),
        windows: windows.collect(),
        exclude: exclude.collect(),
        holidays: vec![holidays.as_bytes()],
    };
    Calendar::new(&definition).map_err(|mistakes| match &mistakes[..] {
        [mistake] if mistake.problem.ends_with("COUNT: write UNTIL instead") => {
            TestCaseError::reject("days never come")
        }
        _ => TestCaseError::fail(format!("{mistakes:?}\n{holidays}")),
    })
}

fn time(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

/// Returns the minutes of the spans in which a calendar is open.
fn open(calendar: &Calendar, from: i64, to: i64) -> Vec<bool> {
    let mut open = vec![false; usize::try_from(to - from).unwrap()];
    for span in calendar.open_between(time(from), time(to)) {
        let index = |time: Timestamp| {
            assert_eq!(time.as_second() % 60, 0, "clocks change at whole minutes");
            usize::try_from(time.as_second() / 60 - from).unwrap()
        };
        open[index(span.from)..index(span.to)].fill(true);
    }
    open
}

/// Compares what a calendar says of a minute with what the second implementation says.
fn check_state(calendar: &Calendar, expected: &Minutes, minute: i64) -> Result<(), TestCaseError> {
    let change = expected.change_after(minute).map(time);
    let is_known = |until: Option<Timestamp>| match change {
        Some(_) => until == change,
        // It is beyond what the second implementation has looked at.
        None => until.is_none_or(|until| until >= time(expected.end())),
    };
    match (calendar.at(time(minute)), expected.reason(minute)) {
        (State::Open { until }, Reason::Open) => prop_assert!(is_known(until), "{until:?} {change:?}"),
        (State::Closed { until, why }, reason) => {
            prop_assert!(is_known(until), "{until:?} {change:?}");
            match (why, reason) {
                (Why::OutsideWindows, Reason::Outside) => {}
                (Why::Excluded { reason }, Reason::Excluded(expected)) => prop_assert_eq!(reason, expected),
                (Why::Holiday { summary }, Reason::Holidays(expected)) => {
                    prop_assert!(expected.contains(&summary), "{summary} {expected:?}");
                }
                (why, reason) => return Err(TestCaseError::fail(format!("{why:?} {reason:?}"))),
            }
        }
        (state, reason) => return Err(TestCaseError::fail(format!("{state:?} {reason:?}"))),
    }
    Ok(())
}

/// Returns the days on which the only event of a calendar begins in the first years, as calcard finds them.
fn days_by_calcard(case: &Case, end: Timestamp) -> Vec<i64> {
    let file = calcard::icalendar::ICalendar::parse(case.holidays()).unwrap();
    let expanded = file.expand_dates(chrono_tz::UTC, 3_000);
    assert_eq!(expanded.errors, []);
    let begins = expanded.events.into_iter().map(|event| event.timestamps().0);
    begins.filter(|begin| *begin < end.as_second()).collect()
}

fn cases() -> u32 {
    std::env::var("CALENDAR_CASES").map_or(10, |cases| cases.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_implementations_agree(case in case()) {
        let calendar = calendar(&case)?;
        let expected = Minutes::of(&case);
        let found = open(&calendar, expected.begin(), expected.end());
        if let Some(minute) = expected.first_difference(&found) {
            let shown = expected.shown(minute);
            let open = expected.reason(minute);
            prop_assert!(false, "{shown} is {open:?} by the second implementation\n{}", case.holidays());
        }
        for minute in expected.changes() {
            check_state(&calendar, &expected, minute)?;
            check_state(&calendar, &expected, (minute - 1).max(expected.begin()))?;
        }
    }

    #[test]
    fn rules_take_the_days_that_calcard_finds(case in recurring()) {
        let calendar = calendar(&case)?;
        let begin = case.center.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
        let (mut from, mut found) = (Timestamp::from_second(begin).unwrap(), Vec::new());
        for _ in 0..5 {
            let to = from + SignedDuration::from_hours(400 * 24);
            let mut closed = from;
            for span in calendar.open_between(from, to) {
                found.extend((closed.as_second()..span.from.as_second()).step_by(86_400));
                closed = span.to;
            }
            found.extend((closed.as_second()..to.as_second()).step_by(86_400));
            from = to;
        }
        let expected = days_by_calcard(&case, from);
        let day = |days: &[i64], place: usize| days.get(place).map(|day| Timestamp::from_second(*day).unwrap());
        let difference = (0..found.len().max(expected.len())).find(|place| found.get(*place) != expected.get(*place));
        if let Some(place) = difference {
            let (found, expected) = (day(&found, place), day(&expected, place));
            prop_assert!(false, "found {found:?}, and calcard finds {expected:?}\n{}", case.holidays());
        }
    }
}
