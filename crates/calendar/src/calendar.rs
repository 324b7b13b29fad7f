//! The calendar, and its answers.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::definition::Definition;
use crate::error::{Invalid, quoted};
use crate::exclusion::Exclusion;
use crate::ical::Holidays;
use crate::limits::{Left, MAX_EXCLUSIONS, MAX_HOLIDAYS, MAX_MISTAKES, MAX_WINDOWS, SEARCH_DAYS};
use crate::local::days_later;
use crate::spans::{Span, merged, without};
use crate::window::Window;

/// When a run may start.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    windows: Vec<Window>,
    exclusions: Vec<Exclusion>,
    holidays: Vec<Holidays>,
}

/// Whether a calendar is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is open.
    Open {
        /// When it closes. `None` if it does not within [`SEARCH_DAYS`] days.
        until: Option<Timestamp>,
    },
    /// It is closed.
    Closed {
        /// When it opens. `None` if it does not within [`SEARCH_DAYS`] days.
        until: Option<Timestamp>,
        /// What closes it now. Something else may close it before it opens.
        why: Why,
    },
}

/// What closes a calendar. If there are several reasons, it is the first of them in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// An exclusion.
    Excluded {
        /// The reason that somebody gave for it. It may be empty.
        reason: String,
    },
    /// A holiday.
    Holiday {
        /// The summary of the event. It may be empty.
        summary: String,
    },
    /// There are windows, and this is in none of them.
    OutsideWindows,
}

/// How much of the time to come is looked at first. Each further part is twice as long.
const FIRST_PART: i64 = 8 * 24;

impl Calendar {
    /// Reads a calendar. If something in it is wrong, all of it is: a holiday that cannot be read is no open day. An error has
    /// all mistakes, at most [`MAX_MISTAKES`] and at least one.
    pub fn new(definition: &Definition) -> Result<Self, Vec<Invalid>> {
        let mut mistakes = Vec::new();
        let zone = zone(definition.time_zone).unwrap_or_else(|invalid| {
            mistakes.push(invalid);
            TimeZone::UTC
        });
        let Definition { windows, exclude, holidays, .. } = definition;
        at_most("windows", windows.len(), MAX_WINDOWS, &mut mistakes);
        at_most("exclude", exclude.len(), MAX_EXCLUSIONS, &mut mistakes);
        at_most("holidays", holidays.len(), MAX_HOLIDAYS, &mut mistakes);
        let windows = windows.iter().take(MAX_WINDOWS).enumerate();
        let windows = windows
            .filter_map(|(index, text)| Window::read(text, &format!("windows[{index}]"), &mut mistakes))
            .collect();
        let exclusions = exclude.iter().take(MAX_EXCLUSIONS).enumerate();
        let exclusions = exclusions
            .filter_map(|(at, text)| Exclusion::read(text, &format!("exclude[{at}]"), &zone, &mut mistakes))
            .collect();
        let (mut files, mut left) = (Vec::new(), Left::ALL);
        for (index, bytes) in holidays.iter().take(MAX_HOLIDAYS).enumerate() {
            match Holidays::read(bytes, &zone, &mut left) {
                Ok(file) => files.push(file),
                Err(problem) => mistakes.push(Invalid::new(format!("holidays[{index}]"), problem)),
            }
        }
        mistakes.truncate(MAX_MISTAKES);
        if mistakes.is_empty() {
            Ok(Self { zone, windows, exclusions, holidays: files })
        } else {
            Err(mistakes)
        }
    }

