//! Values of properties.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::error::quoted;
use crate::ical::lines::Line;
use crate::ical::zones::Zones;
use crate::local::compatible;

/// A day, or a time in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// A day.
    Day(Date),
    /// A local time.
    Time(DateTime, TimeZone),
}

/// Reads the days or times of a property. Times without a zone are those of `zone`.
pub fn whens<'a>(
    line: &'a Line,
    zone: &'a TimeZone,
    zones: &'a Zones,
) -> impl Iterator<Item = Result<When, String>> + 'a {
    line.value.split(',').map(move |text| when(line, text, zone, zones))
}

/// Reads the only day or time of a property.
pub fn when(line: &Line, text: &str, zone: &TimeZone, zones: &Zones) -> Result<When, String> {
    let name = &line.name;
    let wrong = || {
        format!("{name} is {}: write a day such as 20261224 or a time such as 20261224T180000Z", quoted(text))
    };
    let read = bare(text).ok_or_else(wrong)?;
    match (line.parameter("VALUE").map(str::to_ascii_uppercase).as_deref(), &read) {
        (Some("DATE"), Bare::Time(..)) => return Err(format!("{name} has VALUE=DATE, and a time")),
        (Some("DATE-TIME"), Bare::Day(_)) => return Err(format!("{name} has VALUE=DATE-TIME, and no time")),
        (None | Some("DATE" | "DATE-TIME"), _) => {}
        (Some(other), _) => {
            return Err(format!("{name} has VALUE={}, which is not supported", quoted(other)));
        }
    }
    match (read, line.parameter("TZID")) {
        (Bare::Day(day), _) => Ok(When::Day(day)),
        (Bare::Time(time, true), _) => Ok(When::Time(time, TimeZone::UTC)),
        (Bare::Time(time, false), Some(identifier)) => Ok(When::Time(time, zones.get(identifier)?)),
        (Bare::Time(time, false), None) => Ok(When::Time(time, zone.clone())),
    }
}

impl When {
    /// Returns the instant of a time.
    pub fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Day(_) => None,
            Self::Time(time, zone) => Some(compatible(zone, *time)),
        }
    }
}

/// A day, or a time that may be one of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// A day.
    Day(Date),
    /// A time, and whether it is one of UTC.
    Time(DateTime, bool),
}

/// Reads a text such as `20261224` or `20261224T180000Z`.
pub fn bare(text: &str) -> Option<Bare> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let [year, month, day] = digits(date, [4, 2, 2])?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let Some(time) = time else { return Some(Bare::Day(date)) };
    let (time, is_utc) = time.strip_suffix('Z').map_or((time, false), |time| (time, true));
    let [hour, minute, second] = digits(time, [2, 2, 2])?;
    // A second that was put in by the keepers of the time.
    let second = if second == 60 { 59 } else { second };
    let [hour, minute, second] = [hour, minute, second].map(|part| i8::try_from(part).unwrap_or(i8::MAX));
    Some(Bare::Time(date.to_datetime(Time::new(hour, minute, second, 0).ok()?), is_utc))
}

/// Reads numbers of these many digits that follow each other.
fn digits<const N: usize>(text: &str, widths: [usize; N]) -> Option<[i16; N]> {
    if text.len() != widths.iter().sum::<usize>() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (mut rest, mut numbers) = (text, [0; N]);
    for (number, width) in numbers.iter_mut().zip(widths) {
        let (digits, after) = rest.split_at(width);
        (*number, rest) = (digits.parse().ok()?, after);
    }
    Some(numbers)
}

/// How long an event takes: days on the calendar, then time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Length {
    /// Days on the calendar.
    pub days: i64,
    /// Time after them.
    pub time: SignedDuration,
}

impl Length {
    /// Returns a number of days that it does not exceed.
    pub fn most_days(self) -> i64 {
        self.days.saturating_add(self.time.as_hours() / 24).saturating_add(1)
    }
}

/// Reads a duration such as `P2D`, `P1W` or `PT1H30M`.
pub fn length(text: &str) -> Option<Length> {
    let text = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let (days, time) = text.split_once('T').map_or((text, None), |(days, time)| (days, Some(time)));
    let days = match (days.strip_suffix('W'), days.strip_suffix('D')) {
        (Some(weeks), _) if time.is_none() => number(weeks)? * 7,
        (None, Some(days)) => number(days)?,
        (None, None) if days.is_empty() && time.is_some() => 0,
        _ => return None,
    };
    let (mut rest, mut seconds) = (time, 0);
    if time == Some("") {
        return None;
    }
    for (unit, factor) in [('H', 3600), ('M', 60), ('S', 1)] {
        if let Some((amount, after)) = rest.and_then(|rest| rest.split_once(unit)) {
            seconds += number(amount)? * factor;
            rest = Some(after);
        }
    }
    rest.is_none_or(str::is_empty).then(|| Length { days, time: SignedDuration::from_secs(seconds) })
}

/// Reads a number of at most six digits.
fn number(text: &str) -> Option<i64> {
    let is_number = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Returns a text without its escapes, on one line and cut to a number of characters.
pub fn plain(text: &str, most: usize) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') | None => ' ',
                Some(other) => other,
            },
            other => other,
        };
        plain.push(if letter.is_control() { ' ' } else { letter });
    }
    plain.trim().chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("20261224", Some(Bare::Day(Date::constant(2026, 12, 24))))]
    #[case("20261224T180000", Some(Bare::Time(DateTime::constant(2026, 12, 24, 18, 0, 0, 0), false)))]
    #[case("20261224T235960Z", Some(Bare::Time(DateTime::constant(2026, 12, 24, 23, 59, 59, 0), true)))]
    #[case("2026-12-24", None)]
    #[case("20260229", None)]
    #[case("20261224T240000", None)]
    #[case("20261224T1800", None)]
    #[case("20261224T180000+0100", None)]
    #[case("20261224Z", None)]
    #[case("2026122é", None)]
    #[case("", None)]
    fn days_and_times_have_one_form(#[case] text: &str, #[case] expected: Option<Bare>) {
        assert_eq!(bare(text), expected);
    }

    #[rstest]
    #[case("P2D", Some((2, 0)))]
    #[case("+P1W", Some((7, 0)))]
    #[case("P0D", Some((0, 0)))]
    #[case("P1DT12H", Some((1, 43_200)))]
    #[case("PT1H30M", Some((0, 5_400)))]
    #[case("PT90S", Some((0, 90)))]
    #[case("PT1H5S", Some((0, 3_605)))]
    #[case("-P1D", None)]
    #[case("P", None)]
    #[case("PT", None)]
    #[case("P1", None)]
    #[case("P1D2H", None)]
    #[case("P1WT1H", None)]
    #[case("PT1M1H", None)]
    #[case("PTH", None)]
    #[case("P1.5D", None)]
    #[case("P1M", None)]
    #[case("P9999999D", None)]
    #[case("1D", None)]
    fn lengths_are_days_and_time(#[case] text: &str, #[case] expected: Option<(i64, i64)>) {
        assert_eq!(length(text).map(|length| (length.days, length.time.as_secs())), expected);
    }

    #[rstest]
    #[case("New Year\\, observed", 40, "New Year, observed")]
    #[case("a\\nb\\\\c\\;d\\", 40, "a b\\c;d")]
    #[case("a\u{1b}[31m\tb", 40, "a [31m b")]
    #[case("ééé", 2, "éé")]
    fn a_summary_is_one_short_line(#[case] text: &str, #[case] most: usize, #[case] expected: &str) {
        assert_eq!(plain(text, most), expected);
    }
}
