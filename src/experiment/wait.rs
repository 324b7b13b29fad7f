//! What brings the next pass of an experiment.

use std::time::Duration;

use kube::runtime::controller::Action;
use tokio::time::Instant;

/// What a pass waits for: a change in any case, and a time if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(Option<Duration>);

impl Wait {
    /// Waits for the next change alone.
    #[must_use]
    pub const fn for_change() -> Self {
        Self(None)
    }

    /// Waits for the next change, at most for this time.
    #[must_use]
    pub const fn at_most(time: Duration) -> Self {
        Self(Some(time))
    }

    /// The time at which it ends without a change.
    #[must_use]
    pub fn end(self) -> Option<Instant> {
        self.0.and_then(|time| Instant::now().checked_add(time))
    }

    /// Waits until this time, if there is one.
    #[must_use]
    pub fn until(end: Option<Instant>) -> Self {
        Self(end.map(|end| end.saturating_duration_since(Instant::now())))
    }
}

impl From<Wait> for Action {
    fn from(Wait(time): Wait) -> Self {
        time.map_or_else(Self::await_change, Self::requeue)
    }
}
