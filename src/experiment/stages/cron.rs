//! Reads a schedule as the controller of `CronJob`s does, and finds the next time: pure.
//!
//! The controller uses the library robfig/cron, version 3, with its standard parser. What follows is its reading, including
//! what is odd about it. `tests/cron` has a program that asks the library itself, and the table that it made.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Five fields.
    Fields(Fields),
    /// `@every`: this long after the last time.
    Every(SignedDuration),
}

/// The values of five fields, one bit for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether a day has to match both the days and the weekdays. Otherwise either of them suffices.
    needs_both: bool,
}

/// The lowest and the highest value of a field, and the names of its values from the lowest on.
struct Bounds(u32, u32, &'static [&'static str]);

const MINUTES: Bounds = Bounds(0, 59, &[]);
const HOURS: Bounds = Bounds(0, 23, &[]);
const DAYS: Bounds = Bounds(1, 31, &[]);
const MONTHS: Bounds =
    Bounds(1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]);
const WEEKDAYS: Bounds = Bounds(0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]);

/// Reads a schedule. Returns `None` if the controller would refuse it.
#[must_use]
pub fn parse(schedule: &str) -> Option<Schedule> {
    let fields = match schedule {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => match schedule.strip_prefix("@every ") {
            Some(delay) => return every(delay).map(Schedule::Every),
            None => schedule,
        },
    };
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = fields[..] else { return None };
    let (days, any_day) = field(days, &DAYS)?;
    let (weekdays, any_weekday) = field(weekdays, &WEEKDAYS)?;
    Some(Schedule::Fields(Fields {
        minutes: field(minutes, &MINUTES)?.0,
        hours: field(hours, &HOURS)?.0,
        days,
        months: field(months, &MONTHS)?.0,
        weekdays,
        needs_both: any_day || any_weekday,
    }))
}

/// Reads a field. Returns its values, and whether one of its parts takes all.
fn field(text: &str, bounds: &Bounds) -> Option<(u64, bool)> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.map(|part| range(part, bounds)).try_fold((0, false), |(bits, all), part| {
        let (more, takes_all) = part?;
        Some((bits | more, all || takes_all))
    })
}

/// Reads `*`, `?`, a value or a range, each with a step or without.
fn range(text: &str, bounds: &Bounds) -> Option<(u64, bool)> {
    let (range, step) = text.split_once('/').map_or((text, None), |(range, step)| (range, Some(step)));
    let step = step.map_or(Some(1), number)?;
    let (from, to) = range.split_once('-').map_or((range, None), |(from, to)| (from, Some(to)));
    let takes_all = matches!(from, "*" | "?");
    let (first, last) = match to {
        // What follows a star is not read, unless it has more parts.
        _ if takes_all && to.is_none_or(|to| !to.contains('-')) => (bounds.0, bounds.1),
        Some(to) => (value(from, bounds)?, value(to, bounds)?),
        // A value with a step goes on to the end.
        None if text.contains('/') => (value(from, bounds)?, bounds.1),
        None => (value(from, bounds)?, value(from, bounds)?),
    };
    if first < bounds.0 || last > bounds.1 || first > last || step == 0 {
        return None;
    }
    let step_by = usize::try_from(step).ok()?;
    let bits = (first..=last).step_by(step_by).fold(0, |bits, value| bits | 1 << value);
    Some((bits, takes_all && step == 1))
}

fn value(text: &str, bounds: &Bounds) -> Option<u32> {
    let named = bounds.2.iter().position(|name| name.eq_ignore_ascii_case(text));
    match named {
        Some(place) => Some(bounds.0 + u32::try_from(place).ok()?),
        None => number(text),
    }
}

/// Reads a number, which may have a plus.
fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// Reads a duration as Go writes it, such as `1h30m`. It is cut to whole seconds, and is at least one second.
fn every(text: &str) -> Option<SignedDuration> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() && rest != "0" {
        let digits = rest.find(|sign: char| !sign.is_ascii_digit() && sign != '.')?;
        let (amount, unit) = rest.split_at(digits);
        let end = unit.find(|sign: char| sign.is_ascii_digit() || sign == '.').unwrap_or(unit.len());
        let (unit, others) = unit.split_at(end);
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += amount.parse::<f64>().ok()? * unit;
        rest = others;
        if rest == "0" {
            return None;
        }
    }
    // Go has no longer durations.
    let whole = SignedDuration::try_from_secs_f64(seconds).ok().filter(|_| seconds < 9.2e9)?.as_secs();
    Some(SignedDuration::from_secs(if is_negative { 1 } else { whole.max(1) }))
}

