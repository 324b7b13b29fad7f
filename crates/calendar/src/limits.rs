//! How much a calendar may have, so that each answer takes little time.

/// The maximum number of windows.
pub const MAX_WINDOWS: usize = 32;

/// The maximum number of exclusions.
pub const MAX_EXCLUSIONS: usize = 128;

/// The maximum number of bytes of the reason of an exclusion.
pub const MAX_REASON: usize = 256;

/// The maximum number of iCalendar files.
pub const MAX_HOLIDAYS: usize = 8;

/// The maximum number of bytes of an iCalendar file. A ConfigMap holds no more.
pub const MAX_HOLIDAY_BYTES: usize = 1024 * 1024;

/// The maximum number of events of all files together.
pub const MAX_EVENTS: usize = 4096;

/// The maximum number of events of all files together that have a rule by which they recur.
pub const MAX_RECURRING: usize = 512;

/// The maximum number of days that an event with such a rule takes each time.
pub const MAX_RECURRING_DAYS: i64 = 92;

/// The maximum number of dates that `RDATE`, `EXDATE` and `RECURRENCE-ID` add to events or take from them, of all files
/// together.
pub const MAX_DATES: usize = 8192;

/// The maximum number of days that are looked at to find the last ones of all rules that have a `COUNT`.
pub const MAX_COUNTED_DAYS: usize = 1_000_000;

/// The maximum number of components of a file that are inside each other.
pub const MAX_NESTED: usize = 8;

/// The maximum number of characters of the summary of an event. It is cut off after that.
pub const MAX_SUMMARY: usize = 120;

/// How far ahead a change is looked for, in days of 24 hours.
pub const SEARCH_DAYS: i64 = 400;

/// The maximum number of mistakes of a definition that are named.
pub const MAX_MISTAKES: usize = 20;

/// How much may still be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    /// Events.
    pub events: usize,
    /// Events with a rule.
    pub recurring: usize,
    /// Dates that are added or left out.
    pub dates: usize,
    /// Days that are looked at to count.
    pub counted_days: usize,
}

impl Left {
    /// All that a calendar may have.
    pub const ALL: Self = Self {
        events: MAX_EVENTS,
        recurring: MAX_RECURRING,
        dates: MAX_DATES,
        counted_days: MAX_COUNTED_DAYS,
    };

    /// Takes one of something. Returns whether there was one.
    pub const fn take(left: &mut usize) -> bool {
        let rest = left.checked_sub(1);
        if let Some(rest) = rest {
            *left = rest;
        }
        rest.is_some()
    }
}
