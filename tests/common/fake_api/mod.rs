//! An API server in memory. It has just the semantics that the operator relies on, a log of all calls, and faults on
//! demand.
//!
//! An unknown call fails the test: the operator has to stay within what is modeled here.

mod answer;
mod authority;
mod kubelet;
mod paths;
mod rights;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use paths::path_of;

/// A fault of one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The call is not done, and the answer is this error.
    Before(u16, &'static str),
    /// The call is done, and the answer is this error.
    After(u16, &'static str),
    /// The call is not done, and the connection breaks.
    ResetBefore,
    /// The call is done, and the connection breaks.
    ResetAfter,
    /// The call hangs, and arrives only once it is released.
    HangBefore,
    /// The call is done, and its answer arrives only once it is released.
    HangAfter,
}

/// A call and its result.
#[derive(Clone, Debug)]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path of the object. For a `POST` it is the path of the object to create.
    pub path: String,
    /// The body of the request.
    pub body: Value,
    /// Whether the server did it, regardless of its answer.
    pub done: bool,
    /// How many versions of experiments there were before this call.
    pub versions: usize,
}

/// The server. All clones are the same server.
#[derive(Clone, Default)]
pub struct FakeApi {
    state: Arc<Mutex<State>>,
    held: Arc<Notify>,
    release: Arc<Notify>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    last_version: u64,
    calls: Vec<Call>,
    events: Vec<Value>,
    versions: Vec<Value>,
    faults: HashMap<usize, Fault>,
    refused: Option<(&'static str, &'static str, u16)>,
    latency: Duration,
    has_policy: bool,
    missing_rights: Vec<String>,
    unbound: BTreeSet<String>,
    log: Option<String>,
    due: usize,
}

impl State {
    /// Counts the jobs of schedules, and returns the number of the next one.
    fn next_job(&mut self) -> usize {
        self.due += 1;
        self.due
    }
}

/// Status code and body.
type Answer = (u16, Value);

impl FakeApi {
    /// An empty cluster.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a client of this server.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.clone(), "default")
    }

    /// Plans a fault for the call with this number. The first call has the number 0.
    pub fn fail(&self, call: usize, fault: Fault) {
        self.lock().faults.insert(call, fault);
    }

    /// Refuses all calls with this method and this part of a path from now on, with this code. `None` ends that.
    pub fn refuse(&self, calls: Option<(&'static str, &'static str, u16)>) {
        self.lock().refused = calls;
    }

    /// Takes this long for each call from now on.
    pub fn slow_down(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    /// Sets what all containers have logged.
    pub fn set_log(&self, log: &str) {
        self.lock().log = Some(log.to_owned());
    }

    /// Installs the policy that keeps runs apart, or removes it.
    pub fn set_policy(&self, is_installed: bool) {
        self.lock().has_policy = is_installed;
    }

    /// Takes from the operator all rights in a namespace but those that it has in each, or gives them back. Without a name of a
    /// namespace, these are the rights on bindings in the whole cluster.
    pub fn bind(&self, namespace: &str, is_bound: bool) {
        let mut state = self.lock();
        if is_bound {
            state.unbound.remove(namespace);
        } else {
            state.unbound.insert(namespace.to_owned());
        }
    }

    /// Waits until a call hangs.
    pub async fn held(&self) {
        self.held.notified().await;
    }

    /// Releases the call that hangs.
    pub fn release(&self) {
        self.release.notify_one();
    }

    /// Creates or replaces an object as `kubectl` would, and returns its path.
    pub fn put(&self, object: Value) -> String {
        let path = path_of(&object);
        self.lock().store(&path, object);
        path
    }

    /// Changes an object as its author would.
    pub fn edit(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(path).unwrap_or_else(|| panic!("no {path}"));
        change(&mut object);
        self.lock().store(path, object);
    }

    /// Changes every version of every experiment so far.
    pub fn edit_versions(&self, change: impl FnMut(&mut Value)) {
        self.lock().versions.iter_mut().for_each(change);
    }

    /// Deletes an object as `kubectl` would.
    pub fn delete(&self, path: &str) {
        let (code, answer) = self.lock().delete(path, &Value::Null);
        assert_eq!(code, 200, "{answer}");
    }

    /// Marks a pod as deleted without grace, and stops before the pod is removed.
    pub fn half_delete(&self, path: &str) {
        let mut state = self.lock();
        let metadata = &mut state.objects.get_mut(path).unwrap_or_else(|| panic!("no {path}"))["metadata"];
        metadata["deletionTimestamp"] = json!("2026-01-01T00:02:00Z");
        metadata["deletionGracePeriodSeconds"] = json!(0);
    }

    /// Removes an object, regardless of its finalizers. Panics if the object does not exist.
    pub fn vanish(&self, path: &str) {
        assert!(self.forget(path), "no {path}");
    }

    /// Removes an object, regardless of its finalizers. Returns whether it existed.
    pub fn forget(&self, path: &str) -> bool {
        self.lock().objects.remove(path).is_some()
    }

    /// Returns the object at this path.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.lock().objects.get(path).cloned()
    }

    /// Returns all objects by path.
    pub fn objects(&self) -> BTreeMap<String, Value> {
        self.lock().objects.clone()
    }

    /// Returns the objects of a kind in the order of their paths.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        self.lock().objects.values().filter(|object| object["kind"] == kind).cloned().collect()
    }

    /// Counts the changes so far.
    pub fn changes(&self) -> u64 {
        self.lock().last_version
    }

    /// Returns all calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Returns the calls that changed something, without those for events.
    pub fn writes(&self) -> Vec<Call> {
        let changes_nothing = |path: &str| path.contains("/events") || path.ends_with("reviews/");
        let is_write = |call: &Call| call.done && call.method != "GET" && !changes_nothing(&call.path);
        self.calls().into_iter().filter(is_write).collect()
    }

    /// Returns the published events.
    pub fn events(&self) -> Vec<Value> {
        self.lock().events.clone()
    }

    /// Returns every version of every experiment so far.
    pub fn versions(&self) -> Vec<Value> {
        self.lock().versions.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hang(&self) {
        self.held.notify_one();
        self.release.notified().await;
    }
}
