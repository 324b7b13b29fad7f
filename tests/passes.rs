//! Passes over an experiment against an API server in memory: whatever goes wrong at whichever call, a run is started
//! once, its end is recorded, and a deleted experiment leaves nothing behind.
//!
//! The harness stands in for the controller: a pass comes when the experiment or its pod has changed or when the pass
//! before asked for one, and never otherwise. What would wait for ever in a cluster comes to rest too early here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in tests, also outside of the test functions themselves"
)]

#[path = "passes/control.rs"]
mod control;
#[path = "common/fake_api.rs"]
mod fake_api;
#[path = "passes/orphans.rs"]
mod orphans;
#[path = "passes/schedule.rs"]
mod schedule;
#[path = "common/variables.rs"]
mod variables;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chaostoolkit_api::Experiment;
use chaostoolkit_api::names;
use chaostoolkit_operator::cluster::Cluster;
use chaostoolkit_operator::experiment::context::Context;
use chaostoolkit_operator::experiment::error::Error;
use chaostoolkit_operator::experiment::judge::log_follower::LogFollower;
use chaostoolkit_operator::experiment::reconcile;
use chaostoolkit_operator::process::backoff::Backoff;
use chaostoolkit_operator::process::config::{Config, Runner};
use chaostoolkit_operator::process::metrics::Metrics;
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::Action;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::store;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use fake_api::{Call, FakeApi, Fault};

const UID: &str = "123e4567-e89b-12d3-a456-426614174000";
const EXPERIMENT: &str = "/apis/chaostoolkit.org/v1/namespaces/chaostoolkit-crd/chaosexperiments/exp";
const RUN: &str = "/api/v1/namespaces/chaostoolkit-run";
const LIMIT: Duration = Duration::from_secs(60);
const JOURNALS: &str = "chaostoolkit-journal-a235f4ad3e-";
const JOURNAL: &str = "chaostoolkit-journal-a235f4ad3e-1";
const POD: &str = "/api/v1/namespaces/chaostoolkit-run/pods/chaostoolkit-a235f4ad3e";

/// The templates that are shipped.
static TEMPLATES: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../kustomize/base/templates.yaml")).unwrap());

// ---------------------------------------------------------------------------------------------------------- harness

/// An operator process, as far as passes are concerned.
struct Operator {
    fake: FakeApi,
    context: Arc<Context>,
    pods: Writer<PartialObjectMeta<Pod>>,
    /// What the last pass was about: the versions of the experiment and of all runner pods.
    seen: Vec<String>,
    /// Whether the last pass asked for another one.
    again: bool,
    /// What becomes of a call that hangs.
    hangs: Hangs,
    /// The pass that hangs.
    asleep: Option<JoinHandle<Result<Action, Error>>>,
}

/// What becomes of a call that hangs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hangs {
    /// The operator is killed, and a new one starts.
    Crash,
    /// The operator sleeps until the call is released.
    Sleep,
    /// The call runs into its limit.
    TimeOut,
}

impl Operator {
    fn new(fake: &FakeApi, hangs: Hangs) -> Self {
        let (pods, writer) = store();
        let reporter = Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: None };
        let cluster = Cluster::new(fake.client(), LIMIT);
        let context = Context {
            log_follower: LogFollower::new(cluster.clone()),
            cluster,
            config: Config {
                namespace: "chaostoolkit-crd".to_owned(),
                concurrency: 1,
                call_limit: LIMIT,
                cleanup_limit: Duration::MAX,
                runner: Runner::default(),
            },
            pods,
            recorder: Recorder::new(fake.client(), reporter),
            metrics: Metrics::default(),
            backoff: Backoff::default(),
        };
        Self {
            fake: fake.clone(),
            context: Arc::new(context),
            pods: writer,
            seen: Vec::new(),
            again: false,
            hangs,
            asleep: None,
        }
    }

    /// Whether the controller would start a pass.
    fn is_due(&self) -> bool {
        self.asleep.is_none()
            && self.fake.get(EXPERIMENT).is_some()
            && (self.again || self.seen != versions(&self.fake))
    }

    /// One pass over the experiment as it is.
    async fn pass(&mut self) {
        let Some(experiment) = self.fake.get(EXPERIMENT) else { return };
        self.seen = versions(&self.fake);
        self.fill_cache();
        self.pass_on(experiment).await;
    }

    /// One pass over the experiment as this operator's cache has it.
    async fn pass_on(&mut self, cached: Value) {
        let cached: DeserializeGuard<Experiment> = serde_json::from_value(cached).unwrap();
        let mut pass = tokio::spawn(reconcile(Arc::new(cached), self.context.clone()));
        if self.hangs == Hangs::TimeOut {
            return self.ended(pass.await.unwrap());
        }
        tokio::select! {
            biased;
            result = &mut pass => self.ended(result.unwrap()),
            () = self.fake.held() => {
                if self.hangs == Hangs::Sleep {
                    self.asleep = Some(pass);
                } else {
                    pass.abort();
                    assert!(pass.await.unwrap_err().is_cancelled());
                    *self = Self::new(&self.fake, self.hangs);
                }
            }
        }
    }

    /// Lets the pass that hangs go on to its end. It has slept for long.
    async fn wake_up(&mut self) {
        if let Some(pass) = self.asleep.take() {
            self.fake.release();
            tokio::time::advance(LIMIT / 2).await;
            self.ended(pass.await.unwrap());
        }
    }

    fn ended(&mut self, result: Result<Action, Error>) {
        self.again = result.is_err() || result.is_ok_and(|action| action != Action::await_change());
    }

    /// What the watch of pods would have brought by now.
    fn fill_cache(&mut self) {
        self.pods.apply_watcher_event(&Event::Init);
        for pod in runner_pods(&self.fake) {
            self.pods.apply_watcher_event(&Event::InitApply(serde_json::from_value(pod).unwrap()));
        }
        self.pods.apply_watcher_event(&Event::InitDone);
    }
}

