//! The days on which an event recurs.

use jiff::SignedDuration;
use jiff::civil::{Date, Weekday};

use crate::ical::rule::{Filters, Frequency, RuleText};

/// The days of a rule after the first one, which counts in any case. There may be infinitely many, so each question names a
/// range, and what is before it costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    frequency: Frequency,
    interval: i64,
    filters: Filters,
    week_start: Weekday,
    /// The first day. It counts as one of them even if the rule does not take it.
    first: Date,
    /// The last day that is possible, if there is one.
    last: Option<Date>,
}

impl Recurrence {
    /// Makes the days of a rule without an end.
    pub fn new(mut rule: RuleText, first: Date) -> Self {
        rule.filters.complete(rule.frequency, first);
        let RuleText { frequency, interval, filters, week_start, .. } = rule;
        Self { frequency, interval, filters, week_start, first, last: None }
    }

    /// Ends with a day.
    pub fn end_with(&mut self, last: Date) {
        self.last = Some(last);
    }

    /// Ends after a number of days. `budget` is how many days may be looked at for that. Returns whether that was enough.
    pub fn end_after(&mut self, count: u32, budget: &mut usize) -> bool {
        let (mut left, mut last) = (count.saturating_sub(1), self.first);
        for index in 0.. {
            // The end of time may come first.
            let Some(period) = (left > 0).then(|| self.period(index)).flatten() else { break };
            for day in self.in_period(period, period, budget) {
                if left > 0 && day > self.first {
                    (left, last) = (left - 1, day);
                }
            }
            if *budget == 0 {
                return false;
            }
        }
        self.last = Some(last);
        true
    }

    /// Returns the days from one day to another, without the first one.
    pub fn days(&self, from: Date, to: Date) -> Vec<Date> {
        let mut days = Vec::new();
        let Ok(second) = self.first.tomorrow() else { return days };
        let (from, to) = (from.max(second), self.last.map_or(to, |last| to.min(last)));
        if from > to {
            return days;
        }
        let mut unlimited = usize::MAX;
        for index in self.index(from).. {
            let Some(period) = self.period(index).filter(|period| period.0 <= to) else { break };
            days.extend(self.in_period(period, (from, to), &mut unlimited));
        }
        days
    }

    /// Returns the days of a period that are in a range. Each day that is looked at is taken from the budget.
    fn in_period(&self, period: (Date, Date), range: (Date, Date), budget: &mut usize) -> Vec<Date> {
        let Filters { months, positions, .. } = &self.filters;
        // All days of the period are counted for the positions.
        let (mut next, last) = if positions.is_empty() {
            (Some(period.0.max(range.0)), period.1.min(range.1))
        } else {
            (Some(period.0), period.1)
        };
        let mut days = Vec::new();
        while let Some(day) = next.filter(|day| *day <= last) {
            let Some(left) = budget.checked_sub(1) else { break };
            *budget = left;
            if months.is_empty() || months.contains(&day.month().into()) {
                next = day.tomorrow().ok();
                if self.filters.take(day, self.frequency) {
                    days.push(day);
                }
            } else {
                next = day.last_of_month().tomorrow().ok();
            }
        }
        if !positions.is_empty() {
            let count = days.len();
            let place = |position: i16| match usize::from(position.unsigned_abs()) {
                from_end if position < 0 => count.checked_sub(from_end),
                from_start => from_start.checked_sub(1),
            };
            let mut places: Vec<usize> = positions.iter().filter_map(|position| place(*position)).collect();
            places.sort_unstable();
            places.dedup();
            days = places.into_iter().filter_map(|place| days.get(place).copied()).collect();
            days.retain(|day| range.0 <= *day && *day <= range.1);
        }
        days
    }

    /// Returns the first and the last day of a period. The first period has the index 0.
    fn period(&self, index: i64) -> Option<(Date, Date)> {
        let steps = index.checked_mul(self.interval)?;
        let month = |year: i64, month: i64| {
            Date::new(i16::try_from(year).ok()?, i8::try_from(month + 1).ok()?, 1).ok()
        };
        let year = i64::from(self.first.year());
        match self.frequency {
            Frequency::Yearly => month(year + steps, 0).map(|first| (first, first.last_of_year())),
            Frequency::Monthly => {
                let months = year * 12 + i64::from(self.first.month()) - 1 + steps;
                let first = month(months.div_euclid(12), months.rem_euclid(12))?;
                Some((first, first.last_of_month()))
            }
            Frequency::Weekly => {
                let first = later(self.first_week()?, steps.checked_mul(7)?)?;
                Some((first, later(first, 6)?))
            }
            Frequency::Daily => later(self.first, steps).map(|day| (day, day)),
        }
    }

    /// Returns the index of the last period that begins up to a day.
    fn index(&self, day: Date) -> i64 {
        let years = i64::from(day.year()) - i64::from(self.first.year());
        let days = |from: Date| day.duration_since(from).as_hours() / 24;
        let steps = match self.frequency {
            Frequency::Yearly => years,
            Frequency::Monthly => years * 12 + i64::from(day.month()) - i64::from(self.first.month()),
            Frequency::Weekly => self.first_week().map_or(0, days) / 7,
            Frequency::Daily => days(self.first),
        };
        steps.max(0) / self.interval
    }

    /// Returns the first day of the week of the first day.
    fn first_week(&self) -> Option<Date> {
        later(self.first, -i64::from(self.first.weekday().since(self.week_start)))
    }
}

impl Filters {
    /// Returns whether the filters take a day of a month that they take.
    fn take(&self, day: Date, frequency: Frequency) -> bool {
        // The place of the day from the start or the end, in its month or its year.
        let in_month = || (i16::from(day.day()), i16::from(day.days_in_month()));
        let in_year = || (day.day_of_year(), day.days_in_year());
        let holds = |list: &[i16], (place, count): (i16, i16)| {
            list.binary_search(&place).is_ok() || list.binary_search(&(place - count - 1)).is_ok()
        };
        if !self.month_days.is_empty() && !holds(&self.month_days, in_month()) {
            return false;
        }
        if !self.year_days.is_empty() && !holds(&self.year_days, in_year()) {
            return false;
        }
        if self.weekdays.is_empty() {
            return true;
        }
        // The number of a weekday is one in the year, unless months are given.
        let is_in_year = frequency == Frequency::Yearly && self.months.is_empty();
        let (place, count) = if is_in_year { in_year() } else { in_month() };
        let numbers = [0, (place - 1) / 7 + 1, -((count - place) / 7 + 1)];
        let weekday = day.weekday().to_monday_zero_offset();
        numbers.iter().any(|number| self.weekdays.binary_search(&(*number, weekday)).is_ok())
    }
}

/// Returns the date a number of days later, if there is one.
fn later(date: Date, days: i64) -> Option<Date> {
    date.checked_add(SignedDuration::from_secs(days.checked_mul(86_400)?)).ok()
}
