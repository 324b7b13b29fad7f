//! Holidays from iCalendar files (RFC 5545).
//!
//! The files come from anywhere, so all that is read has a limit, and what is not understood is an error: an event that was
//! left out would be a day on which the calendar is open by mistake. Properties that have nothing to do with times are not
//! read. Neither is `TRANSP`: most files of holidays mark them as transparent, since they do not fill anybody's day.

mod event;
mod file;
mod lines;
mod read;
mod recurrence;
mod rule;
mod values;
mod zones;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::limits::{Left, MAX_HOLIDAY_BYTES};
use crate::spans::Span;
use event::{Event, Override};
use read::Entry;

/// The events of a file.
#[derive(Clone, Debug, Default)]
pub struct Holidays {
    /// The events that happen once, and the further dates of the others.
    once: Vec<(Span, Arc<str>)>,
    /// The events that recur by a rule.
    recurring: Vec<Event>,
}

impl Holidays {
    /// Reads a file. Days, and times without a zone, are those of `zone`. `left` is how much it may have. An
    /// error says in which line or event it is.
    pub fn read(bytes: &[u8], zone: &TimeZone, left: &mut Left) -> Result<Self, String> {
        if bytes.len() > MAX_HOLIDAY_BYTES {
            return Err(format!("has {} bytes; at most {MAX_HOLIDAY_BYTES} are possible", bytes.len()));
        }
        let file = file::read(bytes, &mut left.events)?;
        let mut events = Vec::new();
        let mut overrides: HashMap<String, Vec<Override>> = HashMap::new();
        for component in &file.events {
            match read::read(component, zone, &file.zones, left)? {
                Entry::Event(event) => events.push(*event),
                Entry::Override(of, instead, event) => {
                    overrides.entry(of).or_default().push(instead);
                    events.extend(event.map(|event| *event));
                }
                Entry::Cancelled => {}
            }
        }
        let mut holidays = Self::default();
        for mut event in events {
            for instead in event.uid().and_then(|uid| overrides.get(uid)).into_iter().flatten() {
                event.leave_out(instead, left)?;
            }
            let summary = event.summary();
            holidays.once.extend(event.once().map(|span| (span, Arc::clone(&summary))));
            if event.recurs() {
                holidays.recurring.push(event);
            }
        }
        Ok(holidays)
    }

    /// Returns the parts of events that are in a span of time, with their summaries. Only they are looked for, since a rule
    /// may have no end.
    pub fn within(&self, range: Span) -> impl Iterator<Item = (Span, &str)> {
        let once = self.once.iter().map(|(span, summary)| (*span, &**summary));
        let recurring = self.recurring.iter().flat_map(move |event| event.recurrences(range));
        once.chain(recurring).filter_map(move |(span, summary)| Some((span.within(range)?, summary)))
    }
}

#[cfg(test)]
mod tests;