fn runner_pods(fake: &FakeApi) -> Vec<Value> {
    let is_ours = |pod: &Value| !pod["metadata"]["labels"][names::UID_LABEL].is_null();
    fake.list("Pod").into_iter().filter(is_ours).collect()
}

fn versions(fake: &FakeApi) -> Vec<String> {
    let objects = fake.get(EXPERIMENT).into_iter().chain(runner_pods(fake));
    objects.map(|object| object["metadata"]["resourceVersion"].to_string()).collect()
}

/// Which of the two goes first when both the operators and the kubelet have something to do.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// The kubelet waits until the operators are at rest.
    SlowKubelet,
    /// The kubelet takes a step after each pass.
    FastKubelet,
}

/// Lets operators and kubelet take turns until nothing changes any more.
async fn drive(fake: &FakeApi, operators: &mut [Operator], pace: Pace, exit_code: Option<i32>) {
    let mut idle = 0;
    for _ in 0..60 {
        let before = fake.changes();
        let mut was_due = false;
        for operator in operators.iter_mut() {
            if operator.is_due() {
                was_due = true;
                operator.pass().await;
            }
        }
        let is_rest = fake.changes() == before;
        let moved = (is_rest || matches!(pace, Pace::FastKubelet)) && fake.kubelet(exit_code);
        idle = if is_rest && !moved { idle + 1 } else { 0 };
        // A pass that keeps failing is due for ever: three without any change are enough to call that rest.
        if idle > 0 && !was_due || idle == 3 {
            if operators.iter().all(|operator| operator.asleep.is_none()) {
                return;
            }
            idle = 0;
            for operator in operators.iter_mut() {
                operator.wake_up().await;
            }
        }
    }
    panic!("this does not come to rest: {}", fake.get(EXPERIMENT).unwrap_or_default());
}

/// One operator, and no surprises.
async fn settle(fake: &FakeApi, operator: &mut Operator, exit_code: Option<i32>) {
    drive(fake, std::slice::from_mut(operator), Pace::SlowKubelet, exit_code).await;
}

// ---------------------------------------------------------------------------------------------------------- stories

/// What happens to an experiment, other than faults.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Story {
    /// It runs in a namespace that does not exist before, and is deleted afterwards.
    Completes,
    /// It fails, and is deleted afterwards.
    Fails,
    /// It waits for the `ConfigMap` with its actions.
    Waits,
    /// It is deleted during its run.
    Aborted,
    /// It is deleted while it waits.
    DeletedWaiting,
    /// Its namespace is changed while it waits.
    Moves,
    /// Its author has it stopped during its run.
    Stopped,
    /// It runs once more, and fails then.
    Reruns,
    /// Its toolkit is killed, and another pod plays the rollbacks.
    Rescued,
    /// The same, and it is deleted while the rollbacks are to be played.
    RescuedAtLast,
    /// Nothing of it is to be kept once its run has ended.
    CleansUp,
    /// It has a schedule, which has started a run that has ended, and one that goes on.
    Scheduled,
}

/// What a story leaves: the objects once the run has come to its end, and the objects once the experiment was deleted.
#[derive(Clone, Debug, PartialEq)]
struct Ends {
    ran: BTreeMap<String, Value>,
    left: BTreeMap<String, Value>,
}

const STORIES: [Story; 6] =
    [Story::Completes, Story::Fails, Story::Waits, Story::Aborted, Story::DeletedWaiting, Story::Moves];

impl Story {
    const fn pods(self) -> usize {
        match self {
            Self::DeletedWaiting | Self::Scheduled => 0,
            Self::Reruns | Self::Rescued | Self::RescuedAtLast => 2,
            _ => 1,
        }
    }

    /// Whether there is nothing more to do for the experiment when it comes to rest.
    const fn is_over_by_itself(self) -> bool {
        matches!(self, Self::CleansUp | Self::RescuedAtLast)
    }

    fn spec(self) -> Value {
        match self {
            Self::Completes | Self::Fails | Self::Aborted | Self::Stopped | Self::Reruns => {
                json!({"pod": {"experiment": {"asFile": false}}})
            }
            Self::Rescued | Self::RescuedAtLast => control::with_rollbacks(json!({"rescue": true})),
            Self::CleansUp => {
                json!({"pod": {"experiment": {"asFile": false}}, "cleanup": {"onSuccess": "delete"}})
            }
            Self::Scheduled => schedule::spec(),
            Self::Waits | Self::DeletedWaiting => json!({}),
            Self::Moves => json!({"namespace": "old"}),
        }
    }

