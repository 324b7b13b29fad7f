//! An API server in memory: just the semantics that the operator relies on, a log of all calls, and faults on demand.
//!
//! A call that it does not know fails the test: the operator has to stay within what is modelled here.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use chaostoolkit_journal::frame::{self, Carried, Frame};
use chaostoolkit_journal::message::{File, Message, State as Stage};
use chaostoolkit_journal::{Summary, parse};
use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, Response};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tower::Service;

/// Where the kinds are that exist, and what they are called.
const KINDS: [(&str, &str, &str); 10] = [
    ("/api/v1", "namespaces", "Namespace"),
    ("/api/v1", "pods", "Pod"),
    ("/api/v1", "configmaps", "ConfigMap"),
    ("/api/v1", "serviceaccounts", "ServiceAccount"),
    ("/apis/rbac.authorization.k8s.io/v1", "roles", "Role"),
    ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding"),
    ("/apis/batch/v1", "cronjobs", "CronJob"),
    ("/apis/batch/v1", "jobs", "Job"),
    ("/apis/chaostoolkit.org/v1", "chaosexperiments", "ChaosToolkitExperiment"),
    ("/apis/events.k8s.io/v1", "events", "Event"),
];

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

    /// What the containers of a pod whose toolkit ended with this code have left: a termination message and a log.
    fn reported(code: i64) -> (String, Vec<u8>) {
        let journal = include_bytes!("../journals/ok@1.21.4.json");
        let journal = serde_json::from_slice::<Value>(journal).unwrap_or_default()["journal"].to_string();
        let mut message = Message { exit_code: i32::try_from(code).ok(), ..Message::new(Stage::Ended) };
        let mut log = Vec::new();
        match code {
            0 => {
                frame::write(&mut io::Cursor::new(&journal), &mut log).unwrap_or_default();
                message.summary = parse(journal.as_bytes()).ok().map(|journal| Summary::of(&journal));
                if let Ok(Frame::Journal(Carried { bytes, sha256, .. })) = frame::read(&log) {
                    message.journal = Some(File { bytes, sha256, problem: None });
                }
            }
            143 => message.stopped_by = Some("SIGTERM".to_owned()),
            // The runner had no chance to say more than that it has begun, and the sidecar finds no journal.
            137 => {
                message = Message::new(Stage::Running);
                frame::write_none("there is no journal", &mut log).unwrap_or_default();
            }
            _ => log.extend(b"[ERROR] the experiment has no title"),
        }
        (message.to_json(), log)
    }

    /// One step of the scheduler and the kubelet for each pod: starts it; ends it if there is an exit code for it; stops
    /// it if it is being deleted, and then lets go of it. Whether there was anything to do.
    pub fn kubelet(&self, exit_code: Option<i32>) -> bool {
        let mut state = self.lock();
        let is_pod = |path: &&String| path.contains("/pods/") && state.has_namespace(path);
        let pods: Vec<String> = state.objects.keys().filter(is_pod).cloned().collect();
        let mut moved = false;
        for path in pods {
            let mut pod = state.objects[&path].clone();
            let is_deleting = !pod["metadata"]["deletionTimestamp"].is_null();
            if is_running(&pod) && (is_deleting || exit_code.is_some()) {
                let code = if is_deleting { 143 } else { exit_code.unwrap_or_default() };
                end(&mut pod, code, &Self::reported(code.into()).0);
            } else if is_deleting && !is_running(&pod) && pod["metadata"]["deletionGracePeriodSeconds"] != 0 {
                pod["metadata"]["deletionGracePeriodSeconds"] = json!(0);
            } else if !is_deleting && pod["spec"]["nodeName"].is_null() && pod["status"]["phase"] == "Pending"
            {
                pod["spec"]["nodeName"] = json!("node");
                pod["status"] = json!({"phase": "Running", "containerStatuses": [{"name": "chaostoolkit",
                    "state": {"running": {"startedAt": "2026-01-01T00:01:00Z"}}}]});
            } else {
                continue;
            }
            moved = true;
            state.store(&path, pod);
        }
        moved
    }

    /// What the controllers do when a `CronJob` is due: a job, and a pod of it. Tells the path of the pod.
    pub fn tick(&self, cron_job: &str) -> String {
        let owned = |name: String, template: &Value, owner: &Value| {
            let mut object = template.clone();
            object["metadata"]["name"] = json!(name);
            object["metadata"]["namespace"] = owner["metadata"]["namespace"].clone();
            let reference = json!([{"uid": owner["metadata"]["uid"], "controller": true}]);
            object["metadata"]["ownerReferences"] = reference;
            object
        };
        let cron_job = self.get(cron_job).unwrap_or_else(|| panic!("no {cron_job}"));
        let name = cron_job["metadata"]["name"].as_str().unwrap_or_default();
        let number = self.list("Job").len() + 1;
        let mut job = owned(format!("{name}-{number}"), &cron_job["spec"]["jobTemplate"], &cron_job);
        job["kind"] = json!("Job");
        let path = self.put(job);
        let job = self.get(&path).unwrap_or_default();
        let mut pod = owned(format!("{name}-{number}-pod"), &job["spec"]["template"], &job);
        pod["kind"] = json!("Pod");
        pod["status"] = json!({"phase": "Pending"});
        self.put(pod)
    }

    /// Ends the container of a pod with this code, and with the report that the runner leaves then, or this one.
    pub fn end(&self, path: &str, code: i32, message: Option<&Message>) {
        let message = message.map_or_else(|| Self::reported(code.into()).0, Message::to_json);
        self.edit(path, |pod| end(pod, code, &message));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hang(&self) {
        self.held.notify_one();
        self.release.notified().await;
    }

    /// Takes a call, does it or not, and answers it or not.
    async fn serve(self, request: Request<Body>) -> Result<Answer, io::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await.map_err(io::Error::other)?;
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
        let mut path = head.uri.path().to_owned();
        if head.method == Method::POST {
            path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap_or_default());
        }
        let (number, fault) = {
            let mut state = self.lock();
            let (number, versions) = (state.calls.len(), state.versions.len());
            let (method, path, body) = (head.method.to_string(), path.clone(), body.clone());
            state.calls.push(Call { method, path, body, done: false, versions });
            (number, state.faults.remove(&number))
        };
        match fault {
            Some(Fault::Before(code, reason)) => return Ok(failure(code, reason, "injected before")),
            Some(Fault::ResetBefore) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::HangBefore) => self.hang().await,
            _ => {}
        }
        let answer = {
            let mut state = self.lock();
            let versions = state.versions.len();
            let answer = state.answer(&head, &path, &body);
            state.calls[number].versions = versions;
            state.calls[number].done = answer.0 < 300;
            answer
        };
        match fault {
            Some(Fault::After(code, reason)) => return Ok(failure(code, reason, "injected after")),
            Some(Fault::ResetAfter) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::HangAfter) => self.hang().await,
            _ => {}
        }
        Ok(answer)
    }
}

