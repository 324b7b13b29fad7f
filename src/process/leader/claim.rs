//! Decides the next step of the election from the lease that was read. Pure.
//!
//! The lease of another process expires if this process has not observed a change for the duration of the lease. client-go
//! uses the same rule. The times in the lease come from other clocks and are only for people.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

/// The lease that a process wants, and the process that wants it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The name of the lease.
    pub name: String,
    /// The identity of this process.
    pub identity: String,
    /// The duration of the lease after a renewal. Other processes wait for this time.
    pub duration: Duration,
}

/// The next step of the election.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The lease does not exist: create it.
    Create(Lease),
    /// The lease is free, ours, or has expired: replace it. The replacement has the version that was read.
    Replace(Lease),
    /// Another process holds the lease. It expires after this time, unless it is renewed.
    Wait(Duration),
}

/// The last observed version of the lease, and the time when it was first observed.
#[derive(Default)]
pub struct Observation {
    last: Option<(String, Instant)>,
}

impl Observation {
    /// Returns the next step for the lease that was just read.
    pub fn next_step(&mut self, found: Option<Lease>, claim: &Claim, now: Instant, clock: Timestamp) -> Step {
        let Some(lease) = found else {
            self.last = None;
            return Step::Create(claim.acquired(Lease::default(), clock));
        };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let since = match &self.last {
            Some((seen, since)) if *seen == version => *since,
            _ => now,
        };
        self.last = Some((version, since));
        let holder = holder(&lease);
        if holder.is_none() || holder == Some(&claim.identity) {
            return Step::Replace(claim.acquired(lease, clock));
        }
        let promised = lease.spec.as_ref().and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok());
        let lasts = promised.map_or(claim.duration, Duration::from_secs);
        let left = (since + lasts).saturating_duration_since(now);
        if left.is_zero() { Step::Replace(claim.acquired(lease, clock)) } else { Step::Wait(left) }
    }
}

/// Returns the holder of the lease, if there is one.
#[must_use]
pub fn holder(lease: &Lease) -> Option<&String> {
    lease.spec.as_ref()?.holder_identity.as_ref().filter(|holder| !holder.is_empty())
}

impl Claim {
    /// Returns the lease as this process renews or acquires it.
    #[must_use]
    pub fn acquired(&self, lease: Lease, clock: Timestamp) -> Lease {
        let is_ours = holder(&lease) == Some(&self.identity);
        let old = lease.spec.unwrap_or_default();
        let changes = old.lease_transitions.unwrap_or_default();
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
            acquire_time: if is_ours { old.acquire_time.clone() } else { Some(MicroTime(clock)) },
            renew_time: Some(MicroTime(clock)),
            lease_transitions: Some(changes.saturating_add(i32::from(!is_ours))),
            ..old
        };
        Lease { metadata: self.named(lease.metadata), spec: Some(spec) }
    }

    /// Returns the lease as this process releases it. Another process can acquire it immediately.
    #[must_use]
    pub fn released(&self, lease: Lease, clock: Timestamp) -> Lease {
        let spec = LeaseSpec {
            holder_identity: None,
            lease_duration_seconds: Some(1),
            renew_time: Some(MicroTime(clock)),
            ..lease.spec.unwrap_or_default()
        };
        Lease { metadata: self.named(lease.metadata), spec: Some(spec) }
    }

    fn named(&self, metadata: ObjectMeta) -> ObjectMeta {
        ObjectMeta { name: Some(self.name.clone()), ..metadata }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn claim(identity: &str) -> Claim {
        Claim { name: "lease".into(), identity: identity.into(), duration: Duration::from_secs(15) }
    }

    fn clock(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn lease(holder: &str, version: &str) -> Lease {
        let mut lease = claim(holder).acquired(Lease::default(), clock(0));
        lease.metadata.resource_version = Some(version.to_owned());
        lease
    }

    fn wait(seconds: u64) -> Step {
        Step::Wait(Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn anothers_lease_is_left_alone_until_it_has_not_changed_for_its_time() {
        let (mut observed, me) = (Observation::default(), claim("b"));
        // The clock that wrote the lease may be far behind or far ahead.
        let mut next_step =
            |lease: Lease, second| observed.next_step(Some(lease), &me, Instant::now(), clock(second));
        assert_eq!(next_step(lease("a", "1"), 1_000_000), wait(15));
        tokio::time::advance(Duration::from_secs(14)).await;
        assert_eq!(next_step(lease("a", "1"), -1_000_000), wait(1));
        assert_eq!(next_step(lease("a", "2"), 0), wait(15));
        tokio::time::advance(Duration::from_secs(15)).await;
        let Step::Replace(taken) = next_step(lease("a", "2"), 7) else { panic!("it has run out") };
        assert_eq!(taken.metadata.resource_version.as_deref(), Some("2"), "bound to what was seen");
        let spec = taken.spec.unwrap();
        assert_eq!(spec.holder_identity.as_deref(), Some("b"));
        assert_eq!((spec.lease_transitions, spec.acquire_time), (Some(2), Some(MicroTime(clock(7)))));
    }

    #[tokio::test(start_paused = true)]
    async fn the_promise_of_the_holder_counts_and_not_our_own_setting() {
        let mut long = lease("a", "1");
        long.spec.as_mut().unwrap().lease_duration_seconds = Some(60);
        let step = Observation::default().next_step(Some(long), &claim("b"), Instant::now(), clock(0));
        assert_eq!(step, wait(60));
    }

    #[tokio::test]
    async fn our_own_lease_is_renewed_at_once_whichever_life_it_is_from() {
        let step =
            Observation::default().next_step(Some(lease("a", "5")), &claim("a"), Instant::now(), clock(9));
        let Step::Replace(renewed) = step else { panic!("{step:?}") };
        let spec = renewed.spec.unwrap();
        assert_eq!((spec.lease_transitions, spec.acquire_time), (Some(1), Some(MicroTime(clock(0)))));
        assert_eq!(spec.renew_time, Some(MicroTime(clock(9))));
    }

    #[rstest]
    #[case::given_up(Some(claim("a").released(lease("a", "1"), clock(0))))]
    #[case::empty(Some(Lease::default()))]
    #[tokio::test]
    async fn a_lease_that_nobody_has_is_taken_at_once(#[case] found: Option<Lease>) {
        let step = Observation::default().next_step(found, &claim("b"), Instant::now(), clock(0));
        assert!(matches!(step, Step::Replace(_)), "{step:?}");
    }

    #[tokio::test]
    async fn a_lease_that_is_not_there_is_created_under_its_name() {
        let step = Observation::default().next_step(None, &claim("b"), Instant::now(), clock(0));
        let Step::Create(made) = step else { panic!("{step:?}") };
        assert_eq!((made.metadata.name.as_deref(), holder(&made)), (Some("lease"), Some(&"b".to_owned())));
    }
}