    async fn play(self, fake: &FakeApi, operators: &mut [Operator], pace: Pace) -> Ends {
        fake.put(experiment(&self.spec()));
        match self {
            Self::Completes | Self::DeletedWaiting | Self::CleansUp => {
                drive(fake, operators, pace, Some(0)).await;
            }
            Self::Stopped => {
                drive(fake, operators, pace, None).await;
                fake.edit(EXPERIMENT, |experiment| experiment["spec"]["abort"] = json!(true));
                drive(fake, operators, pace, None).await;
            }
            Self::Reruns => {
                drive(fake, operators, pace, Some(0)).await;
                control::rerun(fake, "1");
                drive(fake, operators, pace, Some(1)).await;
            }
            Self::Rescued => {
                drive(fake, operators, pace, None).await;
                fake.end(POD, 137, None);
                drive(fake, operators, pace, Some(0)).await;
            }
            // Its pod is killed by whoever deletes it.
            Self::RescuedAtLast => {
                drive(fake, operators, pace, None).await;
                fake.delete(EXPERIMENT);
                fake.end(POD, 137, None);
            }
            Self::Scheduled => {
                drive(fake, operators, pace, None).await;
                fake.tick(schedule::CRON_JOB);
                drive(fake, operators, pace, Some(0)).await;
                fake.tick(schedule::CRON_JOB);
                drive(fake, operators, pace, None).await;
            }
            Self::Fails => drive(fake, operators, pace, Some(1)).await,
            Self::Aborted => drive(fake, operators, pace, None).await,
            Self::Waits => {
                drive(fake, operators, pace, Some(0)).await;
                assert_eq!(status(fake)["reason"], "ConfigMapMissing");
                fake.put(config_map("chaostoolkit-run"));
                drive(fake, operators, pace, Some(0)).await;
            }
            Self::Moves => {
                drive(fake, operators, pace, Some(0)).await;
                fake.put(namespace("chaostoolkit-run"));
                fake.put(config_map("chaostoolkit-run"));
                fake.edit(EXPERIMENT, |experiment| experiment["spec"] = json!({}));
                drive(fake, operators, pace, Some(0)).await;
            }
        }
        let ran = masked(fake);
        if self == Self::RescuedAtLast {
            drive(fake, operators, pace, Some(0)).await;
        } else {
            fake.delete(EXPERIMENT);
            drive(fake, operators, pace, None).await;
        }
        Ends { ran, left: masked(fake) }
    }
}

/// A cluster with the operator's namespace and the templates that are shipped.
fn cluster() -> FakeApi {
    let fake = FakeApi::new();
    fake.put(namespace("chaostoolkit-crd"));
    fake.put(TEMPLATES.clone());
    fake
}

/// The same with templates that are quick to read: thousands of cases read them several times.
fn small_cluster() -> FakeApi {
    let fake = FakeApi::new();
    fake.put(namespace("chaostoolkit-crd"));
    let rbac = "rbac.authorization.k8s.io/v1";
    let subjects =
        json!([{"kind": "ServiceAccount", "name": "chaostoolkit", "namespace": "chaostoolkit-run"}]);
    let role =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "chaostoolkit-experiment"});
    let pod = json!({
        "containers": [{"name": "chaostoolkit", "command": ["chaos"], "envFrom": [{"configMapRef": {"name": "chaostoolkit-env"}}]}],
        "volumes": [{"name": "chaostoolkit-experiment", "configMap": {"name": "chaostoolkit-experiment"}}],
    });
    let template = |version: &str, kind: &str, name: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    let mut binding = template(rbac, "RoleBinding", "chaostoolkit-experiment");
    binding["subjects"] = subjects;
    binding["roleRef"] = role;
    let mut runner = template("v1", "Pod", "chaostoolkit");
    runner["spec"] = pod;
    let mut templates = TEMPLATES.clone();
    templates["data"] = json!({
        "chaostoolkit-ns.yaml": namespace("chaostoolkit-run").to_string(),
        "chaostoolkit-sa.yaml": template("v1", "ServiceAccount", "chaostoolkit").to_string(),
        "chaostoolkit-role.yaml": template(rbac, "Role", "chaostoolkit-experiment").to_string(),
        "chaostoolkit-role-binding.yaml": binding.to_string(),
        "chaostoolkit-pod.yaml": runner.to_string(),
        "chaostoolkit-cronjob.yaml": template("batch/v1", "CronJob", "chaostoolkit").to_string(),
    });
    fake.put(templates);
    fake
}

/// The cluster with a namespace for runs and an experiment's actions in it.
fn cluster_for_runs() -> FakeApi {
    let fake = cluster();
    fake.put(namespace("chaostoolkit-run"));
    fake.put(config_map("chaostoolkit-run"));
    fake
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn config_map(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "chaostoolkit-experiment", "namespace": namespace}})
}

fn experiment(spec: &Value) -> Value {
    json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": "exp", "namespace": "chaostoolkit-crd", "uid": UID}, "spec": spec})
}

fn status(fake: &FakeApi) -> Value {
    fake.get(EXPERIMENT).unwrap()["status"].clone()
}

