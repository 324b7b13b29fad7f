//! How long an experiment that failed waits for its next pass: longer each time, never long, never all at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The first delay.
const FIRST: Duration = Duration::from_millis(500);

/// The longest delay. Short enough that a condition shows, and a cured cause is noticed, within half a minute.
const LONGEST: Duration = Duration::from_secs(15);

/// The delays of all failing experiments, by uid.
#[derive(Default)]
pub struct Backoff {
    failing: Mutex<HashMap<String, ExponentialBackoff>>,
}

impl Backoff {
    /// The delay after one more failure.
    pub fn next(&self, uid: &str) -> Duration {
        let mut failing = self.lock();
        let delays = failing.entry(uid.to_owned()).or_insert_with(|| {
            ExponentialBuilder::new()
                .with_min_delay(FIRST)
                .with_max_delay(LONGEST)
                .with_jitter()
                .without_max_times()
                .build()
        });
        // Jitter adds up to once more the delay; the limit holds for what comes out.
        delays.next().map_or(LONGEST, |delay| delay.min(LONGEST))
    }

    /// A pass went well.
    pub fn clear(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// A panic while the lock was held leaves nothing half-done: an entry is there or not.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, ExponentialBackoff>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_limit_and_start_over_after_success() {
        let backoff = Backoff::default();
        let delays: Vec<Duration> = (0..20).map(|_| backoff.next("a")).collect();
        assert!(delays[0] >= FIRST && delays[0] <= FIRST * 2, "{delays:?}");
        assert!(delays.iter().all(|delay| *delay <= LONGEST), "{delays:?}");
        assert_eq!(delays[19], LONGEST);
        backoff.clear("a");
        assert!(backoff.next("a") <= FIRST * 2);
        assert!(backoff.next("b") <= FIRST * 2, "one experiment's failures do not slow another");
    }
}
