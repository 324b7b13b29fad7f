//! Exclusions: dates and times at which a calendar is closed.

use jiff::tz::TimeZone;

use crate::clock::{Moment, moment};
use crate::definition::ExclusionText;
use crate::error::Invalid;
use crate::limits::MAX_REASON;
use crate::local::{begin, days_later, end};
use crate::spans::Span;

/// An exclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// When the calendar is closed. It may be no time at all, if the clock skips all of it.
    pub span: Option<Span>,
    /// Why.
    pub reason: String,
}

impl Exclusion {
    /// Reads an exclusion. `field` is its path, for the mistakes.
    pub fn read(
        text: &ExclusionText,
        field: &str,
        zone: &TimeZone,
        mistakes: &mut Vec<Invalid>,
    ) -> Option<Self> {
        let mut wrong = |name: &str, problem| mistakes.push(Invalid::new(format!("{field}.{name}"), problem));
        if text.reason.len() > MAX_REASON {
            let problem = format!("has {} bytes; at most {MAX_REASON} are possible", text.reason.len());
            wrong("reason", problem);
        }
        let from = moment(text.from).map_err(|problem| wrong("from", problem));
        let to = moment(text.to).map_err(|problem| wrong("to", problem));
        let from = match from.ok()? {
            Moment::Day(day) => day.at(0, 0, 0, 0),
            Moment::Time(time) => time,
        };
        let to = match to.ok()? {
            Moment::Day(day) => days_later(day, 1).at(0, 0, 0, 0),
            Moment::Time(time) => time,
        };
        if to <= from {
            wrong("to", format!("is not after from, which is {}", text.from));
            return None;
        }
        let reason = text.reason.replace(char::is_control, " ");
        Some(Self { span: Span::between(begin(zone, from), end(zone, to)), reason })
    }
}