/// All objects, without what differs from one cluster to the next.
fn masked(fake: &FakeApi) -> BTreeMap<String, Value> {
    let mut objects = fake.objects();
    objects.values_mut().for_each(mask);
    objects
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => {
            for (key, value) in fields {
                match key.as_str() {
                    "uid"
                    | "podUid"
                    | "resourceVersion"
                    | "creationTimestamp"
                    | "deletionTimestamp"
                    | "lastTransitionTime"
                    | "startedAt"
                    | "finishedAt"
                    | "requestedAt"
                    | "chaostoolkit.org/pod-uid" => *value = json!("masked"),
                    _ => mask(value),
                }
            }
        }
        _ => {}
    }
}

/// A write in short: `POST Pod`, `PATCH status`, …
fn short(call: &Call) -> String {
    let parts: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
    let object = match parts[..] {
        [.., "status"] => "status",
        [.., plural, _] => plural,
        _ => "",
    };
    format!("{} {object}", call.method)
}

fn pods_created(fake: &FakeApi) -> usize {
    fake.writes().iter().filter(|call| short(call) == "POST pods").count()
}

fn nothing_is_left(fake: &FakeApi) {
    let left: Vec<String> = fake.objects().into_keys().filter(|path| path.contains("a235f4ad3e")).collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(fake.get(EXPERIMENT), None);
}

/// What holds for every story, whatever goes wrong.
fn check_protocol(fake: &FakeApi) {
    let (writes, versions) = (fake.writes(), fake.versions());
    let mut created: Vec<&str> = Vec::new();
    for write in &writes {
        let at = &versions[write.versions - 1];
        let name = write.path.rsplit('/').next().unwrap();
        let run = &at["status"]["run"];
        match short(write).as_str() {
            "POST pods" => {
                assert!(!created.contains(&name), "{name} is created once");
                created.push(name);
                let is_known =
                    [&run["podName"], &run["rescue"]["podName"]].iter().any(|known| **known == name);
                assert!(is_known, "pod {name} is on the record before it exists: {run}");
            }
            // A journal goes with its experiment.
            "POST configmaps" if name.starts_with(JOURNALS) => {
                assert_eq!(write.body["metadata"]["ownerReferences"][0]["uid"], UID);
            }
            "POST serviceaccounts"
            | "POST roles"
            | "POST rolebindings"
            | "POST configmaps"
            | "POST cronjobs" => {
                assert_eq!(
                    at["metadata"]["finalizers"],
                    json!([names::TEARDOWN_FINALIZER]),
                    "held before {write:?}"
                );
                let recorded = at["status"]["resources"].as_array().unwrap();
                assert!(recorded.iter().any(|one| one["name"] == name), "on the record before {write:?}");
            }
            "PATCH pods" => {
                assert_eq!(write.body["metadata"]["finalizers"], json!([]));
                if !at["status"]["schedule"].is_null() {
                    assert!(
                        schedule::is_recorded(at, name),
                        "the end is on the record before {name} is let go"
                    );
                    continue;
                }
                let run = if name.ends_with("-rescue") { &run["rescue"] } else { run };
                assert!(!run["finishedAt"].is_null(), "the end is on the record before {name} is let go");
            }
            "POST namespaces"
            | "PATCH chaosexperiments"
            | "DELETE chaosexperiments"
            | "PATCH status"
            | "DELETE pods"
            | "DELETE serviceaccounts"
            | "DELETE roles"
            | "DELETE rolebindings"
            | "DELETE configmaps"
            | "PATCH cronjobs"
            | "PUT cronjobs"
            | "DELETE cronjobs"
            | "DELETE jobs" => {}
            other => panic!("unexpected {other}"),
        }
    }
    check_rights(&writes, &versions);
    for pair in versions.windows(2) {
        let [old, new] = [&pair[0]["status"], &pair[1]["status"]];
        if !new["schedule"].is_null() {
            schedule::check_counts(old, new);
        } else if !old["run"]["finishedAt"].is_null() {
            check_end(old, new);
        }
    }
}

/// Rights are not taken from a pod that may still need them.
fn check_rights(writes: &[Call], versions: &[Value]) {
    let is_rights =
        |call: &Call| call.method == "DELETE" && !call.path.contains("/pods/") && call.path.starts_with(RUN);
    let of_pods = |(index, call): (usize, &Call)| call.path.contains("/pods/").then_some(index);
    let Some(last) = writes.iter().rposition(is_rights) else { return };
    // Pods that have ended may stay when their rights go: before another run, and where that is asked for.
    let may_stay = versions
        .iter()
        .any(|version| !version["spec"]["cleanup"].is_null() || !version["status"]["history"].is_null());
    let ends = |call: &&Call| !may_stay || call.method == "PATCH";
    for at in (0..=last).filter(|index| is_rights(&writes[*index])) {
        for index in writes[..at].iter().enumerate().filter_map(of_pods) {
            let path = &writes[index].path;
            let later = writes[at..].iter().filter(|call| call.path == *path).find(ends);
            assert!(later.is_none(), "the pod goes before its rights: {later:?}");
        }
    }
}

