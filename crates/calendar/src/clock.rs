//! Texts that name times of the clock and days of the week.

use jiff::civil::{Date, DateTime, Time, Weekday};

use crate::error::quoted;
use crate::local::days_later;

/// The days of the week, from Monday on.
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// Days of the week, one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// All days.
    pub const ALL: Self = Self(0b111_1111);

    /// Adds a day.
    pub fn add(&mut self, day: Weekday) {
        self.0 |= Self::bit(day);
    }

    /// Returns whether a day is one of these.
    pub fn holds(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }
}

/// Reads a day of the week.
pub fn weekday(text: &str) -> Result<Weekday, String> {
    let known = WEEKDAYS.iter().find(|(word, _)| *word == text);
    known.map(|(_, day)| *day).ok_or_else(|| {
        let words = WEEKDAYS.map(|(word, _)| word).join(", ");
        format!("{} is no day: write one of {words}", quoted(text))
    })
}

/// A time of the clock, or the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock {
    /// 24 is the end of the day.
    hour: i8,
    minute: i8,
}

impl Clock {
    /// The end of the day.
    pub const MIDNIGHT: Self = Self { hour: 24, minute: 0 };

    /// Returns the local time of this clock on a day.
    pub fn on(self, date: Date) -> DateTime {
        let time = Time::new(self.hour, self.minute, 0, 0);
        time.map_or_else(|_| days_later(date, 1).at(0, 0, 0, 0), |time| date.to_datetime(time))
    }
}

/// Reads the time at which something begins.
pub fn beginning(text: &str) -> Result<Clock, String> {
    match clock(text)? {
        Clock::MIDNIGHT => Err("24:00 is the end of a day: write 00:00, and the next day".to_owned()),
        clock => Ok(clock),
    }
}

/// Reads a time of the clock, or 24:00.
pub fn clock(text: &str) -> Result<Clock, String> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let clock = Clock { hour: two_digits(hour)?, minute: two_digits(minute)? };
        (clock <= Clock::MIDNIGHT && clock.minute < 60).then_some(clock)
    };
    read().ok_or_else(|| format!("{} is no time: write it as HH:MM", quoted(text)))
}

/// A day, or a time of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A whole day.
    Day(Date),
    /// A time.
    Time(DateTime),
}

/// Reads a day, or a local time.
pub fn moment(text: &str) -> Result<Moment, String> {
    let wrong = || {
        if text.ends_with(['Z', 'z']) || text.get(16..).is_some_and(|rest| rest.contains(['+', '-'])) {
            return format!(
                "{} has an offset: write the local time, and name the zone in timeZone",
                quoted(text)
            );
        }
        format!("{} is neither a day such as 2026-12-24 nor a time such as 2026-12-24T18:00", quoted(text))
    };
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let date = day(date).ok_or_else(wrong)?;
    let Some(time) = time else { return Ok(Moment::Day(date)) };
    let (time, second) = match time.len() {
        8 => (&time[..5], time[5..].strip_prefix(':').and_then(two_digits).filter(|second| *second < 60)),
        _ => (time, Some(0)),
    };
    let second = second.ok_or_else(wrong)?;
    let clock = clock(time).ok().filter(|clock| *clock < Clock::MIDNIGHT).ok_or_else(wrong)?;
    Ok(Moment::Time(date.at(clock.hour, clock.minute, second, 0)))
}

/// Reads a date such as 2026-12-24.
fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    let year = is_year.then(|| year.parse().ok())??;
    let date = Date::new(year, two_digits(month)?, two_digits(day)?).ok()?;
    parts.next().is_none().then_some(date)
}

/// Reads exactly two digits.
fn two_digits(text: &str) -> Option<i8> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("00:00", "2026-05-31T00:00:00")]
    #[case("09:05", "2026-05-31T09:05:00")]
    #[case("23:59", "2026-05-31T23:59:00")]
    #[case("24:00", "2026-06-01T00:00:00")]
    fn a_clock_names_a_time_of_a_day(#[case] text: &str, #[case] expected: &str) {
        let day = Date::constant(2026, 5, 31);
        assert_eq!(clock(text).unwrap().on(day).to_string(), expected);
        assert_eq!(beginning(text).is_ok(), text != "24:00");
    }

    #[rstest]
    fn other_texts_are_no_times(
        #[values(
            "25:00",
            "24:01",
            "12:60",
            "9:00",
            "09:0",
            "0900",
            "",
            ":",
            "+1:00",
            "09:00:00",
            " 09:00",
            "\u{ff10}9:00",
            "9am",
            "-1:00",
            "24:60"
        )]
        text: &str,
    ) {
        let expected = format!("{text:?} is no time: write it as HH:MM");
        assert_eq!((clock(text), beginning(text)), (Err(expected.clone()), Err(expected)));
    }

    #[rstest]
    fn days_have_one_form(#[values("monday", "Monday", "mon", "MON", "Mo", "1", "", "Mon-Fri")] text: &str) {
        let problem = weekday(text).unwrap_err();
        assert_eq!(problem, format!("{text:?} is no day: write one of Mon, Tue, Wed, Thu, Fri, Sat, Sun"));
    }

    #[test]
    fn days_are_held_one_by_one() {
        for (word, day) in WEEKDAYS {
            let mut days = Days::default();
            days.add(weekday(word).unwrap());
            let held: Vec<Weekday> =
                WEEKDAYS.iter().map(|(_, day)| *day).filter(|day| days.holds(*day)).collect();
            assert_eq!((held, Days::ALL.holds(day)), (vec![day], true));
        }
    }

    #[rstest]
    #[case("2026-12-24", Moment::Day(Date::constant(2026, 12, 24)))]
    #[case("2024-02-29", Moment::Day(Date::constant(2024, 2, 29)))]
    #[case("2026-12-24T18:00", Moment::Time(DateTime::constant(2026, 12, 24, 18, 0, 0, 0)))]
    #[case("2026-12-24T18:00:30", Moment::Time(DateTime::constant(2026, 12, 24, 18, 0, 30, 0)))]
    fn a_moment_is_a_day_or_a_time(#[case] text: &str, #[case] expected: Moment) {
        assert_eq!(moment(text), Ok(expected));
    }

    #[rstest]
    #[case("2026-12-24T18:00Z", "has an offset")]
    #[case("2026-12-24T18:00:00Z", "has an offset")]
    #[case("2026-12-24T18:00+01:00", "has an offset")]
    #[case("2026-12-24T18:00-01:00", "has an offset")]
    #[case("2026-02-29", "neither")]
    #[case("2026-13-01", "neither")]
    #[case("2026-1-01", "neither")]
    #[case("2026-01-01-01", "neither")]
    #[case("26-12-24", "neither")]
    #[case("+026-12-24", "neither")]
    #[case("24.12.2026", "neither")]
    #[case("2026-12-24 18:00", "neither")]
    #[case("2026-12-24T24:00", "neither")]
    #[case("2026-12-24T18", "neither")]
    #[case("2026-12-24T18:00:60", "neither")]
    #[case("2026-12-24T18:00:0é", "neither")]
    #[case("2026-12-24T", "neither")]
    #[case("2026-12-24Té1é2", "neither")]
    #[case("", "neither")]
    fn other_texts_are_no_moments(#[case] text: &str, #[case] problem: &str) {
        let found = moment(text).unwrap_err();
        assert!(found.starts_with(&format!("{text:?} ")) && found.contains(problem), "{found}");
    }
}