impl Service<Request<Body>> for FakeApi {
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let api = self.clone();
        Box::pin(async move {
            let (code, body) = api.serve(request).await?;
            let body = match body {
                Value::String(log) => Body::from(log.into_bytes()),
                object => Body::from(serde_json::to_vec(&object)?),
            };
            Response::builder().status(code).body(body).map_err(io::Error::other)
        })
    }
}

impl State {
    fn answer(&mut self, head: &http::request::Parts, path: &str, body: &Value) -> Answer {
        let accept = head.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let sent = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_event = path.contains("/events.k8s.io/");
        let (code, answer) = match (&head.method, sent) {
            (&Method::POST | &Method::PATCH, _) if is_event => {
                self.events.push(body.clone());
                (201, body.clone())
            }
            (&Method::GET, _) if path.ends_with("/log") => {
                match self.objects.get(path.trim_end_matches("/log")) {
                    Some(pod) => {
                        let code = &pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"];
                        let (_, log) = FakeApi::reported(code.as_i64().unwrap_or_default());
                        (200, Value::String(String::from_utf8_lossy(&log).into_owned()))
                    }
                    None => not_found(path),
                }
            }
            (&Method::GET, _) if is_collection(path) => (200, self.list(path, head.uri.query())),
            (&Method::GET, _) => match self.objects.get(path) {
                Some(found) => (200, found.clone()),
                None => not_found(path),
            },
            (&Method::POST, "application/json") => self.create(path, body),
            (&Method::PATCH, "application/merge-patch+json") => self.merge(path, body),
            (&Method::PUT, "application/json") => self.replace(path, body),
            (&Method::PATCH, "application/apply-patch+yaml") if path.ends_with("/status") => {
                self.apply_status(path.trim_end_matches("/status"), body)
            }
            (&Method::DELETE, _) if !path_is_namespace(path) => self.delete(path, body),
            _ => panic!("the fake API server does not know {} {path} ({sent})", head.method),
        };
        if code < 300 && accept.contains("as=PartialObjectMetadata") {
            let only_metadata = |object: &Value| {
                let metadata = &object["metadata"];
                json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata})
            };
            let Some(items) = answer["items"].as_array() else { return (code, only_metadata(&answer)) };
            let items: Vec<Value> = items.iter().map(only_metadata).collect();
            let kind = "PartialObjectMetadataList";
            return (
                code,
                json!({"apiVersion": "meta.k8s.io/v1", "kind": kind, "metadata": {}, "items": items}),
            );
        }
        (code, answer)
    }

    /// The objects of a collection that match a label selector: `label=value`, `label`, or several of these.
    fn list(&self, path: &str, query: Option<&str>) -> Value {
        let query = query.unwrap_or_default();
        let selector = query.split('&').find_map(|part| part.strip_prefix("labelSelector="));
        let Some(selector) = selector else {
            panic!("the fake API server lists by labels: {path} ({query})")
        };
        let selector = selector.replace("%2F", "/").replace("%3D", "=").replace("%2C", ",");
        let is_asked = |object: &&Value| {
            let labels = &object["metadata"]["labels"];
            selector.split(',').all(|requirement| match requirement.split_once('=') {
                Some((label, value)) => labels[label] == value,
                None => labels.get(requirement).is_some(),
            })
        };
        let inside = self.objects.iter().filter(|(key, _)| key.starts_with(&format!("{path}/")));
        let items: Vec<&Value> = inside.map(|(_, object)| object).filter(is_asked).collect();
        json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
    }

    /// Keeps an object with what the server adds to it; lets it go if nothing holds it any more.
    fn store(&mut self, path: &str, mut object: Value) -> Value {
        let old = self.objects.get(path).cloned().unwrap_or_default();
        let is_half_deleted = old["metadata"]["deletionGracePeriodSeconds"] == 0;
        if object == old && !is_half_deleted {
            return object; // A write that changes nothing makes no new version.
        }
        self.last_version += 1;
        let generation = old["metadata"]["generation"].as_i64().unwrap_or(0);
        let changed = old.is_null()
            || object["spec"] != old["spec"]
            || object["metadata"]["deletionTimestamp"] != old["metadata"]["deletionTimestamp"];
        let metadata = &mut object["metadata"];
        for (key, value) in [
            ("uid", json!(format!("uid-{}", self.last_version))),
            ("creationTimestamp", json!("2026-01-01T00:00:00Z")),
        ] {
            if metadata[key].is_null() {
                metadata[key] = value;
            }
        }
        metadata["resourceVersion"] = json!(self.last_version.to_string());
        metadata["generation"] = json!(if changed { generation + 1 } else { generation });
        let is_held = metadata["finalizers"].as_array().is_some_and(|held| !held.is_empty());
        // A pod with grace left is the kubelet's.
        let is_over = !metadata["deletionTimestamp"].is_null()
            && matches!(metadata["deletionGracePeriodSeconds"].as_i64(), None | Some(0));
        if path.contains("/chaosexperiments/") {
            self.versions.push(object.clone());
        }
        if is_over && !is_held {
            self.objects.remove(path);
            // The garbage collector.
            let uid = &object["metadata"]["uid"];
            let is_owned = |other: &Value| other["metadata"]["ownerReferences"][0]["uid"] == *uid;
            let owned: Vec<String> = self
                .objects
                .iter()
                .filter(|(_, other)| is_owned(other))
                .map(|(path, _)| path.clone())
                .collect();
            for path in owned {
                self.delete(&path, &Value::Null);
            }
        } else {
            self.objects.insert(path.to_owned(), object.clone());
        }
        object
    }

    fn create(&mut self, path: &str, body: &Value) -> Answer {
        let mut object = body.clone();
        if !path_is_namespace(path) {
            let name = namespace_of(path);
            let Some(namespace) = self.objects.get(&format!("/api/v1/namespaces/{name}")) else {
                return not_found(&format!("/api/v1/namespaces/{name}"));
            };
            if !namespace["metadata"]["deletionTimestamp"].is_null() {
                let (code, mut answer) = failure(403, "Forbidden", "because it is being terminated");
                answer["details"] = json!({"causes": [{"reason": "NamespaceTerminating"}]});
                return (code, answer);
            }
            object["metadata"]["namespace"] = json!(name);
        }
        if let Some(found) = self.objects.get(path) {
            let deleting = if found["metadata"]["deletionTimestamp"].is_null() {
                ""
            } else {
                "object is being deleted: "
            };
            return failure(409, "AlreadyExists", &format!("{deleting}{path} already exists"));
        }
        if object["kind"] == "Pod" {
            let account = object["spec"]["serviceAccountName"].as_str().unwrap_or_default();
            if !self
                .objects
                .contains_key(&format!("/api/v1/namespaces/{}/serviceaccounts/{account}", namespace_of(path)))
            {
                return failure(403, "Forbidden", &format!("error looking up service account {account}"));
            }
            object["status"] = json!({"phase": "Pending"});
        }
        (201, self.store(path, object))
    }

    /// Whether a patch is for another object or version than the one that is there.
    fn conflict(old: &Value, patch: &Value) -> Option<Answer> {
        let differs =
            |key| !patch["metadata"][key].is_null() && patch["metadata"][key] != old["metadata"][key];
        (differs("uid") || differs("resourceVersion"))
            .then(|| failure(409, "Conflict", "the object has been modified"))
    }

    /// Whether the namespace of an object is there: where it was removed by force, the object may be left.
    fn has_namespace(&self, path: &str) -> bool {
        self.objects.contains_key(&format!("/api/v1/namespaces/{}", namespace_of(path)))
    }

    fn merge(&mut self, path: &str, body: &Value) -> Answer {
        let Some(old) = self.objects.get(path).cloned() else { return not_found(path) };
        if path.contains("/pods/") && !self.has_namespace(path) {
            let (code, mut answer) = not_found(path);
            answer["details"] = json!({"kind": "namespaces", "name": namespace_of(path)});
            return (code, answer);
        }
        if let Some(conflict) = Self::conflict(&old, body) {
            return conflict;
        }
        let mut new = old.clone();
        merge(&mut new, body);
        new["status"] = old["status"].clone(); // It has an endpoint of its own.
        if new["status"].is_null() {
            new.as_object_mut().map(|fields| fields.remove("status"));
        }
        let finalizers =
            |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        let has_more = finalizers(&new).iter().any(|finalizer| !finalizers(&old).contains(finalizer));
        if has_more && !old["metadata"]["deletionTimestamp"].is_null() {
            return failure(422, "Invalid", "no new finalizers can be added if the object is being deleted");
        }
        (200, self.store(path, new))
    }

    fn replace(&mut self, path: &str, body: &Value) -> Answer {
        let Some(old) = self.objects.get(path).cloned() else { return not_found(path) };
        if let Some(conflict) = Self::conflict(&old, body) {
            return conflict;
        }
        let mut new = body.clone();
        for kept in ["uid", "creationTimestamp"] {
            new["metadata"][kept] = old["metadata"][kept].clone();
        }
        (200, self.store(path, new))
    }

    fn apply_status(&mut self, path: &str, body: &Value) -> Answer {
        let Some(mut object) = self.objects.get(path).cloned() else { return not_found(path) };
        if let Some(conflict) = Self::conflict(&object, body) {
            return conflict;
        }
        object["status"] = body["status"].clone();
        (200, self.store(path, object))
    }

    fn delete(&mut self, path: &str, options: &Value) -> Answer {
        let Some(mut object) = self.objects.get(path).cloned() else { return not_found(path) };
        let wanted = &options["preconditions"]["uid"];
        if !wanted.is_null() && *wanted != object["metadata"]["uid"] {
            return failure(409, "Conflict", "Precondition failed: UID");
        }
        if object["kind"] == "Pod" {
            // Nobody has to be given time where nothing runs.
            let runs = is_running(&object);
            let grace = options["gracePeriodSeconds"].as_i64().unwrap_or(30);
            let old = object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(30);
            object["metadata"]["deletionGracePeriodSeconds"] = json!(if runs { grace.min(old) } else { 0 });
        }
        if object["metadata"]["deletionTimestamp"].is_null() {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:02:00Z");
        }
        (200, self.store(path, object))
    }
}

