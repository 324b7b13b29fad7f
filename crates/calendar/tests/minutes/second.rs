//! The second implementation.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::case::{Case, End, Event, Frequency, Kind, Length, Moment, Rule};

/// How many days before and after the center are compared.
const DAYS: i64 = 5;

/// How many more days are looked at, so that windows and days at the ends are whole.
const MORE: i64 = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    Open,
    Outside,
    Excluded(String),
    Holidays(Vec<String>),
}

/// What each minute is.
pub struct Minutes {
    zone: Tz,
    begin: i64,
    reasons: Vec<Reason>,
}

impl Minutes {
    pub fn of(case: &Case) -> Self {
        let noon = Utc.from_utc_datetime(&case.center.and_time(NaiveTime::MIN)).timestamp() / 60 + 720;
        let (begin, end) = (noon - DAYS * 1440, noon + DAYS * 1440);
        let all = (begin - MORE * 1440)..(end + MORE * 1440);
        let shown: Vec<(i64, NaiveDateTime)> = all.map(|minute| (minute, local(case.zone, minute))).collect();
        let windows = windows(case, &shown);
        let exclusions: Vec<_> =
            case.exclusions.iter().map(|(from, to)| hull(&shown, beginning(*from), ending(*to))).collect();
        let events = events(case, &shown);
        let reason = |minute: i64| {
            let holds = |range: &Option<(i64, i64)>| {
                range.is_some_and(|(first, last)| first <= minute && minute <= last)
            };
            if let Some(index) = exclusions.iter().position(holds) {
                return Reason::Excluded(format!("reason {index}"));
            }
            let held = events.iter().filter(|(range, _)| holds(&Some(*range)));
            let names: Vec<String> = held.map(|(_, name)| name.clone()).collect();
            if !names.is_empty() {
                return Reason::Holidays(names);
            }
            let is_open = case.windows.is_empty() || windows.iter().any(|range| holds(&Some(*range)));
            if is_open { Reason::Open } else { Reason::Outside }
        };
        Self { zone: case.zone, begin, reasons: (begin..end).map(reason).collect() }
    }

    pub fn begin(&self) -> i64 {
        self.begin
    }

    pub fn end(&self) -> i64 {
        self.begin + i64::try_from(self.reasons.len()).unwrap()
    }

    pub fn reason(&self, minute: i64) -> Reason {
        self.reasons[usize::try_from(minute - self.begin).unwrap()].clone()
    }

    fn is_open(&self, minute: i64) -> bool {
        self.reason(minute) == Reason::Open
    }

    pub fn first_difference(&self, found: &[bool]) -> Option<i64> {
        assert_eq!(found.len(), self.reasons.len());
        (self.begin..self.end())
            .zip(found)
            .find(|(minute, open)| self.is_open(*minute) != **open)
            .map(|(minute, _)| minute)
    }

    /// The minutes at which something changes, reasons included, and the first one.
    pub fn changes(&self) -> Vec<i64> {
        let is_change =
            |minute: &i64| *minute == self.begin || self.reason(*minute) != self.reason(*minute - 1);
        (self.begin..self.end()).filter(is_change).collect()
    }

    /// The next minute that is open if this one is closed, or closed if it is open.
    pub fn change_after(&self, minute: i64) -> Option<i64> {
        (minute..self.end()).find(|later| self.is_open(*later) != self.is_open(minute))
    }

    pub fn shown(&self, minute: i64) -> String {
        DateTime::from_timestamp(minute * 60, 0).unwrap().with_timezone(&self.zone).to_rfc3339()
    }
}

fn local(zone: Tz, minute: i64) -> NaiveDateTime {
    DateTime::from_timestamp(minute * 60, 0).unwrap().with_timezone(&zone).naive_local()
}

/// The first and the last minute at which the clock shows a time from `from` on and before `to`.
fn hull(shown: &[(i64, NaiveDateTime)], from: NaiveDateTime, to: NaiveDateTime) -> Option<(i64, i64)> {
    let mut within = shown.iter().filter(|(_, clock)| from <= *clock && *clock < to);
    let (first, _) = within.next()?;
    Some((*first, within.next_back().map_or(*first, |(last, _)| *last)))
}

