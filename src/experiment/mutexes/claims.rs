//! Claims on mutexes, and who waits for them.
//!
//! A claim holds until the status of its experiment shows the run, and at the latest for a minute. After that, and after a
//! restart of the operator, the statuses alone count.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For how long a claim counts without a status. A pass that takes longer asks again before it creates a pod.
const CLAIM: Duration = Duration::from_secs(60);

/// For how long somebody counts as waiting who has not asked again. It is longer than the pause between two questions.
const PATIENCE: Duration = Duration::from_secs(45);

/// How many experiments wait for one mutex in an order. Those beyond come in any order.
const MAX_WAITING: usize = 1000;

/// The claims of all mutexes.
#[derive(Debug, Default)]
pub struct Claims(Mutex<HashMap<Key, Claim>>);

/// Namespace and name of a mutex.
type Key = (String, String);

/// One who claims or waits: the uid, and the name for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The uid of the experiment.
    pub uid: String,
    /// `NAMESPACE/NAME` of the experiment.
    pub key: String,
}

#[derive(Debug, Default)]
struct Claim {
    by: Option<(Claimant, Instant)>,
    /// Those who wait, the first one first, and when each asked last.
    waiting: Vec<(Claimant, Instant)>,
}

/// Why a mutex cannot be claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This experiment holds it.
    Held(String),
    /// It is free, and this experiment waits for longer.
    Before(String),
}

impl Claims {
    /// Claims a mutex. `holder` is the experiment that holds it by its status, if another one does.
    pub fn claim(
        &self,
        (namespace, name): (&str, &str),
        claimant: &Claimant,
        holder: Option<String>,
        now: Instant,
    ) -> Result<(), Taken> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let claim = all.entry((namespace.to_owned(), name.to_owned())).or_default();
        claim.by.take_if(|(_, since)| now.duration_since(*since) > CLAIM);
        claim.waiting.retain(|(_, asked)| now.duration_since(*asked) <= PATIENCE);
        let claimed = claim.by.as_ref().filter(|(by, _)| by.uid != claimant.uid);
        if let Some(held) = holder.or_else(|| claimed.map(|(by, _)| by.key.clone())) {
            claim.wait(claimant, now);
            return Err(Taken::Held(held));
        }
        if let Some((first, _)) = claim.waiting.first().filter(|(first, _)| first.uid != claimant.uid) {
            let first = first.key.clone();
            let is_waiting = claim.waiting.iter().any(|(known, _)| known.uid == claimant.uid);
            if is_waiting || claim.waiting.len() < MAX_WAITING {
                claim.wait(claimant, now);
                return Err(Taken::Before(first));
            }
        }
        claim.waiting.retain(|(known, _)| known.uid != claimant.uid);
        claim.by = Some((claimant.clone(), now));
        Ok(())
    }

    /// Takes back what an experiment claims and waits for.
    pub fn give_back(&self, uid: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, claim| {
            claim.by.take_if(|(by, _)| by.uid == uid);
            claim.waiting.retain(|(known, _)| known.uid != uid);
            claim.by.is_some() || !claim.waiting.is_empty()
        });
    }
}

impl Claim {
    fn wait(&mut self, claimant: &Claimant, now: Instant) {
        if let Some((_, asked)) = self.waiting.iter_mut().find(|(known, _)| known.uid == claimant.uid) {
            *asked = now;
        } else if self.waiting.len() < MAX_WAITING {
            self.waiting.push((claimant.clone(), now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str) -> Claimant {
        Claimant { uid: name.to_owned(), key: format!("ns/{name}") }
    }

    const DB: (&str, &str) = ("ns", "db");

    #[tokio::test(start_paused = true)]
    async fn a_mutex_has_one_claim_at_a_time_and_who_waits_longest_is_next() {
        let (claims, now) = (Claims::default(), Instant::now());
        let held = |by: &str| Err(Taken::Held(format!("ns/{by}")));
        assert_eq!(claims.claim(DB, &one("a"), None, now), Ok(()));
        assert_eq!(claims.claim(DB, &one("a"), None, now), Ok(()), "its own claim holds nobody up");
        assert_eq!(claims.claim(DB, &one("b"), None, now), held("a"));
        assert_eq!(claims.claim(DB, &one("c"), None, now), held("a"));
        assert_eq!(claims.claim(("ns", "other"), &one("c"), None, now), Ok(()));
        claims.give_back("a");
        assert_eq!(claims.claim(DB, &one("c"), None, now), Err(Taken::Before("ns/b".to_owned())));
        assert_eq!(claims.claim(DB, &one("b"), None, now), Ok(()));
        claims.give_back("b");
        assert_eq!(claims.claim(DB, &one("c"), None, now), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_status_says_counts_and_a_claim_without_one_ends() {
        let (claims, now) = (Claims::default(), Instant::now());
        let by = |name: &str| Some(format!("ns/{name}"));
        assert_eq!(claims.claim(DB, &one("a"), by("z"), now), Err(Taken::Held("ns/z".to_owned())));
        assert_eq!(claims.claim(DB, &one("a"), None, now), Ok(()));
        assert_eq!(claims.claim(DB, &one("b"), None, now + CLAIM), Err(Taken::Held("ns/a".to_owned())));
        let later = now + CLAIM + Duration::from_secs(1);
        assert_eq!(claims.claim(DB, &one("b"), None, later), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_ask_again_holds_nobody_up() {
        let (claims, now) = (Claims::default(), Instant::now());
        claims.claim(DB, &one("a"), None, now).unwrap();
        claims.claim(DB, &one("gone"), None, now).unwrap_err();
        claims.claim(DB, &one("b"), None, now + PATIENCE).unwrap_err();
        claims.give_back("a");
        let later = now + PATIENCE + Duration::from_secs(1);
        assert_eq!(claims.claim(DB, &one("b"), None, later), Ok(()));
    }
}