/// How many steps a search takes at most. Five years take far fewer. The library itself does not end in a zone that leaves
/// out a whole day.
const MOST_STEPS: usize = 20_000;

impl Fields {
    /// Returns the first time after this one, if there is one within five years.
    ///
    /// Days are counted by the calendar of the zone, and hours and minutes by the clock. So a time that the clock leaves out
    /// is not due on that day, and one that it shows twice is due twice.
    #[must_use]
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if [self.minutes, self.hours, self.days | self.weekdays, self.months].contains(&0) {
            return None;
        }
        let start = Timestamp::from_second(after.as_second() + 1).ok()?;
        let last_year = zone.to_datetime(start).year() + 5;
        let mut search = Search { zone, time: start, has_moved: false };
        let mut unit = Unit::Month;
        for _ in 0..MOST_STEPS {
            let now = search.shown();
            if unit == Unit::Month && now.year() > last_year {
                return None;
            }
            if self.matches(unit, now) {
                match unit.finer() {
                    Some(finer) => unit = finer,
                    None => return Some(search.time),
                }
                continue;
            }
            search.advance(unit)?;
            // Only at the end of the coarser unit are all fields looked at again.
            if unit.has_wrapped(search.shown()) {
                unit = Unit::Month;
            }
        }
        None
    }

    fn matches(&self, unit: Unit, now: DateTime) -> bool {
        match unit {
            Unit::Month => has(self.months, now.month()),
            Unit::Day => self.has_day(now.date()),
            Unit::Hour => has(self.hours, now.hour()),
            Unit::Minute => has(self.minutes, now.minute()),
            Unit::Second => now.second() == 0,
        }
    }

    fn has_day(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        if self.needs_both { day && weekday } else { day || weekday }
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits & (1 << value) != 0)
}

/// What a search looks at, from the coarsest unit to the finest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Unit {
    const fn finer(self) -> Option<Self> {
        Some(match self {
            Self::Month => Self::Day,
            Self::Day => Self::Hour,
            Self::Hour => Self::Minute,
            Self::Minute => Self::Second,
            Self::Second => return None,
        })
    }

    /// Whether the clock shows the first value of this unit.
    fn has_wrapped(self, now: DateTime) -> bool {
        match self {
            Self::Month => now.month() == 1,
            Self::Day => now.day() == 1,
            Self::Hour => now.hour() == 0,
            Self::Minute => now.minute() == 0,
            Self::Second => now.second() == 0,
        }
    }
}

/// A search for the next time.
struct Search<'a> {
    zone: &'a TimeZone,
    time: Timestamp,
    /// Whether the time has moved. The first move of all also goes back to the beginning of its unit.
    has_moved: bool,
}

impl Search<'_> {
    fn shown(&self) -> DateTime {
        self.zone.to_datetime(self.time)
    }

    /// Moves to the next value of a unit.
    fn advance(&mut self, unit: Unit) -> Option<()> {
        let is_first = !std::mem::replace(&mut self.has_moved, true);
        let now = self.shown();
        let clock = if is_first { Time::midnight() } else { now.time() };
        let second = self.time.as_second();
        self.time = match unit {
            Unit::Month => {
                let first = now.date().first_of_month().checked_add(1.month()).ok()?;
                instant(first.to_datetime(clock), self.zone)?
            }
            Unit::Day => {
                let begun = instant(now.date().tomorrow().ok()?.to_datetime(clock), self.zone)?;
                // On some nights the first hour is not midnight.
                let hour = i64::from(self.zone.to_datetime(begun).hour());
                let shift = if hour > 12 { 24 - hour } else { -hour };
                begun.checked_add(SignedDuration::from_hours(shift)).ok()?
            }
            Unit::Hour => {
                let begun = instant(now.date().at(now.hour(), 0, 0, 0), self.zone)?;
                let from = if is_first { begun } else { self.time };
                from.checked_add(SignedDuration::from_hours(1)).ok()?
            }
            Unit::Minute => {
                let from = if is_first { second.div_euclid(60) * 60 } else { second };
                Timestamp::from_second(from + 60).ok()?
            }
            Unit::Second => Timestamp::from_second(second + 1).ok()?,
        };
        Some(())
    }
}

/// Returns the time at which a clock shows this. If no clock shows it, or if it does twice, takes the time that Go takes.
fn instant(shown: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let local = TimeZone::UTC.to_timestamp(shown).ok()?;
    let offset = zone.to_offset(local);
    let likely = local.checked_sub(SignedDuration::from_secs(offset.seconds().into())).ok()?;
    let offset = zone.to_offset(likely);
    local.checked_sub(SignedDuration::from_secs(offset.seconds().into())).ok()
}

#[cfg(test)]
mod tests;