fn end(pod: &mut Value, code: i32, message: &str) {
    let (phase, reason) = if code == 0 { ("Succeeded", "Completed") } else { ("Failed", "Error") };
    // Just now: logs of runs that ended long ago are not waited for.
    let finished =
        Timestamp::from_second(chaostoolkit_operator::process::clock::now().as_second()).unwrap_or_default();
    let started = finished - SignedDuration::from_secs(42);
    pod["status"] = json!({"phase": phase, "containerStatuses": [{"name": "chaostoolkit", "state": {"terminated": {
        "exitCode": code, "reason": reason, "message": message,
        "startedAt": started.to_string(), "finishedAt": finished.to_string()}}}]});
}

/// Whether the container of a pod runs.
fn is_running(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running"
}

/// Merges a JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|fields| fields.remove(key));
        } else {
            merge(&mut target[key.as_str()], value);
        }
    }
}

/// Where an object is.
fn path_of(object: &Value) -> String {
    let (root, plural, _) = KINDS
        .iter()
        .find(|(_, _, kind)| object["kind"] == *kind)
        .unwrap_or_else(|| panic!("no such kind: {object}"));
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("{root}/{plural}/{name}"),
    }
}

fn namespace_of(path: &str) -> &str {
    path.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

fn is_collection(path: &str) -> bool {
    path.contains("/namespaces/") && KINDS.iter().any(|(_, plural, _)| path.ends_with(&format!("/{plural}")))
}

fn path_is_namespace(path: &str) -> bool {
    path.strip_prefix("/api/v1/namespaces/").is_some_and(|rest| !rest.contains('/'))
}

fn not_found(path: &str) -> Answer {
    assert!(
        KINDS.iter().any(|(root, plural, _)| path.starts_with(root) && path.contains(&format!("/{plural}/"))),
        "no such kind: {path}"
    );
    failure(404, "NotFound", &format!("{path} not found"))
}

fn failure(code: u16, reason: &str, message: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message});
    (code, status)
}