/// A run that has ended stays as it is until one more is asked for.
fn check_end(old: &Value, new: &Value) {
    if new["run"]["number"] != old["run"]["number"] {
        assert_eq!(new["run"]["number"].as_i64(), old["run"]["number"].as_i64().map(|number| number + 1));
        assert_eq!(new["run"]["trigger"], "Rerun");
        let mut past = new["history"][0].clone();
        for judged in ["phase", "outcome", "warnings", "conclusive", "reason"] {
            past.as_object_mut().unwrap().remove(judged);
        }
        assert_eq!(past, old["run"], "it is history as it was");
        return;
    }
    // Only its journal and its rescue may come later than its end.
    let apart = |status: &Value| {
        let mut run = status["run"].clone();
        let mut take = |key| run.as_object_mut().unwrap().remove(key).unwrap_or_default();
        let (journal, rescue) = (take("journal"), take("rescue"));
        (run, journal, rescue)
    };
    let [(old_run, old_journal, old_rescue), (new_run, new_journal, new_rescue)] = [apart(old), apart(new)];
    assert_eq!(new_run, old_run, "a run that has ended stays as it is");
    assert!(new_journal == old_journal || old_journal["configMap"].is_null(), "{old} becomes {new}");
    assert!(new_rescue == old_rescue || old_rescue["finishedAt"].is_null(), "{old} becomes {new}");
    assert!(new["phase"] == old["phase"] || new["phase"] == "Terminating", "{old} becomes {new}");
}

/// Plays a story in which one call, by its number, goes wrong, and compares its ends with those of the same story where
/// nothing does.
async fn compare(story: Story, pace: Pace, number: usize, fault: Fault, hangs: Hangs, expected: &Ends) {
    let what = format!("{story:?}, {pace:?}, {fault:?} at call {number}, {hangs:?}");
    println!("{what}");
    let fake = small_cluster();
    fake.fail(number, fault);
    let mut operators = vec![Operator::new(&fake, hangs)];
    if hangs == Hangs::Sleep {
        operators.push(Operator::new(&fake, hangs));
    }
    let mut ends = story.play(&fake, &mut operators, pace).await;
    let (late, mut is_too_late) = (fake.calls()[number].clone(), false);
    if hangs == Hangs::Sleep && late.method == "POST" && story.is_over_by_itself() {
        // What is asked for and arrives when all was removed already, nobody can know of (docs/reliability.md).
        for (objects, expected) in [(&mut ends.ran, &expected.ran), (&mut ends.left, &expected.left)] {
            if !expected.contains_key(&late.path) && objects.remove(&late.path).is_some() {
                fake.forget(&late.path);
                is_too_late = true;
            }
        }
    }
    assert_same(&ends.ran, &expected.ran, &what);
    assert_same(&ends.left, &expected.left, &what);
    assert_eq!(pods_created(&fake), story.pods(), "{what}");
    nothing_is_left(&fake);
    if !is_too_late {
        check_protocol(&fake);
    }
}

fn assert_same(found: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>, what: &str) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    for (path, object) in found {
        assert_eq!(object, &expected[path], "{path}: {what}");
    }
}

/// The stories in which every call goes wrong, each in the one of its paces that has more to it.
const TRIED: [(Story, Pace); 6] = [
    (Story::Completes, Pace::SlowKubelet),
    (Story::Waits, Pace::SlowKubelet),
    (Story::Aborted, Pace::SlowKubelet),
    (Story::Aborted, Pace::FastKubelet),
    (Story::DeletedWaiting, Pace::FastKubelet),
    (Story::Moves, Pace::FastKubelet),
];

/// Of how many cases one is played: all take minutes.
fn every() -> usize {
    variables::number("PASSES_EVERY", 3)
}

/// Plays stories once for each call and each of the faults for it, given the story and the number of the call; or a part
/// of these cases, in which calls and faults take turns.
async fn try_all<const N: usize>(
    stories: &[(Story, Pace)],
    name: &str,
    hangs: Hangs,
    faults: impl Fn(Story, usize) -> [Option<Fault>; N],
) {
    let mut cases = 0;
    for (story, pace) in stories.iter().copied() {
        let fake = small_cluster();
        let expected = story.play(&fake, &mut [Operator::new(&fake, hangs)], pace).await;
        let calls = fake.calls();
        for (number, call) in calls.iter().enumerate() {
            for (which, fault) in faults(story, number).into_iter().flatten().enumerate() {
                // Three calls in a row, since some take a fault each.
                if (number / 3 + which) % every() != 0 {
                    continue;
                }
                // To read and get no answer is the same as not to read; events are best effort.
                let is_write = call.method != "GET" && !call.path.contains("/events");
                let is_after = matches!(fault, Fault::After(..) | Fault::ResetAfter | Fault::HangAfter);
                if is_write || !is_after {
                    compare(story, pace, number, fault, hangs, &expected).await;
                    cases += 1;
                }
            }
        }
        println!("{name}: {story:?} with a {pace:?} has {} calls", calls.len());
    }
    println!("{name}: {cases} cases");
}

// ------------------------------------------------------------------------------------------------------------ tests