    /// Says whether the calendar is open at a time, and when that changes.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> State {
        let mut parts = self.parts(now);
        match parts.next().and_then(|(part, spans)| spans.first().copied().map(|first| (part, first))) {
            Some((part, first)) if first.from <= now => State::Open { until: closing(part, first, parts) },
            _ => State::Closed { until: self.next_opening(now), why: self.why(now) },
        }
    }

    /// Returns the first time, from `after` on, at which the calendar is open. It is `after` itself if the calendar is open
    /// then, and `None` if it does not open within [`SEARCH_DAYS`] days.
    #[must_use]
    pub fn next_opening(&self, after: Timestamp) -> Option<Timestamp> {
        self.parts(after).find_map(|(_, spans)| spans.first().map(|first| first.from))
    }

    /// Returns when the calendar is open between two times, in order. Spans that follow each other without a pause are one.
    /// Nothing is said of the time that is more than [`SEARCH_DAYS`] days after the first one.
    #[must_use]
    pub fn open_between(&self, from: Timestamp, to: Timestamp) -> Vec<Span> {
        let Some(range) = Span::between(from, to.min(later(from, SEARCH_DAYS * 24))) else {
            return Vec::new();
        };
        let open = if self.windows.is_empty() { vec![range] } else { merged(self.windows_in(range)) };
        let exclusions = self.exclusions.iter().filter_map(|exclusion| exclusion.span?.within(range));
        let mut closed: Vec<Span> = exclusions.collect();
        for file in &self.holidays {
            closed.extend(file.within(range).map(|(span, _)| span));
        }
        without(open, &merged(closed))
    }

    /// Returns the parts of the time to come, and when the calendar is open in each.
    fn parts(&self, now: Timestamp) -> impl Iterator<Item = (Span, Vec<Span>)> {
        let end = later(now, SEARCH_DAYS * 24);
        let (mut from, mut hours) = (now, FIRST_PART);
        std::iter::from_fn(move || {
            let part = Span::between(from, later(from, hours).min(end))?;
            (from, hours) = (part.to, hours * 2);
            Some((part, self.open_between(part.from, part.to)))
        })
    }

    fn windows_in(&self, range: Span) -> Vec<Span> {
        let date = |time: Timestamp| self.zone.to_datetime(time).date();
        // A window that is still open began two days before at the earliest.
        let first = days_later(date(range.from), -2);
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
        let days = days.take_while(|day| *day <= date(range.to));
        let spans = days.flat_map(|day| self.windows.iter().map(move |window| window.on(day, &self.zone)));
        spans.filter_map(|span| span?.within(range)).collect()
    }

    fn why(&self, now: Timestamp) -> Why {
        let holds = |exclusion: &&Exclusion| exclusion.span.is_some_and(|span| span.holds(now));
        if let Some(exclusion) = self.exclusions.iter().find(holds) {
            return Why::Excluded { reason: exclusion.reason.clone() };
        }
        let moment = Span { from: now, to: later_by_nanosecond(now) };
        match self.holidays.iter().find_map(|file| file.within(moment).next()) {
            Some((_, summary)) => Why::Holiday { summary: summary.to_owned() },
            None => Why::OutsideWindows,
        }
    }
}

/// Returns when an open calendar closes.
fn closing(
    mut part: Span,
    mut open: Span,
    mut rest: impl Iterator<Item = (Span, Vec<Span>)>,
) -> Option<Timestamp> {
    while open.to == part.to {
        let (next, spans) = rest.next()?;
        match spans.first() {
            Some(first) if first.from == next.from => (part, open) = (next, *first),
            _ => return Some(next.from),
        }
    }
    Some(open.to)
}

fn later(time: Timestamp, hours: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}

fn later_by_nanosecond(time: Timestamp) -> Timestamp {
    time.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX)
}

fn zone(name: Option<&str>) -> Result<TimeZone, Invalid> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name).map_err(|_| {
        let problem =
            format!("{} is no zone of the IANA database: write it as in Europe/Berlin", quoted(name));
        Invalid::new("timeZone", problem)
    })
}

fn at_most(field: &str, count: usize, most: usize, mistakes: &mut Vec<Invalid>) {
    if count > most {
        mistakes.push(Invalid::new(field, format!("has {count} entries; at most {most} are possible")));
    }
}
