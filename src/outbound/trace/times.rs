//! The times of spans, in nanoseconds. A parent begins before its children and ends after them, whatever a journal says.

use k8s_openapi::jiff::Timestamp;

/// A span of time. The end is not before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The start.
    pub start: u64,
    /// The end.
    pub end: u64,
}

impl Times {
    /// A time that took no time.
    pub const fn at(time: u64) -> Self {
        Self { start: time, end: time }
    }

    /// What is known of a start and an end. Without a start, there is no time.
    pub fn of(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<Self> {
        let start = nanoseconds(start?)?;
        Some(Self { start, end: end.and_then(nanoseconds).unwrap_or(start).max(start) })
    }

    /// The time with as much before as after it, in nanoseconds.
    pub const fn widened(self, by: u64) -> Self {
        Self { start: self.start.saturating_sub(by), end: self.end.saturating_add(by) }
    }

    /// What is known of a start and an end, if that is within the bounds.
    pub fn within(bounds: Option<Self>, start: Option<Timestamp>, end: Option<Timestamp>) -> Option<Self> {
        let is_within =
            |times: &Self| bounds.is_none_or(|bounds| bounds.start <= times.start && times.end <= bounds.end);
        Self::of(start, end).filter(is_within)
    }

    /// Makes the time long enough for another one.
    pub fn enclose(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Returns a time since 1970, unless it is before that or cannot be represented.
pub fn nanoseconds(time: Timestamp) -> Option<u64> {
    u64::try_from(time.as_nanosecond()).ok()
}