#[tokio::test]
async fn a_run_writes_in_this_order_and_no_more() {
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&Story::Completes.spec()));
    settle(&fake, &mut operator, Some(0)).await;
    let run = [
        "PATCH chaosexperiments", // the finalizer
        "PATCH status",           // what is going to be created
        "POST namespaces",
        "POST serviceaccounts",
        "POST roles",
        "POST rolebindings",
        "POST configmaps",
        "POST pods",
        "PATCH status",    // Starting
        "PATCH status",    // Running
        "POST configmaps", // the journal
        "PATCH status",    // Completed
        "PATCH pods",      // the finalizer
    ];
    assert_eq!(fake.writes().iter().map(short).collect::<Vec<_>>(), run);
    assert!(fake.get(POD).is_some(), "the pod stays, for its logs");

    let status = status(&fake);
    assert_eq!([&status["phase"], &status["reason"]], ["Completed", "Passed"]);
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(status["suffix"], "a235f4ad3e");
    assert_eq!(status["runNamespace"], "chaostoolkit-run");
    let run = &status["run"];
    assert_eq!([&run["number"], &run["exitCode"], &run["durationSeconds"]], [1, 0, 42]);
    assert_eq!(run["journal"]["configMap"], JOURNAL);
    assert_eq!(run["podUid"], fake.get(POD).unwrap()["metadata"]["uid"]);
    let reasons: Vec<Value> = fake.events().iter().map(|event| event["reason"].clone()).collect();
    assert_eq!(reasons, ["Accepted", "Provisioned", "RunCreated", "RunStarted", "Passed", "RollbacksPlayed"]);

    let before = fake.calls().len();
    Operator::new(&fake, Hangs::Crash).pass().await;
    assert_eq!(fake.calls().len(), before, "a run that has ended costs a restarted operator no call");

    let before = fake.writes().len();
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    let teardown = [
        "DELETE pods",
        "DELETE configmaps",
        "DELETE rolebindings",
        "DELETE roles",
        "DELETE serviceaccounts",
        "DELETE configmaps",      // the journal
        "PATCH chaosexperiments", // the finalizer
    ];
    assert_eq!(fake.writes()[before..].iter().map(short).collect::<Vec<_>>(), teardown);
    check_protocol(&fake);
    nothing_is_left(&fake);
    assert!(fake.get(RUN).is_some(), "namespaces stay");
}

#[tokio::test]
async fn any_call_may_be_refused_once() {
    // These are told apart nowhere, so that one of them per call will do but for the first story.
    let failures = [
        Fault::Before(500, "InternalError"),
        Fault::Before(503, "ServiceUnavailable"),
        Fault::Before(429, "TooManyRequests"),
        Fault::ResetBefore,
    ];
    let faults = |story, number: usize| {
        let [a, b, c, d] = failures.map(Some);
        let conflict = Some(Fault::Before(409, "Conflict"));
        let forbidden = Some(Fault::Before(403, "Forbidden"));
        match story {
            Story::Completes => [conflict, forbidden, a, b, c, d],
            _ => [conflict, forbidden, Some(failures[number % failures.len()]), None, None, None],
        }
    };
    try_all(&TRIED, "refused", Hangs::Crash, faults).await;
}

#[tokio::test]
async fn any_call_may_be_done_and_its_answer_lost() {
    let faults = [Fault::After(504, "Timeout"), Fault::After(500, "InternalError"), Fault::ResetAfter];
    try_all(&TRIED, "answer lost", Hangs::Crash, |_, _| faults.map(Some)).await;
}

#[tokio::test]
async fn the_operator_may_be_killed_before_and_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, |_, _| [Some(Fault::HangBefore), Some(Fault::HangAfter)]).await;
}