fn beginning(moment: Moment) -> NaiveDateTime {
    match moment {
        Moment::Day(day) => day.and_time(NaiveTime::MIN),
        Moment::Time(time) => time,
    }
}

fn ending(moment: Moment) -> NaiveDateTime {
    match moment {
        Moment::Day(day) => day.succ_opt().unwrap().and_time(NaiveTime::MIN),
        Moment::Time(time) => time,
    }
}

/// The first and the last minute of each window on each of its days.
fn windows(case: &Case, shown: &[(i64, NaiveDateTime)]) -> Vec<(i64, i64)> {
    let mut found: BTreeMap<(usize, NaiveDate), (i64, i64)> = BTreeMap::new();
    for (minute, clock) in shown {
        for (index, window) in case.windows.iter().enumerate() {
            for day in [clock.date(), clock.date().pred_opt().unwrap()] {
                let at = |minutes: u32| day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes.into());
                let to = if window.to <= window.from { window.to + 1440 } else { window.to };
                let is_day =
                    window.days.is_empty() || window.days.contains(&day.weekday().num_days_from_monday());
                if is_day && at(window.from) <= *clock && *clock < at(to) {
                    let range = found.entry((index, day)).or_insert((*minute, *minute));
                    range.1 = *minute;
                }
            }
        }
    }
    found.into_values().collect()
}

/// The first and the last minute of each event each time, with its summary.
fn events(case: &Case, shown: &[(i64, NaiveDateTime)]) -> Vec<((i64, i64), String)> {
    let mut found = Vec::new();
    let last = shown.last().unwrap().1.date() + TimeDelta::days(2);
    for (index, event) in case.events.iter().enumerate() {
        let mut starts = starts(case, event, last);
        starts.extend(&event.further);
        starts.retain(|start| !event.except.contains(start));
        if let Some((of, to)) = event.moved {
            starts.retain(|start| *start != of);
            if let Some(to) = to {
                let moved = minutes(case, event.kind, Length::Lasting(1, 0), to, shown);
                found.extend(moved.map(|range| (range, format!("moved {index}"))));
            }
        }
        let ranges = starts.iter().filter_map(|start| minutes(case, event.kind, event.length, *start, shown));
        found.extend(ranges.map(|range| (range, format!("event {index}"))));
    }
    found
}

/// The first and the last minute of an event that begins at a time.
fn minutes(
    case: &Case,
    kind: Kind,
    length: Length,
    start: NaiveDateTime,
    shown: &[(i64, NaiveDateTime)],
) -> Option<(i64, i64)> {
    let minute = |time: DateTime<Utc>| time.timestamp() / 60;
    let (begin, end) = match (kind, length) {
        (Kind::Days, Length::None) => return hull(shown, start, start + TimeDelta::days(1)),
        (Kind::Days, Length::End(days) | Length::Lasting(days, _)) => {
            return hull(shown, start, start + TimeDelta::days(days));
        }
        (_, Length::None) => return None,
        (_, Length::End(minutes)) => {
            (instant(case, kind, start), instant(case, kind, start) + TimeDelta::minutes(minutes))
        }
        (_, Length::Lasting(days, minutes)) => {
            let end = instant(case, kind, start + TimeDelta::days(days)) + TimeDelta::minutes(minutes);
            (instant(case, kind, start), end)
        }
    };
    (begin < end).then(|| (minute(begin), minute(end) - 1))
}

/// The instant of a local time: of a repeated one the first, and of a skipped one by the offset from before.
pub fn instant(case: &Case, kind: Kind, time: NaiveDateTime) -> DateTime<Utc> {
    let zone = if let Kind::Zoned(zone) = kind { zone } else { case.zone };
    let mut before = time;
    loop {
        match zone.from_local_datetime(&before) {
            chrono::LocalResult::None => before -= TimeDelta::minutes(1),
            result if before == time => return result.earliest().unwrap().to_utc(),
            result => return result.latest().unwrap().to_utc() + (time - before),
        }
    }
}

