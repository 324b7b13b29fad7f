//! The freezes as watched, and what they hold.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;
use kube::runtime::watcher;
use tracing::warn;

use crate::experiment::freezes::over::{self, Reach, Read};
use crate::experiment::hold::Hold;
use crate::process::bell::Bell;
use crate::process::health::ReadinessCheck;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Freeze, Stop};

/// A freeze as watched. One that cannot be read counts as one that lasts.
pub type Watched = DeserializeGuard<Freeze>;

/// The freezes as watched. Clones share them.
#[derive(Clone)]
pub struct Freezes {
    home: Arc<str>,
    /// Passes once all freezes were listed, or if the cluster has no such kind.
    listed: ReadinessCheck,
    state: Arc<Mutex<State>>,
    /// Rings when a freeze has begun, ended or changed.
    bell: Bell,
}

#[derive(Default)]
struct State {
    freezes: Vec<Read>,
    /// Why the freezes cannot be listed, if that is so.
    problem: Option<String>,
    /// The freeze that holds each experiment, by the uid of the experiment.
    held: BTreeMap<String, String>,
}

impl Freezes {
    /// Knows no freezes yet. The check passes once they are known.
    #[must_use]
    pub fn new(home: &str, listed: ReadinessCheck, bell: Bell) -> Self {
        Self { home: home.into(), listed, state: Arc::default(), bell }
    }

    /// Returns why no run may start now, if a freeze holds those with this reach. An error says that this is not known yet.
    pub fn hold(&self, uid: &str, reach: &Reach, now: Timestamp) -> Result<Option<Hold>, NotListed> {
        let mut state = self.state();
        if !self.listed.has_passed() {
            let unknown = |problem: &String| Hold {
                reason: Reason::Frozen,
                message: format!("nothing starts before the operator can list freezes: {problem}"),
                until: None,
                again: None,
            };
            return state.problem.as_ref().map(|problem| Some(unknown(problem))).ok_or(NotListed);
        }
        let found = over::held(state.freezes.iter(), &self.home, reach, now);
        let found = found.map(|freeze| (freeze.key(), freeze.hold()));
        let Some((key, hold)) = found else {
            state.held.remove(uid);
            return Ok(None);
        };
        state.held.insert(uid.to_owned(), key);
        Ok(Some(hold))
    }

    /// Whether a freeze holds the runs in a namespace.
    #[must_use]
    pub fn holds_in(&self, namespace: &str, now: Timestamp) -> bool {
        over::held(self.state().freezes.iter(), "", &Reach::in_namespace(namespace), now).is_some()
    }

    /// Returns why a run with this reach is to stop, if a freeze says so.
    #[must_use]
    pub fn stop(&self, reach: impl FnOnce() -> Reach, now: Timestamp) -> Option<Stop> {
        let state = self.state();
        if state.freezes.is_empty() {
            return None;
        }
        over::stopped(state.freezes.iter(), &self.home, &reach(), now).map(|freeze| freeze.stop(now))
    }

    /// Returns how many experiments each freeze holds. Forgets those that are gone, or whose run has ended.
    pub fn held(&self, is_open: impl Fn(&str) -> bool) -> BTreeMap<String, usize> {
        let mut state = self.state();
        state.held.retain(|uid, _| is_open(uid));
        let mut counts = BTreeMap::new();
        for key in state.held.values() {
            *counts.entry(key.clone()).or_default() += 1;
        }
        counts
    }

    /// Looks at the freezes after each event of their watch, and rings if one has begun, ended or changed. Each write of a
    /// status is an event as well, and must not bring a pass over all experiments.
    pub fn seen(&self, event: &watcher::Result<watcher::Event<Watched>>, store: &Store<Watched>) {
        match event {
            Err(error) if is_missing(error) => {
                if !self.listed.has_passed() {
                    warn!(
                        "the kind ChaosToolkitFreeze is not installed, so nobody can freeze runs: apply manifests/crd.yaml"
                    );
                    self.listed.pass();
                    self.bell.ring();
                }
            }
            Err(error) => {
                if !self.listed.has_passed() {
                    let mut state = self.state();
                    if state.problem.replace(error.to_string()).is_none() {
                        drop(state);
                        self.bell.ring();
                    }
                }
            }
            // The cache is that of before until the list is complete.
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
            Ok(_) => self.replace(store.state().iter().map(|freeze| read(freeze)).collect()),
        }
    }

    /// These are all freezes now.
    pub fn replace(&self, mut freezes: Vec<Read>) {
        freezes.sort_by_key(Read::key);
        let mut state = self.state();
        let is_first = state.problem.take().is_some() || !self.listed.has_passed();
        self.listed.pass();
        if state.freezes != freezes || is_first {
            state.freezes = freezes;
            drop(state);
            self.bell.ring();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The freezes were not listed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotListed;

/// Reads a freeze.
#[must_use]
pub fn read(freeze: &Watched) -> Read {
    match &freeze.0 {
        Ok(freeze) => Read::of(freeze),
        Err(_) => Read::unreadable(&freeze.namespace().unwrap_or_default(), &freeze.name_any()),
    }
}

/// Whether the API server does not know the kind.
fn is_missing(error: &watcher::Error) -> bool {
    let of = |error: &kube::Error| matches!(error, kube::Error::Api(status) if status.code == 404);
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => of(error),
        watcher::Error::WatchError(status) => status.code == 404,
        _ => false,
    }
}