#[tokio::test(start_paused = true)]
async fn any_call_may_run_into_its_limit() {
    try_all(&TRIED, "timed out", Hangs::TimeOut, |_, _| [Some(Fault::HangBefore), Some(Fault::HangAfter)])
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_fall_asleep_in_any_call_while_another_takes_over() {
    try_all(&TRIED, "asleep", Hangs::Sleep, |_, _| [Some(Fault::HangBefore), Some(Fault::HangAfter)]).await;
}

#[tokio::test]
async fn two_operators_do_the_work_of_one() {
    for story in STORIES {
        let fake = cluster();
        let expected = story.play(&fake, &mut [Operator::new(&fake, Hangs::Crash)], Pace::SlowKubelet).await;
        let fake = cluster();
        let mut two = [Operator::new(&fake, Hangs::Crash), Operator::new(&fake, Hangs::Crash)];
        let ends = story.play(&fake, &mut two, Pace::SlowKubelet).await;
        assert_same(&ends.ran, &expected.ran, "ran");
        assert_same(&ends.left, &expected.left, "left");
        assert_eq!(pods_created(&fake), story.pods());
        check_protocol(&fake);
    }
}

#[tokio::test]
async fn two_operators_call_by_call_do_the_work_of_one() {
    let fake = cluster_for_runs();
    let mut one = Operator::new(&fake, Hangs::Crash);
    let mut other = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    for _ in 0..10 {
        tokio::join!(one.pass(), other.pass());
        fake.kubelet(Some(0));
    }
    settle(&fake, &mut one, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_eq!(pods_created(&fake), 1);
    fake.delete(EXPERIMENT);
    for _ in 0..10 {
        tokio::join!(one.pass(), other.pass());
        fake.kubelet(None);
    }
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn an_outdated_cache_neither_starts_a_second_run_nor_takes_a_status_back() {
    let fake = cluster_for_runs();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    let mut replayed = 0;
    for is_deleted in [false, true] {
        if is_deleted {
            fake.delete(EXPERIMENT);
        }
        for _ in 0..12 {
            operator.pass().await;
            for version in fake.versions() {
                operator.pass_on(version).await;
                replayed += 1;
            }
            fake.kubelet(Some(0));
        }
        assert!(replayed > 50, "{replayed}");
        assert_eq!(pods_created(&fake), 1);
        if !is_deleted {
            assert_eq!(status(&fake)["phase"], "Completed");
        }
    }
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn a_pod_that_the_cache_does_not_have_yet_is_let_go_once_it_has() {
    let fake = cluster_for_runs();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, None).await;
    fake.kubelet(Some(0));
    // The end gets recorded, after the journal was read and kept, and then the operator is killed.
    fake.fail(fake.calls().len() + 4, Fault::HangAfter);
    operator.pass().await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_ne!(fake.get(POD).unwrap()["metadata"]["finalizers"], json!([]));
    // The new one has the experiment in its cache, but not the pod.
    let calls = fake.calls().len();
    operator.pass_on(fake.get(EXPERIMENT).unwrap()).await;
    assert_eq!(fake.calls().len(), calls);
    // The watch of pods tells of each pod before its cache has any, and says nothing more afterwards.
    assert!(operator.again, "another pass is due once it is known which pods there are");
    // The pod arrives.
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(POD).unwrap()["metadata"]["finalizers"], json!([]));
}

#[tokio::test]
async fn an_object_of_somebody_else_is_left_alone_and_the_run_waits_until_it_is_gone() {
    let metadata = |name: &str| json!({"name": name, "namespace": "chaostoolkit-run"});
    let rbac = "rbac.authorization.k8s.io/v1";
    let foreigners = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("chaostoolkit-a235f4ad3e")}),
        json!({"apiVersion": rbac, "kind": "Role", "metadata": metadata("chaostoolkit-experiment-a235f4ad3e")}),
        json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": metadata("chaostoolkit-experiment-a235f4ad3e")}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("chaostoolkit-env-a235f4ad3e")}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata("chaostoolkit-a235f4ad3e"), "status": {"phase": "Succeeded"}}),
    ];
    for foreigner in foreigners {
        for is_removed in [true, false] {
            let fake = cluster_for_runs();
            let mut operator = Operator::new(&fake, Hangs::Crash);
            let path = fake.put(foreigner.clone());
            let before = fake.get(&path);
            fake.put(experiment(&json!({})));
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(status(&fake)["reason"], "NameConflict", "{path}");
            assert_eq!(status(&fake)["phase"], "Blocked", "{path}");
            assert_eq!((fake.get(&path), pods_created(&fake)), (before.clone(), 0));
            if is_removed {
                fake.delete(&path);
                settle(&fake, &mut operator, Some(0)).await;
                assert_eq!(status(&fake)["phase"], "Completed", "{path}");
                assert_eq!(pods_created(&fake), 1);
                fake.delete(EXPERIMENT);
                settle(&fake, &mut operator, None).await;
                nothing_is_left(&fake);
            } else {
                fake.delete(EXPERIMENT);
                settle(&fake, &mut operator, None).await;
                assert_eq!(fake.get(&path), before);
                fake.vanish(&path);
                nothing_is_left(&fake);
            }
        }
    }
}

#[tokio::test]
async fn a_pod_that_somebody_deletes_is_the_end_of_its_run() {
    for vanishes in [false, true] {
        let fake = cluster_for_runs();
        let mut operator = Operator::new(&fake, Hangs::Crash);
        fake.put(experiment(&json!({})));
        settle(&fake, &mut operator, None).await;
        assert_eq!(status(&fake)["phase"], "Running");
        if vanishes {
            fake.vanish(POD);
        } else {
            fake.delete(POD);
        }
        settle(&fake, &mut operator, None).await;
        let (phase, reason) = if vanishes { ("Failed", "PodLost") } else { ("Aborted", "PodDeleted") };
        assert_eq!(status(&fake)["phase"], phase);
        assert_eq!(status(&fake)["reason"], reason);
        assert!(!status(&fake)["run"]["finishedAt"].is_null());
        assert_eq!(fake.get(POD), None, "nothing holds it any more");
        // Neither a restart nor an edit starts it again.
        let mut operator = Operator::new(&fake, Hangs::Crash);
        settle(&fake, &mut operator, Some(0)).await;
        fake.edit(EXPERIMENT, |experiment| experiment["spec"]["verbose"] = json!(true));
        settle(&fake, &mut operator, Some(0)).await;
        // Nor does a cache from before the pod was there.
        for version in fake.versions() {
            operator.pass_on(version).await;
        }
        assert_eq!((pods_created(&fake), fake.get(POD)), (1, None));
        assert_eq!(status(&fake)["reason"], reason);
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        nothing_is_left(&fake);
        check_protocol(&fake);
    }
}

