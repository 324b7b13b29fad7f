//! Reads the components of events.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::error::quoted;
use crate::ical::event::{Event, Override, take_date};
use crate::ical::file::Component;
use crate::ical::lines::Line;
use crate::ical::rule::RuleText;
use crate::ical::values::{Length, When, length, plain, when, whens};
use crate::ical::zones::Zones;
use crate::limits::{Left, MAX_SUMMARY};

/// What a component says.
#[derive(Debug)]
pub enum Entry {
    /// An event.
    Event(Box<Event>),
    /// An event that takes the place of one date of the event with this identifier. It may be cancelled.
    Override(String, Override, Option<Box<Event>>),
    /// Nothing.
    Cancelled,
}

/// Reads an event.
pub fn read(component: &Component, zone: &TimeZone, zones: &Zones, left: &mut Left) -> Result<Entry, String> {
    let lines = Properties(&component.lines);
    let summary = lines.first("SUMMARY").map_or_else(String::new, |line| plain(&line.value, MAX_SUMMARY));
    let named = |number: usize, problem: String| {
        let event = if summary.is_empty() { String::new() } else { format!(" (event {})", quoted(&summary)) };
        format!("line {number}{event}: {problem}")
    };
    let at = |line: &Line, problem: String| named(line.number, problem);
    let only = |name| lines.only(name).map_err(|line| at(line, format!("{name} is there twice")));
    let read_when = |line: &Line| when(line, &line.value, zone, zones).map_err(|problem| at(line, problem));

    let uid = only("UID")?.map(|line| line.value.clone());
    let is_cancelled = only("STATUS")?.is_some_and(|line| line.value.eq_ignore_ascii_case("CANCELLED"));
    let instead = match (only("RECURRENCE-ID")?, &uid) {
        (None, _) => None,
        (Some(line), None) => return Err(at(line, "RECURRENCE-ID needs a UID".to_owned())),
        (Some(line), Some(_)) if line.parameter("RANGE").is_some() => {
            return Err(at(line, "RECURRENCE-ID has RANGE, which is not supported".to_owned()));
        }
        (Some(line), Some(uid)) => {
            Some((uid.clone(), Override { number: line.number, of: read_when(line)? }))
        }
    };
    if is_cancelled {
        return Ok(instead.map_or(Entry::Cancelled, |(uid, instead)| Entry::Override(uid, instead, None)));
    }
    if let Some(line) = lines.first("EXRULE") {
        return Err(at(line, "EXRULE is not supported: write EXDATE".to_owned()));
    }
    let Some(line) = only("DTSTART")? else {
        return Err(named(component.number, "the event has no DTSTART".to_owned()));
    };
    let start = read_when(line)?;
    let length = match (only("DTEND")?, only("DURATION")?) {
        (Some(_), Some(line)) => return Err(at(line, "DURATION and DTEND are both there".to_owned())),
        (Some(line), None) => until(&start, &read_when(line)?).map_err(|problem| at(line, problem))?,
        (None, Some(line)) => lasting(&start, &line.value).map_err(|problem| at(line, problem))?,
        (None, None) => Length { days: start.instant().map_or(1, |_| 0), ..Length::default() },
    };
    let (is_days, start, zone_of_start) = match start {
        When::Day(day) => (true, day.at(0, 0, 0, 0), zone.clone()),
        When::Time(time, zone) => (false, time, zone),
    };
    let mut event = Event {
        summary: Arc::from(&*summary),
        uid: if instead.is_some() { None } else { uid },
        zone: zone_of_start,
        is_days,
        start,
        length,
        recurrence: None,
        further: Vec::new(),
        except: BTreeSet::new(),
    };
    if let Some(line) = only("RRULE")? {
        if instead.is_some() {
            return Err(at(line, "RRULE and RECURRENCE-ID are both there".to_owned()));
        }
        let recurrence = RuleText::read(&line.value).and_then(|rule| event.recurrence(rule, left));
        event.recurrence = Some(recurrence.map_err(|problem| at(line, problem))?);
    }
    for line in lines.all("RDATE").chain(lines.all("EXDATE")) {
        for when in whens(line, zone, zones) {
            let begins = when.and_then(|when| event.begin_of(&when, &line.name));
            let (time, instant) = begins.map_err(|problem| at(line, problem))?;
            take_date(left).map_err(|problem| at(line, problem))?;
            if line.name == "RDATE" {
                event.further.push((time, instant));
            } else {
                event.except.insert(time);
            }
        }
    }
    let event = Box::new(event);
    Ok(match instead {
        Some((uid, instead)) => Entry::Override(uid, instead, Some(event)),
        None => Entry::Event(event),
    })
}

/// Returns the length of what goes from one day or time to another.
fn until(start: &When, end: &When) -> Result<Length, String> {
    let length = match (start, end) {
        (When::Day(first), When::Day(last)) => {
            let days = last.duration_since(*first).as_hours() / 24;
            // Some programs write the same day for an event of one day.
            Length { days: if days == 0 { 1 } else { days }, ..Length::default() }
        }
        (When::Time(..), When::Time(..)) => {
            let (start, end) = (start.instant().unwrap_or_default(), end.instant().unwrap_or_default());
            Length { days: 0, time: end.duration_since(start) }
        }
        (When::Day(_), When::Time(..)) => return Err("DTEND has a time, and DTSTART has none".to_owned()),
        (When::Time(..), When::Day(_)) => return Err("DTEND has no time, and DTSTART has one".to_owned()),
    };
    if length.days < 0 || length.time.is_negative() {
        return Err("DTEND is before DTSTART".to_owned());
    }
    Ok(length)
}

/// Reads the length of what begins with a day or a time.
fn lasting(start: &When, text: &str) -> Result<Length, String> {
    let wrong = || format!("DURATION is {}: write it as in P2D or PT8H", quoted(text));
    let length = length(text).ok_or_else(wrong)?;
    if start.instant().is_none() && (length.days == 0 || !length.time.is_zero()) {
        return Err(format!("DURATION is {}, and DTSTART has no time: write days, as in P2D", quoted(text)));
    }
    Ok(length)
}

/// The lines of a component.
struct Properties<'a>(&'a [Line]);

impl<'a> Properties<'a> {
    fn all(&self, name: &'static str) -> impl Iterator<Item = &'a Line> + use<'a> {
        self.0.iter().filter(move |line| line.name == name)
    }

    fn first(&self, name: &'static str) -> Option<&'a Line> {
        self.all(name).next()
    }

    /// Returns the only line with a name, or the second one as an error.
    fn only(&self, name: &'static str) -> Result<Option<&'a Line>, &'a Line> {
        let mut lines = self.all(name);
        let first = lines.next();
        lines.next().map_or(Ok(first), Err)
    }
}
