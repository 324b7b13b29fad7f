//! Keeps the list of runs at the API server.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kube::api::{DynamicObject, PostParams};
use serde_json::json;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::cluster::{self, Cluster, posting};
use crate::experiment::apart::list::{Entry, List, MAX_BYTES};
use crate::experiment::error::Error;
use chaostoolkit_api::names;

/// For how long an entry stays in any case. By then the caches have the experiment that it is about.
pub const FRESH: Duration = Duration::from_secs(120);

/// How often a write is tried that somebody else's write overtakes.
const ATTEMPTS: usize = 5;

/// What the policy answers to the question whether it is in force. The message is in `kustomize/base/policy.yaml`.
const IN_FORCE: &str = "the policy that keeps runs apart is in force";

/// The list, and what is known of the policy.
pub struct Keeper {
    cluster: Cluster,
    /// The operator's namespace. Without one, nothing is listed.
    namespace: Option<String>,
    /// Whether the policy is in force. `None`: nobody has asked yet.
    in_force: Mutex<Option<bool>>,
    /// What waits to be written. One write takes all of it, however many passes wait.
    pending: Mutex<Vec<Entry>>,
    pub(super) state: tokio::sync::Mutex<State>,
}

/// What this process knows of the object.
#[derive(Default)]
pub struct State {
    /// The object as it was last read or written. `None` if that is not certain any more.
    known: Option<Known>,
    /// What was last written. The object is made from it again if somebody deletes it.
    written: List,
    /// When entries were last asked for, by namespace and suffix.
    listed: HashMap<(String, String), Instant>,
    /// How many sweeps there were.
    pub(super) sweeps: u32,
    /// Where the next sweep begins to look for accounts that are gone.
    pub(super) cursor: usize,
}

struct Known {
    /// `None` if the object does not exist.
    object: Option<DynamicObject>,
    list: List,
}

