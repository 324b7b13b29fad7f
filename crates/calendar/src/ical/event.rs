//! Events: when they are, and how often.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::ical::recurrence::Recurrence;
use crate::ical::rule::RuleText;
use crate::ical::values::{Bare, Length, When};
use crate::limits::{Left, MAX_COUNTED_DAYS, MAX_DATES, MAX_RECURRING, MAX_RECURRING_DAYS};
use crate::local::{begin, compatible, days_later, end};
use crate::spans::Span;

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    pub(super) summary: Arc<str>,
    pub(super) uid: Option<String>,
    /// The zone in which it begins.
    pub(super) zone: TimeZone,
    /// Whether it takes whole days.
    pub(super) is_days: bool,
    /// When it first begins, in its zone.
    pub(super) start: DateTime,
    pub(super) length: Length,
    pub(super) recurrence: Option<Recurrence>,
    /// When else it begins.
    pub(super) further: Vec<(DateTime, Timestamp)>,
    /// When it does not begin, in its zone.
    pub(super) except: BTreeSet<DateTime>,
}

/// The date that another event takes the place of.
#[derive(Clone, Debug)]
pub struct Override {
    /// The number of the line that names it.
    pub(super) number: usize,
    /// The date.
    pub(super) of: When,
}

impl Event {
    /// Returns what the event is called.
    pub fn summary(&self) -> Arc<str> {
        Arc::clone(&self.summary)
    }

    /// Returns the identifier of the event. One that takes the place of a date of another event has none of its own.
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// Returns whether the event has a rule by which it recurs.
    pub const fn recurs(&self) -> bool {
        self.recurrence.is_some()
    }

    /// Leaves out a date of which another event takes the place.
    pub fn leave_out(&mut self, instead: &Override, left: &mut Left) -> Result<(), String> {
        let wrong = |problem: String| format!("line {}: {problem}", instead.number);
        let (time, _) = self.begin_of(&instead.of, "RECURRENCE-ID").map_err(wrong)?;
        take_date(left).map_err(wrong)?;
        self.except.insert(time);
        Ok(())
    }

    /// Returns the spans of the event without those of its rule.
    pub fn once(&self) -> impl Iterator<Item = Span> {
        let first = (self.start, self.instant(self.start));
        let all = std::iter::once(first).chain(self.further.iter().copied());
        all.filter_map(|(time, instant)| self.span(time, instant))
    }

    /// Returns the spans of the rule that may be in a span of time, with the summary.
    pub fn recurrences(&self, range: Span) -> impl Iterator<Item = (Span, &str)> {
        let date = |time: Timestamp| self.zone.to_datetime(time).date();
        // The clock may differ by a day from what it shows now.
        let from = days_later(date(range.from), -self.length.most_days() - 1);
        let to = days_later(date(range.to), 1);
        let days = self.recurrence.as_ref().map_or_else(Vec::new, |recurrence| recurrence.days(from, to));
        let spans = days.into_iter().filter_map(|day| {
            let time = day.to_datetime(self.start.time());
            self.span(time, self.instant(time))
        });
        spans.map(|span| (span, &*self.summary))
    }

    /// Returns the span of the event that begins at a time.
    fn span(&self, time: DateTime, instant: Timestamp) -> Option<Span> {
        if self.except.contains(&time) {
            return None;
        }
        let Length { days, time: rest } = self.length;
        let last = days_later(time.date(), days).to_datetime(time.time());
        let to = match days {
            0 => instant,
            _ if self.is_days => end(&self.zone, last),
            _ => compatible(&self.zone, last),
        };
        Span::between(instant, to.saturating_add(rest).unwrap_or(Timestamp::MAX))
    }

    /// Returns when the event begins that begins at a time in its zone.
    fn instant(&self, time: DateTime) -> Timestamp {
        if self.is_days { begin(&self.zone, time) } else { compatible(&self.zone, time) }
    }

    /// Returns when a date of the event begins, in its zone.
    pub(super) fn begin_of(&self, when: &When, name: &str) -> Result<(DateTime, Timestamp), String> {
        match when {
            When::Day(day) if self.is_days => {
                let time = day.at(0, 0, 0, 0);
                Ok((time, self.instant(time)))
            }
            When::Time(time, zone) if !self.is_days => {
                let instant = compatible(zone, *time);
                let time = if *zone == self.zone { *time } else { self.zone.to_datetime(instant) };
                Ok((time, instant))
            }
            When::Day(_) => Err(format!("{name} has no time, and DTSTART has one")),
            When::Time(..) => Err(format!("{name} has a time, and DTSTART has none")),
        }
    }

    /// Makes the recurrence of a rule.
    pub(super) fn recurrence(&self, rule: RuleText, left: &mut Left) -> Result<Recurrence, String> {
        let days = self.length.days.saturating_add(self.length.time.as_hours() / 24);
        if days > MAX_RECURRING_DAYS {
            return Err(format!(
                "an event with RRULE takes {days} days; at most {MAX_RECURRING_DAYS} are possible"
            ));
        }
        if !Left::take(&mut left.recurring) {
            return Err(format!("there are more than {MAX_RECURRING} events with RRULE"));
        }
        let (count, until) = (rule.count, rule.until);
        let mut recurrence = Recurrence::new(rule, self.start.date());
        if let Some(until) = until {
            recurrence.end_with(self.last_day(until));
        }
        if count.is_some_and(|count| !recurrence.end_after(count, &mut left.counted_days)) {
            return Err(format!(
                "more than {MAX_COUNTED_DAYS} days have to be looked at for COUNT: write UNTIL instead"
            ));
        }
        Ok(recurrence)
    }

    /// Returns the last day on which the event may begin, by the end of its rule.
    fn last_day(&self, until: Bare) -> Date {
        let (time, instant) = match until {
            Bare::Day(day) => return day,
            Bare::Time(time, true) => {
                let instant = compatible(&TimeZone::UTC, time);
                (self.zone.to_datetime(instant), instant)
            }
            // Not as in the RFC, but common: the time is one of the zone of the event.
            Bare::Time(time, false) => (time, compatible(&self.zone, time)),
        };
        let begins = self.instant(time.date().to_datetime(self.start.time()));
        if begins <= instant { time.date() } else { days_later(time.date(), -1) }
    }
}

/// Counts a date that is added or left out.
pub(super) fn take_date(left: &mut Left) -> Result<(), String> {
    if Left::take(&mut left.dates) {
        return Ok(());
    }
    Err(format!("there are more than {MAX_DATES} dates of RDATE, EXDATE and RECURRENCE-ID"))
}
