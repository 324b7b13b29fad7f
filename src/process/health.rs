//! The health of the process, for the liveness probe and the readiness probe.
//!
//! The process is live as long as each of its parts has a recent heartbeat. It is ready when all readiness checks have
//! passed.
//!
//! A part that fails and tries again still beats. If the API server is down, a restart would not help. A part that neither
//! succeeds nor fails is stuck, and only a restart helps.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The heartbeats and the readiness checks of the process. Clones share them.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Checks>>);

#[derive(Default)]
struct Checks {
    heartbeats: Vec<(String, Duration, Heartbeat)>,
    readiness_checks: Vec<(String, ReadinessCheck)>,
}

impl Health {
    /// Adds a part of the process, whose heartbeat must not be older than the limit.
    #[must_use]
    pub fn heartbeat(&self, part: impl Into<String>, limit: Duration) -> Heartbeat {
        let heartbeat = Heartbeat::default();
        self.lock().heartbeats.push((part.into(), limit, heartbeat.clone()));
        heartbeat
    }

    /// Adds a check that has to pass once before the process is ready.
    #[must_use]
    pub fn readiness_check(&self, what: impl Into<String>) -> ReadinessCheck {
        let check = ReadinessCheck::default();
        self.lock().readiness_checks.push((what.into(), check.clone()));
        check
    }

    /// Returns an error that names each part without a recent heartbeat.
    pub fn alive(&self) -> Result<(), String> {
        let checks = self.lock();
        let silent: Vec<String> = checks
            .heartbeats
            .iter()
            .map(|(part, limit, heartbeat)| (part, limit, heartbeat.silence()))
            .filter(|(_, limit, silence)| silence > *limit)
            .map(|(part, limit, silence)| {
                format!("{part}: no sign of life for {silence:.0?}, limit {limit:?}")
            })
            .collect();
        if silent.is_empty() { Ok(()) } else { Err(silent.join("\n")) }
    }

    /// Returns an error that names each readiness check that has not passed yet.
    pub fn ready(&self) -> Result<(), String> {
        let checks = self.lock();
        let missing = checks.readiness_checks.iter().filter(|(_, check)| !check.has_passed());
        let missing: Vec<String> = missing.map(|(what, _)| format!("not yet: {what}")).collect();
        if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
    }

    /// Ignores that the lock is poisoned: a panic leaves no entry half-written.
    fn lock(&self) -> MutexGuard<'_, Checks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The heartbeat of a part of the process. Clones share it.
#[derive(Clone)]
pub struct Heartbeat {
    began: Instant,
    /// The time of the last beat, in milliseconds after `began`.
    last: Arc<AtomicU64>,
}

impl Default for Heartbeat {
    /// Creates a heartbeat. Its creation counts as the first beat.
    fn default() -> Self {
        Self { began: Instant::now(), last: Arc::default() }
    }
}

impl Heartbeat {
    /// Records a beat.
    pub fn beat(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.fetch_max(now, Ordering::Relaxed);
    }

    /// Returns the time since the last beat.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

/// A check that passes once and stays passed. Clones share it.
#[derive(Clone, Default)]
pub struct ReadinessCheck(Arc<AtomicBool>);

impl ReadinessCheck {
    /// Marks the check as passed.
    pub fn pass(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the check has passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Beats each second. The beats stop if the event loop is stuck.
pub async fn beat_every_second(heartbeat: Heartbeat) {
    loop {
        heartbeat.beat();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_silent_for_too_long_is_named_and_a_beat_cures_it() {
        let health = Health::default();
        let slow = health.heartbeat("the slow one", Duration::from_secs(60));
        let _fast = health.heartbeat("the fast one", Duration::from_secs(90));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(health.alive(), Ok(()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(health.alive(), Err("the slow one: no sign of life for 61s, limit 60s".to_owned()));
        slow.beat();
        assert_eq!(health.alive(), Ok(()));
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(health.alive().unwrap_err().lines().count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_heartbeat_goes_on() {
        let health = Health::default();
        tokio::spawn(beat_every_second(health.heartbeat("the event loop", Duration::from_secs(2))));
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert_eq!(health.alive(), Ok(()));
        }
    }

    #[tokio::test]
    async fn it_is_ready_once_every_milestone_is_reached() {
        let health = Health::default();
        let [first, second] = ["one", "two"].map(|what| health.readiness_check(what));
        second.pass();
        assert_eq!(health.ready(), Err("not yet: one".to_owned()));
        first.pass();
        assert_eq!(health.ready(), Ok(()));
    }
}