/// When an event begins, day by day, without further dates and with exceptions.
fn starts(case: &Case, event: &Event, last: NaiveDate) -> Vec<NaiveDateTime> {
    let mut starts = vec![event.start];
    let Some(rule) = &event.rule else { return starts };
    for day in event.start.date().iter_days().skip(1).take_while(|day| *day <= last) {
        let start = day.and_time(event.start.time());
        let is_over = match rule.end {
            End::Never => false,
            End::Count(count) => starts.len() >= usize::try_from(count).unwrap(),
            End::Until(days) => {
                let end = event.start + TimeDelta::days(days);
                match event.kind {
                    Kind::Days => start > end,
                    kind => instant(case, kind, start) > instant(case, kind, end),
                }
            }
        };
        if is_over {
            break;
        }
        if takes(rule, event.start.date(), day) {
            starts.push(start);
        }
    }
    starts
}

/// Whether a rule takes a day.
pub fn takes(rule: &Rule, first: NaiveDate, day: NaiveDate) -> bool {
    let interval = rule.interval;
    let days = |date: NaiveDate| date.num_days_from_ce();
    let week = |date: NaiveDate| (days(date) - i32::from(!rule.starts_on_sunday)).div_euclid(7);
    let month = |date: NaiveDate| date.year() * 12 + i32::try_from(date.month0()).unwrap();
    let period: Box<dyn Fn(NaiveDate) -> i32> = match rule.frequency {
        Frequency::Daily => Box::new(days),
        Frequency::Weekly => Box::new(week),
        Frequency::Monthly => Box::new(month),
        Frequency::Yearly => Box::new(|date: NaiveDate| date.year()),
    };
    if (period(day) - period(first)) % interval != 0 || !fits(rule, first, day) {
        return false;
    }
    if rule.positions.is_empty() {
        return true;
    }
    let around = (-366..=366).map(|offset| day + TimeDelta::days(offset));
    let all: Vec<NaiveDate> =
        around.filter(|other| period(*other) == period(day) && fits(rule, first, *other)).collect();
    let place = i32::try_from(all.iter().position(|other| *other == day).unwrap()).unwrap();
    let count = i32::try_from(all.len()).unwrap();
    rule.positions.iter().any(|position| *position == place + 1 || *position == place - count)
}

/// Whether a day has the months, days and weekdays of a rule.
fn fits(rule: &Rule, first: NaiveDate, day: NaiveDate) -> bool {
    let month_day = i32::try_from(day.day()).unwrap();
    let next_month = if day.month() == 12 {
        NaiveDate::from_ymd_opt(day.year() + 1, 1, 1)
    } else {
        NaiveDate::from_ymd_opt(day.year(), day.month() + 1, 1)
    };
    let in_month = i32::try_from(next_month.unwrap().pred_opt().unwrap().day()).unwrap();
    let year_day = i32::try_from(day.ordinal()).unwrap();
    let in_year = if day.leap_year() { 366 } else { 365 };
    let either = |list: &[i32], forward: i32, all: i32| {
        list.is_empty() || list.contains(&forward) || list.contains(&(forward - all - 1))
    };
    let has_days = !rule.month_days.is_empty() || !rule.year_days.is_empty() || !rule.weekdays.is_empty();
    let is_default = has_days
        || match rule.frequency {
            Frequency::Daily => true,
            Frequency::Weekly => day.weekday() == first.weekday(),
            Frequency::Monthly => day.day() == first.day(),
            Frequency::Yearly => {
                day.day() == first.day() && (!rule.months.is_empty() || day.month() == first.month())
            }
        };
    let is_weekday = |(number, weekday): &(i32, u32)| {
        let (forward, all) = if rule.frequency == Frequency::Yearly && rule.months.is_empty() {
            (year_day, in_year)
        } else {
            (month_day, in_month)
        };
        let is_number = match number {
            0 => true,
            number if *number > 0 => (forward - 1) / 7 == number - 1,
            number => (all - forward) / 7 == -number - 1,
        };
        day.weekday().num_days_from_monday() == *weekday && is_number
    };
    is_default
        && (rule.months.is_empty() || rule.months.contains(&day.month()))
        && either(&rule.month_days, month_day, in_month)
        && either(&rule.year_days, year_day, in_year)
        && (rule.weekdays.is_empty() || rule.weekdays.iter().any(is_weekday))
}