impl Keeper {
    /// Keeps the list in the operator's namespace.
    #[must_use]
    pub fn new(cluster: Cluster, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..Self::off(cluster) }
    }

    /// Keeps no list.
    #[must_use]
    pub fn off(cluster: Cluster) -> Self {
        Self {
            cluster,
            namespace: None,
            in_force: Mutex::default(),
            pending: Mutex::default(),
            state: tokio::sync::Mutex::default(),
        }
    }

    /// Lists what a run is about to create and to execute. Returns once that is written.
    ///
    /// Without a policy in force nothing is written. As long as it is not known whether there is one, a failure is only
    /// logged, since the run would start without a policy, too.
    pub async fn list(&self, entry: Entry) -> Result<(), Error> {
        let in_force = self.in_force();
        if self.namespace.is_none() || in_force == Some(false) {
            return Ok(());
        }
        match self.write_entry(entry).await {
            Err(error) if in_force.is_none() => {
                warn!("cannot list a run for the policy that keeps runs apart: {}", error.describe());
                Ok(())
            }
            listed => listed,
        }
    }

    async fn write_entry(&self, entry: Entry) -> Result<(), Error> {
        lock(&self.pending).push(entry.clone());
        let mut state = self.state.lock().await;
        state.listed.insert((entry.namespace.clone(), entry.suffix.clone()), Instant::now());
        // One that a failed or cut off write has taken is still brought by the pass that waits for it.
        let waiting = std::mem::take(&mut *lock(&self.pending));
        self.change(&mut state, |list| {
            for entry in waiting.iter().chain([&entry]).cloned() {
                list.put(entry);
            }
        })
        .await
    }

    /// Changes the list, and writes it if that makes a difference.
    pub(super) async fn change(&self, state: &mut State, change: impl Fn(&mut List)) -> Result<(), Error> {
        for attempt in 1.. {
            let known = match state.known.take() {
                Some(known) => known,
                None => self.read().await?,
            };
            let mut list = known.list.clone();
            if known.object.is_none() {
                // Somebody has deleted it, or it never existed.
                list = state.written.clone();
            }
            change(&mut list);
            if list == known.list && known.object.is_some() {
                state.known = Some(known);
                return Ok(());
            }
            if list.bytes() > MAX_BYTES && list.bytes() > known.list.bytes() {
                state.known = Some(known);
                return Err(Error::ListFull(MAX_BYTES));
            }
            match self.write(known.object, &list).await {
                Ok(object) => {
                    state.written.clone_from(&list);
                    state.known = Some(Known { object: Some(object), list });
                    return Ok(());
                }
                Err(error) if error.is_conflict() && attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Forgets what is known of the object if somebody else has changed or deleted it.
    pub(super) async fn refresh(&self, state: &mut State) -> Result<(), Error> {
        let Some(namespace) = &self.namespace else { return Ok(()) };
        let api = self.cluster.runs(namespace)?;
        let doing = format!("look up ChaosToolkitRuns {namespace}/{}", names::RUNS);
        let found = self.cluster.call(doing, api.get_metadata_opt(&api.name(names::RUNS)?)).await?;
        let version = found.and_then(|found| found.metadata.resource_version);
        let known = state.known.as_ref().and_then(|known| known.object.as_ref());
        if version.is_none() || version != known.and_then(|known| known.metadata.resource_version.clone()) {
            state.known = None;
        }
        Ok(())
    }

    async fn read(&self) -> Result<Known, Error> {
        let api = self.cluster.runs(self.home())?;
        let object = self.cluster.find(&api, "ChaosToolkitRuns", names::RUNS).await?;
        let list = object.as_ref().map(|object| List::parse(&object.data["data"])).unwrap_or_default();
        Ok(Known { object, list })
    }

    async fn write(&self, old: Option<DynamicObject>, list: &List) -> Result<DynamicObject, cluster::Error> {
        let namespace = self.home();
        let api = self.cluster.runs(namespace)?;
        let doing = format!("write ChaosToolkitRuns {namespace}/{}", names::RUNS);
        let is_new = old.is_none();
        let checked = api.name(names::RUNS)?;
        let mut object = old.unwrap_or_else(|| DynamicObject::new(names::RUNS, &cluster::runs_resource()));
        object.metadata.namespace = Some(namespace.to_owned());
        object.data["data"] = json!(list.format());
        let parameters = posting();
        if is_new {
            self.cluster.call(doing, api.create(&parameters, &object)).await
        } else {
            self.cluster.call(doing, api.replace(&checked, &parameters, &object)).await
        }
    }

    /// Asks whether the policy is in force: it refuses this request, which would change nothing.
    pub(super) async fn ask(&self) -> Result<bool, Error> {
        let Some(namespace) = &self.namespace else { return Ok(false) };
        let api = self.cluster.config_maps(namespace)?;
        let probe = serde_json::from_value(json!({"metadata": {"name": names::RUNS_PROBE}}))
            .map_err(|error| cluster::Error::unreadable("make a ConfigMap", error))?;
        let parameters = PostParams { dry_run: true, ..posting() };
        let doing = "ask whether the policy that keeps runs apart is in force".to_owned();
        match self.cluster.call(doing, api.create(&parameters, &probe)).await {
            Ok(_) => Ok(false),
            Err(error) if error.describe().contains(IN_FORCE) => Ok(true),
            Err(error) if error.is_forbidden() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The policy is in force. Says so once.
    pub(super) fn begin(&self) {
        if lock(&self.in_force).replace(true) != Some(true) {
            info!("{IN_FORCE}");
        }
    }

    /// Says once that there is no list, for this reason.
    pub(super) fn give_up(&self, why: &str) {
        if lock(&self.in_force).replace(false) != Some(false) {
            warn!("no policy keeps runs apart: {why}");
        }
    }

    /// Whether the policy is in force, if that is known.
    #[must_use]
    pub fn in_force(&self) -> Option<bool> {
        *lock(&self.in_force)
    }

    /// Returns the access to the API server.
    pub(super) const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns the operator's namespace. Without a list it has no name.
    pub(super) fn home(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// Whether there is a list at all.
    pub(super) const fn is_on(&self) -> bool {
        self.namespace.is_some()
    }
}

impl State {
    /// Returns the list as it was last read or written.
    pub(super) fn list(&self) -> Option<&List> {
        self.known.as_ref().map(|known| &known.list)
    }

    /// Whether somebody has asked for an entry so recently that no cache need know of it.
    pub(super) fn is_fresh(&self, namespace: &str, suffix: &str) -> bool {
        self.listed.contains_key(&(namespace.to_owned(), suffix.to_owned()))
    }

    /// Forgets what was asked for long ago.
    pub(super) fn age(&mut self) {
        self.listed.retain(|_, asked| asked.elapsed() < FRESH);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
