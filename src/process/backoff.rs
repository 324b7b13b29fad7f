//! The delays before a failed experiment or a failed watch is tried again.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use kube::runtime::{utils, watcher};
use tokio::time::Instant;

/// The first delay.
const FIRST: Duration = Duration::from_millis(500);

/// The longest delay. It is short enough that a condition appears, and a fixed cause is noticed, within half a minute.
const LONGEST: Duration = Duration::from_secs(15);

/// The longest delay if only people can help.
const LONGEST_BLOCKED: Duration = Duration::from_secs(300);

/// By which part of its age the delay of a blocked experiment grows: a block of an hour is looked at every five minutes.
const PART: u32 = 12;

/// The delays of all failing experiments, by uid.
#[derive(Default)]
pub struct Backoff {
    failing: Mutex<HashMap<String, Failing>>,
}

/// An experiment whose passes fail.
struct Failing {
    /// When the first of these passes failed.
    since: Instant,
    delays: ExponentialBackoff,
    /// What only people can mend, and since when it is the same.
    block: Option<(String, Instant)>,
}

impl Default for Failing {
    fn default() -> Self {
        let delays = ExponentialBuilder::new()
            .with_min_delay(FIRST)
            .with_max_delay(LONGEST)
            .with_jitter()
            .without_max_times()
            .build();
        Self { since: Instant::now(), delays, block: None }
    }
}

impl Backoff {
    /// Returns the delay after another failure of an experiment.
    pub fn next(&self, uid: &str) -> Duration {
        let delay = self.lock().entry(uid.to_owned()).or_default().delays.next();
        // Jitter adds up to the same delay again. The limit applies to the sum.
        delay.map_or(LONGEST, |delay| delay.min(LONGEST))
    }

    /// Returns the delay after another failure that only people can mend. It grows with the time for which this block is the
    /// same.
    pub fn next_blocked(&self, uid: &str, block: &str) -> Duration {
        let now = Instant::now();
        let since = {
            let mut failing = self.lock();
            let failing = failing.entry(uid.to_owned()).or_default();
            match &failing.block {
                Some((known, since)) if known == block => *since,
                _ => failing.block.insert((block.to_owned(), now)).1,
            }
        };
        self.next(uid).max(of_age(now.saturating_duration_since(since)))
    }

    /// Returns for how long the passes of an experiment have failed, since the last successful one.
    pub fn failing_for(&self, uid: &str) -> Duration {
        self.lock().entry(uid.to_owned()).or_default().since.elapsed()
    }

    /// Resets the delay of an experiment after a successful pass.
    pub fn clear(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// Forgets the experiments that are gone: those whose uid is not among these. They have no successful pass any more.
    pub fn keep_only(&self, known: impl FnOnce() -> HashSet<String>) {
        let mut failing = self.lock();
        if !failing.is_empty() {
            let known = known();
            failing.retain(|uid, _| known.contains(uid));
        }
    }

    /// Ignores that the lock is poisoned: a panic leaves no entry half-written.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the delay for a block of this age, once that is longer than any other delay.
fn of_age(age: Duration) -> Duration {
    let delay = (age / PART).min(LONGEST_BLOCKED);
    if delay > LONGEST { delay } else { Duration::ZERO }
}

/// Returns the delays before a failed watch is restarted. kube-runtime itself waits for up to a minute. These delays are
/// shorter, so that runs continue soon after the API server is back.
#[must_use]
pub fn of_watch() -> watcher::ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST / 2)
        .with_jitter()
        .without_max_times()
        .into()
}

/// A backoff without delay, for the controller. With another backoff, the failure of one watch would pause all watches of
/// the controller. Each watch already has a delay of its own.
#[derive(Debug)]
pub struct NoDelay;

impl Iterator for NoDelay {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}

impl utils::Backoff for NoDelay {
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_watch_is_started_again_within_15_seconds_however_often_it_has_failed() {
        let delays: Vec<Duration> = of_watch().take(100).collect();
        assert_eq!(delays.len(), 100, "it is never given up");
        assert!(delays[0] <= FIRST * 2 && delays.iter().all(|delay| *delay <= LONGEST), "{delays:?}");
    }

    #[test]
    fn a_watch_that_fails_does_not_hold_up_the_others() {
        let delays: Vec<Duration> = NoDelay.take(100).collect();
        assert_eq!(delays, [Duration::ZERO; 100], "and the controller never gives up");
    }

    #[rstest]
    #[case::at_first(0, 0)]
    #[case::three_minutes(180, 0)]
    #[case::six_minutes(360, 30)]
    #[case::half_an_hour(1800, 150)]
    #[case::an_hour(3600, 300)]
    #[case::a_year(31_536_000, 300)]
    fn the_older_a_block_the_longer_the_delay(#[case] age: u64, #[case] delay: u64) {
        assert_eq!(of_age(Duration::from_secs(age)), Duration::from_secs(delay));
    }

    #[tokio::test(start_paused = true)]
    async fn another_block_is_looked_at_as_often_as_a_new_one() {
        let backoff = Backoff::default();
        for _ in 0..20 {
            assert!(backoff.next_blocked("a", "1 Forbidden") <= LONGEST);
        }
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(backoff.next_blocked("a", "1 Forbidden"), LONGEST_BLOCKED);
        assert_eq!(backoff.next("a"), LONGEST, "what passes by itself is not waited for longer");
        assert!(backoff.next_blocked("a", "2 Forbidden") <= LONGEST, "the spec was edited");
        assert!(backoff.failing_for("a") >= Duration::from_secs(3600), "it has failed all the time");
    }

    #[test]
    fn experiments_that_are_gone_are_forgotten() {
        let backoff = Backoff::default();
        backoff.keep_only(|| unreachable!("nobody is asked while nothing fails"));
        for uid in 0..100 {
            backoff.next(&uid.to_string());
        }
        backoff.failing_for("7");
        let delay = (0..20).map(|_| backoff.next("7")).last();
        backoff.keep_only(|| ["7".to_owned(), "other".to_owned()].into());
        assert_eq!(backoff.lock().keys().collect::<Vec<_>>(), ["7"]);
        assert_eq!(
            (delay, backoff.next("7")),
            (Some(LONGEST), LONGEST),
            "one that fails still waits as long"
        );
    }

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