#[tokio::test]
async fn an_edit_before_the_start_leaves_nothing_in_the_namespace_before() {
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    // The `ConfigMap` of variables stands for somebody else's object of that name: the run gets stuck half-way.
    fake.put(namespace("old"));
    fake.put(config_map("old"));
    let foreign = json!({"name": "chaostoolkit-env-a235f4ad3e", "namespace": "old"});
    let foreign = fake.put(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": foreign}));
    fake.put(experiment(&json!({"namespace": "old"})));
    settle(&fake, &mut operator, Some(0)).await;
    let ours_in_old = || {
        fake.objects()
            .into_iter()
            .filter(|(path, object)| {
                path.contains("/old/") && object["metadata"]["labels"][names::UID_LABEL] == UID
            })
            .count()
    };
    assert_eq!(ours_in_old(), 3, "account, role and binding");
    fake.put(namespace("chaostoolkit-run"));
    fake.put(config_map("chaostoolkit-run"));
    fake.edit(EXPERIMENT, |experiment| experiment["spec"] = json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_eq!(ours_in_old(), 0);
    assert!(fake.get(&foreign).is_some());
    assert_eq!(pods_created(&fake), 1);
}

#[tokio::test]
async fn an_experiment_of_which_nothing_was_created_is_gone_at_once() {
    for spec in [json!({"namespace": "kube-system"}), json!({"pod": "x"}), json!("x")] {
        let fake = cluster();
        let mut operator = Operator::new(&fake, Hangs::Crash);
        fake.put(experiment(&spec));
        settle(&fake, &mut operator, None).await;
        assert_eq!(status(&fake)["reason"], "InvalidSpec");
        assert_eq!(fake.writes().iter().map(short).collect::<Vec<_>>(), ["PATCH status"]);
        fake.delete(EXPERIMENT);
        assert_eq!(fake.get(EXPERIMENT), None);
    }
    // Also where somebody else holds it.
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    fake.edit(EXPERIMENT, |experiment| experiment["metadata"]["finalizers"] = json!(["example.com/other"]));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert!(fake.writes().is_empty());
}

#[tokio::test]
async fn the_rights_stay_until_the_pod_is_really_gone() {
    let fake = cluster_for_runs();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    fake.edit(POD, |pod| pod["metadata"]["finalizers"] = json!(["example.com/other"]));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert!(!fake.get(POD).unwrap()["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(fake.list("RoleBinding").len(), 1);
    fake.edit(POD, |pod| pod["metadata"]["finalizers"] = json!([]));
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

/// Seen where the operator was killed while the API server was deleting the pod for it.
#[tokio::test]
async fn a_pod_whose_deletion_broke_off_half_way_is_deleted_again() {
    let fake = cluster_for_runs();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    fake.half_delete(POD);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

/// It is understood, but cannot be planned. Were its end another one each time, each write would bring the next pass.
#[tokio::test]
async fn a_spec_that_is_rejected_late_is_rejected_once_however_long_passes_take() {
    let spec = json!({"schedule": {"value": "0 0 1 1 *"}});
    let fake = cluster_for_runs();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&spec));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["reason"], "InvalidSpec");
    fake.edit(EXPERIMENT, |experiment| {
        for condition in experiment["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!("2026-01-01T00:00:00Z");
        }
    });
    let changes = fake.changes();
    operator.pass().await;
    assert_eq!(fake.changes(), changes, "there is nothing new to say");
}

/// Nothing can be changed in a namespace that does not exist, be it by the kubelet or by the operator.
#[tokio::test]
async fn a_pod_whose_namespace_was_removed_by_force_is_let_go_in_a_new_one() {
    for (deleted, exit_code, reason) in
        [(POD, None, "PodDeleted"), (EXPERIMENT, None, "PodDeleted"), (EXPERIMENT, Some(0), "Passed")]
    {
        let fake = cluster_for_runs();
        let mut operator = Operator::new(&fake, Hangs::Crash);
        fake.put(experiment(&json!({})));
        settle(&fake, &mut operator, None).await;
        if let Some(code) = exit_code {
            fake.end(POD, code, None);
        }
        fake.delete(deleted);
        fake.vanish(RUN);
        settle(&fake, &mut operator, None).await;
        assert_eq!(fake.get(POD), None, "nothing holds it any more");
        let versions = fake.versions();
        let conditions = &versions.last().unwrap()["status"]["conditions"];
        let mut conditions = conditions.as_array().unwrap().iter();
        let finished = conditions.find(|condition| condition["type"] == "Finished").unwrap();
        assert_eq!((&finished["status"], &finished["reason"]), (&json!("True"), &json!(reason)));
        if deleted == POD {
            fake.delete(EXPERIMENT);
            settle(&fake, &mut operator, None).await;
        }
        nothing_is_left(&fake);
        assert_eq!(pods_created(&fake), 1);
        assert!(fake.get(RUN).is_some(), "namespaces stay");
    }
}

#[tokio::test]
async fn a_run_that_waits_only_looks() {
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
    let before = fake.calls().len();
    operator.pass().await;
    operator.pass().await;
    let writes: Vec<Call> =
        fake.calls().split_off(before).into_iter().filter(|call| call.method != "GET").collect();
    assert!(operator.again && writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn a_namespace_on_its_way_out_is_waited_for() {
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(namespace("chaostoolkit-run"));
    fake.edit(RUN, |namespace| {
        namespace["metadata"]["finalizers"] = json!(["kubernetes"]);
        namespace["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    fake.put(experiment(&Story::Completes.spec()));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "NamespaceTerminating");
    fake.vanish(RUN);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    check_protocol(&fake);
}
