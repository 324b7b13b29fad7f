//! The one place that asks what time it is.

use k8s_openapi::jiff::Timestamp;

/// The time now, to the second: what a `metav1.Time` can hold.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the seam that the ban leads to")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
