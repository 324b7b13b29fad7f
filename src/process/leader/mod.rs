//! Elects the one of several operators that works. The leader holds a [Lease] and renews it.
//!
//! The lease keeps operators from disturbing each other. It is not what ensures that a run starts only once. Names and
//! finalizers ensure this, even if two operators believe that they lead.
//!
//! A leader that cannot renew the lease stops its work before another operator may lead. It keeps its caches and waits for
//! the lease again. The process does not end.
//!
//! [Lease]: https://kubernetes.io/docs/concepts/architecture/leases/

pub mod claim;
pub mod term;

use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::process::clock;
use crate::process::health::{Heartbeat, ReadinessCheck};
use chaostoolkit_api::names;
use claim::{Claim, Observation, Step, holder};
use term::{Leadership, TermSender};

/// A candidate in the election.
pub struct Candidate {
    api: Api<Lease>,
    claim: Claim,
    terms: TermSender,
    /// Beats with every step, whether it succeeds or not.
    heartbeat: Heartbeat,
    /// Passes when the leader is known.
    leader_is_known: ReadinessCheck,
    observed: Observation,
    /// The lease as this process last wrote it, if this process holds it.
    held: Option<Lease>,
    leader: String,
    last_error: String,
}

impl Candidate {
    /// Creates a candidate for a lease. The client must not retry by itself: a late retry could renew the lease after another
    /// process has acquired it.
    #[must_use]
    pub fn new(
        api: Api<Lease>,
        claim: Claim,
        heartbeat: Heartbeat,
        leader_is_known: ReadinessCheck,
    ) -> (Self, Leadership) {
        let (terms, leadership) = term::channel();
        let observed = Observation::default();
        let (leader, last_error) = Default::default();
        (
            Self { api, claim, terms, heartbeat, leader_is_known, observed, held: None, leader, last_error },
            leadership,
        )
    }

    /// Acquires and renews the lease until `stop` is cancelled, and releases it then.
    pub async fn run(mut self, stop: CancellationToken) {
        let turns = async {
            loop {
                let wait = self.step().await;
                self.heartbeat.beat();
                tokio::time::sleep(wait).await;
                self.heartbeat.beat();
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = turns => {}
        }
        self.release().await;
    }

    /// Takes one step. Returns the time until the next one.
    async fn step(&mut self) -> Duration {
        match self.try_acquire_or_renew().await {
            Ok(wait) => {
                self.last_error.clear();
                wait
            }
            Err(error) => {
                // Log each error once, not with every step.
                if self.last_error != error {
                    warn!("cannot use lease {}: {error}", self.claim.name);
                    self.last_error = error;
                }
                self.pause()
            }
        }
    }

    async fn try_acquire_or_renew(&mut self) -> Result<Duration, String> {
        // Renew without reading the lease first. If it has changed, its version causes a conflict.
        let step = if let Some(held) = self.held.clone() {
            Step::Replace(self.claim.acquired(held, clock::now()))
        } else {
            let found = self.ask("look it up", self.api.get_opt(&self.claim.name)).await?;
            let holder = found.as_ref().and_then(holder).cloned();
            let step = self.observed.next_step(found, &self.claim, Instant::now(), clock::now());
            if let (Step::Wait(_), Some(holder)) = (&step, holder) {
                self.terms.end();
                self.leader_is_known.pass();
                self.note_leader(&holder);
            }
            step
        };
        // The time before the call. For other processes, the lease starts later, however long the call takes.
        let began = Instant::now();
        let parameters = parameters();
        let written = match step {
            Step::Wait(left) => return Ok(left.min(self.pause())),
            Step::Create(lease) => self.write("create it", self.api.create(&parameters, &lease)).await?,
            Step::Replace(lease) => {
                self.write("renew it", self.api.replace(&self.claim.name, &parameters, &lease)).await?
            }
        };
        let was_held = std::mem::replace(&mut self.held, written).is_some();
        if self.held.is_none() {
            // Another process was faster, or the response to the last renewal was lost. A leader has to know immediately.
            debug!(lease = self.claim.name, "the lease has changed");
            return Ok(if was_held { Duration::ZERO } else { self.pause() });
        }
        if self.terms.extend(began + self.deadline()) {
            info!(identity = self.claim.identity, "this operator leads");
        }
        self.leader.clone_from(&self.claim.identity);
        self.leader_is_known.pass();
        Ok(self.claim.duration * 2 / 15)
    }

    /// Writes the lease. Returns `None` if the lease has changed, was created or was deleted in the meantime.
    async fn write(
        &self,
        doing: &str,
        request: impl Future<Output = Result<Lease, kube::Error>>,
    ) -> Result<Option<Lease>, String> {
        let gone = |error: &kube::Error| matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 409));
        self.ask(doing, async {
            match request.await {
                Err(error) if gone(&error) => Ok(None),
                written => written.map(Some),
            }
        })
        .await
    }

    /// Calls the API server with a time limit, which is shorter than the time until the term ends.
    async fn ask<T>(
        &self,
        doing: &str,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, String> {
        let limit = self.claim.duration / 3;
        match timeout(limit, request).await {
            Ok(answer) => answer.map_err(|error| format!("cannot {doing}: {error}")),
            Err(_) => Err(format!("cannot {doing}: no answer within {limit:?}")),
        }
    }

    /// Releases the lease, so that the next leader need not wait for its expiry.
    async fn release(&mut self) {
        // End the work first, since another process may lead from here on.
        self.terms.end();
        // Try twice, since the response to the last renewal may have been lost.
        for _ in 0..2 {
            let lease = match self.held.take() {
                Some(held) => held,
                None => match self.ask("look it up", self.api.get_opt(&self.claim.name)).await {
                    Ok(Some(found)) if holder(&found) == Some(&self.claim.identity) => found,
                    Ok(_) => return,
                    Err(error) => return warn!(error, lease = self.claim.name, "cannot release the lease"),
                },
            };
            let free = self.claim.released(lease, clock::now());
            let parameters = parameters();
            match self.write("release it", self.api.replace(&self.claim.name, &parameters, &free)).await {
                Ok(Some(_)) => return info!(lease = self.claim.name, "released the lease"),
                Ok(None) => {}
                Err(error) => return warn!(error, lease = self.claim.name, "cannot release the lease"),
            }
        }
    }

    fn note_leader(&mut self, holder: &str) {
        if self.leader != holder {
            info!(holder, "another operator leads; waiting");
            holder.clone_into(&mut self.leader);
        }
    }

    /// Returns the duration of a term after a renewal. It is shorter than the time that other processes wait.
    fn deadline(&self) -> Duration {
        self.claim.duration * 2 / 3
    }

    /// Returns the time until the next step if another process leads, or after an error.
    fn pause(&self) -> Duration {
        self.claim.duration / 15
    }
}

/// Returns a unique identity for this process, which consists of the host name and a random part.
#[must_use]
pub fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "operator".to_owned());
    // The standard library has no other source of randomness than the keys of hash tables.
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{host}_{random:016x}")
}

/// Returns the parameters of a write, with the operator as the field manager.
fn parameters() -> PostParams {
    PostParams { field_manager: Some(names::FIELD_MANAGER.to_owned()), ..PostParams::default() }
}
