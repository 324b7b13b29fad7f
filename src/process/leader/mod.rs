//! Which of several operators works: the one that holds a [Lease] and goes on renewing it.
//!
//! The lease keeps operators out of each other's way. That a run starts once does not depend on it: names and finalizers
//! see to that, whoever believes to lead.
//!
//! Who cannot renew stops its work before anybody else may begin, goes back to waiting, and keeps its caches. No loss of
//! the lease ends the process.
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

/// One that wants the lease.
pub struct Candidate {
    api: Api<Lease>,
    claim: Claim,
    terms: TermSender,
    /// Beats with every step, whatever comes of it.
    heartbeat: Heartbeat,
    /// Reached once it is known who leads.
    leader_is_known: ReadinessCheck,
    observed: Observation,
    /// Our own lease as it was last written.
    held: Option<Lease>,
    leader: String,
    last_error: String,
}

impl Candidate {
    /// Wants the lease that the client's `api` has. The client must not retry by itself: a renewal that comes late is one
    /// for somebody else's lease.
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

    /// Takes and renews the lease until told to stop, and gives it up then.
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

    /// One step. Says how long it is until the next.
    async fn step(&mut self) -> Duration {
        match self.try_acquire_or_renew().await {
            Ok(wait) => {
                self.last_error.clear();
                wait
            }
            Err(error) => {
                // Once for each error, or it would be told every second.
                if self.last_error != error {
                    warn!("cannot use lease {}: {error}", self.claim.name);
                    self.last_error = error;
                }
                self.pause()
            }
        }
    }

    async fn try_acquire_or_renew(&mut self) -> Result<Duration, String> {
        // What we wrote last is renewed unseen: if it is not there any more, the version says so.
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
        // From before the call: however long the answer takes, for the others the time began later.
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
            // Somebody was faster, or the answer to our last renewal was lost. Who works has to know at once.
            debug!("lease {} is not as it was", self.claim.name);
            return Ok(if was_held { Duration::ZERO } else { self.pause() });
        }
        if self.terms.extend(began + self.deadline()) {
            info!(identity = self.claim.identity, "this operator leads");
        }
        self.leader.clone_from(&self.claim.identity);
        self.leader_is_known.pass();
        Ok(self.claim.duration * 2 / 15)
    }

    /// A write that the lease may have been too new, too old or too gone for: then there is none.
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

    /// Waits for an answer, but not for as long as the deadline.
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

    /// Gives the lease up, so that the next one need not wait.
    async fn release(&mut self) {
        // The work first: from here on another may lead.
        self.terms.end();
        // Twice, since the answer to the last renewal may have been lost.
        for _ in 0..2 {
            let lease = match self.held.take() {
                Some(held) => held,
                None => match self.ask("look it up", self.api.get_opt(&self.claim.name)).await {
                    Ok(Some(found)) if holder(&found) == Some(&self.claim.identity) => found,
                    Ok(_) => return,
                    Err(error) => return warn!("lease {} is not given up: {error}", self.claim.name),
                },
            };
            let free = self.claim.released(lease, clock::now());
            let parameters = parameters();
            match self.write("give it up", self.api.replace(&self.claim.name, &parameters, &free)).await {
                Ok(Some(_)) => return info!("gave up lease {}", self.claim.name),
                Ok(None) => {}
                Err(error) => return warn!("lease {} is not given up: {error}", self.claim.name),
            }
        }
    }

    fn note_leader(&mut self, holder: &str) {
        if self.leader != holder {
            info!(holder, "another operator leads; waiting");
            holder.clone_into(&mut self.leader);
        }
    }

    /// How long our own term lasts after a renewal: less than the others wait.
    fn deadline(&self) -> Duration {
        self.claim.duration * 2 / 3
    }

    /// How long it is until the next look.
    fn pause(&self) -> Duration {
        self.claim.duration / 15
    }
}

/// A name for this process that no other has: of the host, and a random part.
#[must_use]
pub fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "operator".to_owned());
    // The keys of a hash table are the randomness that the standard library has.
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{host}_{random:016x}")
}

/// All writes have the operator as their field manager.
fn parameters() -> PostParams {
    PostParams { field_manager: Some(names::FIELD_MANAGER.to_owned()), ..PostParams::default() }
}
