//! A calendar of the test, as both implementations get it.

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

#[derive(Clone, Debug)]
pub struct Case {
    pub zone: Tz,
    /// The day around which things happen.
    pub center: NaiveDate,
    pub windows: Vec<Window>,
    pub exclusions: Vec<(Moment, Moment)>,
    pub events: Vec<Event>,
}

#[derive(Clone, Debug)]
pub struct Window {
    /// From Monday on, from 0.
    pub days: Vec<u32>,
    /// Minutes of the day.
    pub from: u32,
    pub to: u32,
}

#[derive(Clone, Copy, Debug)]
pub enum Moment {
    Day(NaiveDate),
    Time(NaiveDateTime),
}

#[derive(Clone, Debug)]
pub struct Event {
    /// In its zone. Midnight, if it takes whole days.
    pub start: NaiveDateTime,
    pub kind: Kind,
    pub length: Length,
    pub rule: Option<Rule>,
    pub further: Vec<NaiveDateTime>,
    pub except: Vec<NaiveDateTime>,
    /// A date that is moved to another one, or cancelled.
    pub moved: Option<(NaiveDateTime, Option<NaiveDateTime>)>,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Whole days of the calendar.
    Days,
    /// Times of the calendar.
    Floating,
    /// Times of a zone.
    Zoned(Tz),
}

#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// There is no end and no duration.
    None,
    /// There is an end: these many days, or minutes, after the start.
    End(i64),
    /// There is a duration of days and minutes.
    Lasting(i64, i64),
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub frequency: Frequency,
    pub interval: i32,
    pub months: Vec<u32>,
    pub month_days: Vec<i32>,
    pub year_days: Vec<i32>,
    /// The number, 0 for each, and the weekday from Monday on, from 0.
    pub weekdays: Vec<(i32, u32)>,
    pub positions: Vec<i32>,
    pub starts_on_sunday: bool,
    pub end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

#[derive(Clone, Copy, Debug)]
pub enum End {
    Never,
    Count(u32),
    /// These many days after the start, at its time.
    Until(i64),
}
