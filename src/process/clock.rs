//! The current time. All other code gets it from here.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

/// Returns the current time in whole seconds, which is the resolution of a `metav1.Time`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the seam that the ban leads to")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Returns the duration from now until a time, limited to the range from one second to one hour.
///
/// The lower limit prevents an immediate next pass. The upper limit bounds the effect of a clock that was set wrong.
#[must_use]
pub fn until(time: Timestamp, now: Timestamp) -> Duration {
    let seconds = time.as_second().saturating_sub(now.as_second());
    Duration::from_secs(seconds.clamp(1, 3600).unsigned_abs())
}
