//! The current time. All other code gets it from here.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Returns the current time in whole seconds, which is the resolution of a `metav1.Time`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the seam that the ban leads to")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// By how many seconds the clock of the API server is ahead of the clock of this process.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// The largest difference that counts as none. A response takes time, and both clocks show whole seconds.
const TOLERANCE: i64 = 2;

/// Records what time it is by the clock of the API server.
pub fn heard(server: Timestamp) {
    let ahead = server.as_second() - now().as_second();
    AHEAD.store(if ahead.abs() <= TOLERANCE { 0 } else { ahead }, Ordering::Relaxed);
}

/// Returns the current time by the clock of the API server, as far as its responses told. For comparisons with times that
/// the API server or a controller of Kubernetes has set.
#[must_use]
pub fn of_server() -> Timestamp {
    let ahead = SignedDuration::from_secs(AHEAD.load(Ordering::Relaxed));
    now().saturating_add(ahead).unwrap_or_else(|_| now())
}

/// The longest time for which anything waits: about 30 years.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Returns the instant after a wait. A wait that is longer than any clock counts as 30 years.
#[must_use]
pub fn after(now: Instant, wait: Duration) -> Instant {
    now + wait.min(FOREVER)
}

/// Returns the duration from now until a time, limited to the range from one second to one hour.
///
/// The lower limit prevents an immediate next pass. The upper limit bounds the effect of a clock that was set wrong.
#[must_use]
pub fn until(time: Timestamp, now: Timestamp) -> Duration {
    let seconds = time.as_second().saturating_sub(now.as_second());
    Duration::from_secs(seconds.clamp(1, 3600).unsigned_abs())
}
