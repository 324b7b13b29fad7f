//! Whether the process is well, for the probes: it is alive as long as nothing in it has fallen silent, and ready once
//! everything has been reached that it needs for its work.
//!
//! Silence counts, not failure. A part that fails and tries again is alive: a restart would not help where the API
//! server is what is down. A part that neither succeeds nor fails has got stuck, and a restart is all that helps.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What the probes ask. Clones are the same.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Signs>>);

#[derive(Default)]
struct Signs {
    heartbeats: Vec<(&'static str, Duration, Heartbeat)>,
    readiness_checks: Vec<(&'static str, ReadinessCheck)>,
}

impl Health {
    /// Adds a part that must not be silent for longer than the limit.
    #[must_use]
    pub fn heartbeat(&self, part: &'static str, limit: Duration) -> Heartbeat {
        let heartbeat = Heartbeat::default();
        self.lock().heartbeats.push((part, limit, heartbeat.clone()));
        heartbeat
    }

    /// Adds something that has to be reached once.
    #[must_use]
    pub fn readiness_check(&self, what: &'static str) -> ReadinessCheck {
        let check = ReadinessCheck::default();
        self.lock().readiness_checks.push((what, check.clone()));
        check
    }

    /// What has fallen silent, if anything has.
    pub fn alive(&self) -> Result<(), String> {
        let signs = self.lock();
        let silent: Vec<String> = signs
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

    /// What has not been reached yet, if anything has not.
    pub fn ready(&self) -> Result<(), String> {
        let signs = self.lock();
        let missing = signs.readiness_checks.iter().filter(|(_, check)| !check.has_passed());
        let missing: Vec<String> = missing.map(|(what, _)| format!("not yet: {what}")).collect();
        if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
    }

    /// A panic while the lock was held leaves nothing half-done: an entry is there or not.
    fn lock(&self) -> MutexGuard<'_, Signs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part's sign of life.
#[derive(Clone)]
pub struct Heartbeat {
    began: Instant,
    /// Milliseconds from there to the last beat.
    last: Arc<AtomicU64>,
}

impl Default for Heartbeat {
    /// Just begun, which counts as a beat.
    fn default() -> Self {
        Self { began: Instant::now(), last: Arc::default() }
    }
}

impl Heartbeat {
    /// Something has happened.
    pub fn beat(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.fetch_max(now, Ordering::Relaxed);
    }

    /// How long nothing has happened.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

/// Something that is reached once, and from then on.
#[derive(Clone, Default)]
pub struct ReadinessCheck(Arc<AtomicBool>);

impl ReadinessCheck {
    /// It is reached.
    pub fn pass(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Beats as long as tasks get their turn and timers fire.
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
