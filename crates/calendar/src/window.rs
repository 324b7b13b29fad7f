//! Windows: the times of the week at which a calendar is open.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::{Clock, Days, beginning, clock, weekday};
use crate::definition::WindowText;
use crate::error::Invalid;
use crate::local::{begin, days_later, end};
use crate::spans::Span;

/// A window. It begins on each of its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    days: Days,
    from: Clock,
    /// A time that is not after `from` is one of the next day.
    to: Clock,
}

impl Window {
    /// Reads a window. `field` is its path, for the mistakes.
    pub fn read(text: &WindowText, field: &str, mistakes: &mut Vec<Invalid>) -> Option<Self> {
        let mut wrong = |field: String, problem| mistakes.push(Invalid::new(field, problem));
        let mut days = Days::default();
        if text.days.len() > 7 {
            wrong(format!("{field}.days"), format!("has {} entries; a week has 7 days", text.days.len()));
            return None;
        }
        for (index, word) in text.days.iter().enumerate() {
            match weekday(word) {
                Ok(day) if days.holds(day) => {
                    wrong(format!("{field}.days[{index}]"), format!("{word} is in the list already"));
                }
                Ok(day) => days.add(day),
                Err(problem) => wrong(format!("{field}.days[{index}]"), problem),
            }
        }
        if text.days.is_empty() {
            days = Days::ALL;
        }
        let from = beginning(text.from).map_err(|problem| wrong(format!("{field}.from"), problem));
        let to = clock(text.to).map_err(|problem| wrong(format!("{field}.to"), problem));
        Some(Self { days, from: from.ok()?, to: to.ok()? })
    }

    /// Returns the span of the window that begins on a day, if it has one.
    pub fn on(self, date: Date, zone: &TimeZone) -> Option<Span> {
        if !self.days.holds(date.weekday()) {
            return None;
        }
        let last = if self.to <= self.from { days_later(date, 1) } else { date };
        Span::between(begin(zone, self.from.on(date)), end(zone, self.to.on(last)))
    }
}
