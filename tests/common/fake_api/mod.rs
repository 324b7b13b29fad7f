//! An API server in memory: just the semantics that the operator relies on, a log of all calls, and faults on demand.
//!
//! A call that it does not know fails the test: the operator has to stay within what is modelled here.

mod answer;
mod kubelet;
mod paths;
mod store;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;

use paths::path_of;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing is done, and the answer is this error.
    Before(u16, &'static str),
    /// All is done, and the answer is this error.
    After(u16, &'static str),
    /// Nothing is done, and the connection breaks.
    ResetBefore,
    /// All is done, and the connection breaks.
    ResetAfter,
    /// The call arrives only once it is released, if ever.
    HangBefore,
    /// All is done, and the answer arrives only once it is released, if ever.
    HangAfter,
}

/// A call, and what came of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: String,
    /// The object; for a `POST` the one that was to be made.
    pub path: String,
    /// What was sent.
    pub body: Value,
    /// Whether the server did it, whatever it answered.
    pub done: bool,
    /// How many versions of experiments there had been before it.
    pub versions: usize,
}

/// The server. Clones are the same server.
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
}

/// Status code and body.
type Answer = (u16, Value);

impl FakeApi {
    /// An empty cluster.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client of it.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.clone(), "default")
    }

    /// Lets something go wrong with the call of this number, from 0.
    pub fn fail(&self, call: usize, fault: Fault) {
        self.lock().faults.insert(call, fault);
    }

    /// Waits until a call hangs.
    pub async fn held(&self) {
        self.held.notified().await;
    }

    /// Lets the call that hangs go on.
    pub fn release(&self) {
        self.release.notify_one();
    }

    /// Creates or replaces an object the way `kubectl` would, and tells its path.
    pub fn put(&self, object: Value) -> String {
        let path = path_of(&object);
        self.lock().store(&path, object);
        path
    }

    /// Changes an object the way its author would.
    pub fn edit(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(path).unwrap_or_else(|| panic!("no {path}"));
        change(&mut object);
        self.lock().store(path, object);
    }

    /// Deletes an object the way `kubectl` would.
    pub fn delete(&self, path: &str) {
        let (code, answer) = self.lock().delete(path, &Value::Null);
        assert_eq!(code, 200, "{answer}");
    }

    /// Marks a pod as deleted at once, and breaks off before it is removed.
    pub fn half_delete(&self, path: &str) {
        let mut state = self.lock();
        let metadata = &mut state.objects.get_mut(path).unwrap_or_else(|| panic!("no {path}"))["metadata"];
        metadata["deletionTimestamp"] = json!("2026-01-01T00:02:00Z");
        metadata["deletionGracePeriodSeconds"] = json!(0);
    }

    /// Lets an object vanish, whatever its finalizers say.
    pub fn vanish(&self, path: &str) {
        assert!(self.forget(path), "no {path}");
    }

    /// The same, if it is there.
    pub fn forget(&self, path: &str) -> bool {
        self.lock().objects.remove(path).is_some()
    }

    /// One object.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.lock().objects.get(path).cloned()
    }

    /// All objects, by path.
    pub fn objects(&self) -> BTreeMap<String, Value> {
        self.lock().objects.clone()
    }

    /// The objects of a kind, in order.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        self.lock().objects.values().filter(|object| object["kind"] == kind).cloned().collect()
    }

    /// How many changes there have been.
    pub fn changes(&self) -> u64 {
        self.lock().last_version
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// The calls that changed something, without those for events.
    pub fn writes(&self) -> Vec<Call> {
        let is_write = |call: &Call| call.done && call.method != "GET" && !call.path.contains("/events");
        self.calls().into_iter().filter(is_write).collect()
    }

    /// The events that were published.
    pub fn events(&self) -> Vec<Value> {
        self.lock().events.clone()
    }

    /// Every version of every experiment that there has been.
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
