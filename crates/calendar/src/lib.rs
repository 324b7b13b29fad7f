//! Calendars: when a run may start.
//!
//! A [`Calendar`] has windows of the week, dates that are excluded, and holidays from iCalendar files. It says at any time
//! whether it is open ([`Calendar::at`]), when it opens next ([`Calendar::next_opening`]), and when it is open in the days
//! to come ([`Calendar::open_between`]). It knows neither Kubernetes nor files nor the time of now.
//!
//! # Local time
//!
//! Windows, exclusions and whole days mean what the clock shows in the zone of the calendar. There is one rule for all of
//! them, on the nights on which the clock changes too. What goes from one time of the clock to another
//! - begins when the clock first shows its beginning, or a later time. What begins in the hour that is skipped begins after
//!   that hour.
//! - ends when the clock last stops to show a time before its end. What ends in the hour that is skipped ends where that hour
//!   is skipped. What ends in the hour that is repeated ends in its repetition, so it covers that hour twice.
//!
//! So a window from 01:30 to 02:30 takes two hours where the clock goes back from 03:00 to 02:00, half an hour where it goes
//! from 02:00 to 03:00, and a window from 02:15 to 02:45 does not exist on that night. An event of an iCalendar file that has
//! times follows RFC 5545 instead: a time that is skipped counts from the time before, and one that is repeated is the first
//! of the two.

mod calendar;
mod clock;
mod definition;
mod error;
mod exclusion;
mod ical;
mod limits;
mod local;
mod spans;
mod window;

pub use calendar::{Calendar, State, Why};
pub use definition::{Definition, ExclusionText, WindowText};
pub use error::Invalid;
pub use limits::{
    MAX_COUNTED_DAYS, MAX_DATES, MAX_EVENTS, MAX_EXCLUSIONS, MAX_HOLIDAY_BYTES, MAX_HOLIDAYS, MAX_MISTAKES,
    MAX_NESTED, MAX_REASON, MAX_RECURRING, MAX_RECURRING_DAYS, MAX_SUMMARY, MAX_WINDOWS, SEARCH_DAYS,
};
pub use spans::Span;
