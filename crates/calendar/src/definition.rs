//! A calendar as people write it.

/// A calendar as people write it. [`crate::Calendar::new`] reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition<'a> {
    /// Name of the zone in the IANA database, such as `Europe/Berlin`. Defaults to UTC.
    pub time_zone: Option<&'a str>,
    /// When the calendar is open. Without windows it is always open, but for what follows.
    pub windows: Vec<WindowText<'a>>,
    /// When it is closed.
    pub exclude: Vec<ExclusionText<'a>>,
    /// The contents of iCalendar files. The calendar is closed during all their events.
    pub holidays: Vec<&'a [u8]>,
}

/// A window as people write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowText<'a> {
    /// The days of the week on which it begins: `Mon`, `Tue` and so on. Without any, it is all days.
    pub days: Vec<&'a str>,
    /// When it begins, as in `09:00`.
    pub from: &'a str,
    /// When it ends, as in `17:30` or `24:00`. With a time that is not after `from`, it ends on the next day.
    pub to: &'a str,
}

/// An exclusion as people write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExclusionText<'a> {
    /// When it begins: a day as in `2026-12-24`, or a local time as in `2026-12-24T18:00`.
    pub from: &'a str,
    /// When it ends. A day is excluded to its end.
    pub to: &'a str,
    /// Why, for those who wait.
    pub reason: &'a str,
}
