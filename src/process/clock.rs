//! The one place that asks what time it is.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

/// The time now, to the second: what a `metav1.Time` can hold.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the seam that the ban leads to")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// How long it is from now until that time: a second at least, so that nobody asks again at once, and an hour at most, so
/// that a clock that was set does no lasting harm.
#[must_use]
pub fn until(time: Timestamp, now: Timestamp) -> Duration {
    let seconds = time.as_second().saturating_sub(now.as_second());
    Duration::from_secs(seconds.clamp(1, 3600).unsigned_abs())
}
