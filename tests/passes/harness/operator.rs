//! An operator that makes passes, in turns with the kubelet.

use std::sync::Arc;
use std::time::Duration;

use chaostoolkit_api::Experiment;
use chaostoolkit_api::names;
use chaostoolkit_operator::cluster::Cluster;
use chaostoolkit_operator::cluster::reads::Memory;
use chaostoolkit_operator::experiment::apart::keeper::Keeper;
use chaostoolkit_operator::experiment::binding::Bindings;
use chaostoolkit_operator::experiment::context::{Answers, Context};
use chaostoolkit_operator::experiment::error::Error;
use chaostoolkit_operator::experiment::followed::Followed;
use chaostoolkit_operator::experiment::freezes::known::Freezes;
use chaostoolkit_operator::experiment::freezes::over::Read;
use chaostoolkit_operator::experiment::journals::budget::Budget;
use chaostoolkit_operator::experiment::judge::log_follower::LogFollower;
use chaostoolkit_operator::experiment::mutexes::claims::Claims;
use chaostoolkit_operator::experiment::reconcile;
use chaostoolkit_operator::experiment::watches::Watches;
use chaostoolkit_operator::outbound::Outbound;
use chaostoolkit_operator::process::backoff::Backoff;
use chaostoolkit_operator::process::bell::Bell;
use chaostoolkit_operator::process::config::{Config, Runner, UnknownFields, Watched};
use chaostoolkit_operator::process::extensions::Extensions;
use chaostoolkit_operator::process::health::ReadinessCheck;
use chaostoolkit_operator::process::key_list::Keys;
use chaostoolkit_operator::process::metrics::Metrics;
use chaostoolkit_operator::process::room::Room;
use chaostoolkit_operator::process::workers::Workers;
use chaostoolkit_operator::signals::readings::Readings;
use chaostoolkit_operator::signals::sources::Sources;
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::Action;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::store;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{EXPERIMENT, LIMIT};
use crate::fake_api::FakeApi;

/// The part of an operator process that passes need.
pub struct Operator {
    pub fake: FakeApi,
    /// The path of the experiment.
    pub experiment: &'static str,
    pub context: Arc<Context>,
    pub pods: Writer<PartialObjectMeta<Pod>>,
    /// What the last pass saw: the versions of the experiment and of all watched children.
    pub seen: Vec<String>,
    /// Whether the last pass asked for another one.
    pub again: bool,
    /// What happens to a call that hangs.
    pub hangs: Hangs,
    /// Whether this operator has listed the freezes.
    pub lists_freezes: bool,
    /// The pass that hangs.
    pub asleep: Option<JoinHandle<Result<Action, Error>>>,
}

/// What happens to a call that hangs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hangs {
    /// The operator is killed, and a new one starts.
    Crash,
    /// The operator sleeps until the call is released.
    Sleep,
    /// The call reaches its time limit.
    TimeOut,
}

impl Operator {
    pub fn new(fake: &FakeApi, hangs: Hangs) -> Self {
        Self::with(fake, hangs, false)
    }

    /// An operator that may have been started with `--unchecked-authors`.
    pub fn with(fake: &FakeApi, hangs: Hangs, unchecked_authors: bool) -> Self {
        let (pods, writer) = store();
        let reporter = Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: None };
        let cluster = Cluster::new(fake.client(), LIMIT);
        let context = Context {
            log_follower: LogFollower::new(cluster.clone()),
            bindings: Bindings::default(),
            freezes: Freezes::new("chaostoolkit-crd", ReadinessCheck::default(), Bell::default()),
            mutexes: Claims::default(),
            readings: Readings::default(),
            watches: Watches::new(Sources::default(), cluster.clone(), Bell::default(), Metrics::default()),
            bell: Bell::default(),
            apart: Keeper::off(cluster.clone()),
            cluster,
            config: Config {
                namespace: "chaostoolkit-crd".to_owned(),
                concurrency: 1,
                call_limit: LIMIT,
                cleanup_limit: Duration::MAX,
                runner: Runner::default(),
                keys: Keys::default(),
                watched: Watched::None,
                unchecked_authors,
                opt_in: None,
                unknown_fields: UnknownFields::Warn,
                extensions: Extensions::default(),
            },
            experiments: store().0,
            pods,
            recorder: Recorder::new(fake.client(), reporter),
            metrics: Metrics::default(),
            outbound: Outbound::default(),
            room: Room::default(),
            journals: Budget::default(),
            backoff: Backoff::default(),
            workers: Workers::new(8),
            answers: Answers::default(),
            memory: Memory::default(),
            followed: Followed::default(),
            ignored: Arc::default(),
        };
        let operator = Self {
            fake: fake.clone(),
            experiment: EXPERIMENT,
            context: Arc::new(context),
            pods: writer,
            seen: Vec::new(),
            again: false,
            lists_freezes: true,
            hangs,
            asleep: None,
        };
        operator.list_freezes();
        operator
    }

    /// Knows the freezes of now.
    fn list_freezes(&self) {
        let freezes = self.fake.list("ChaosToolkitFreeze").into_iter();
        let read = |freeze| Read::of(&serde_json::from_value(freeze).unwrap());
        self.context.freezes.replace(freezes.map(read).collect());
    }

    /// Has not listed the freezes, as after a start.
    pub fn forget_freezes(&mut self) {
        let context = Arc::get_mut(&mut self.context).unwrap();
        context.freezes = Freezes::new("chaostoolkit-crd", ReadinessCheck::default(), Bell::default());
        self.lists_freezes = false;
    }

    /// Knows these sources, and has read no signal of them yet, as after a start.
    pub fn has_sources(&mut self, sources: Sources) {
        let context = Arc::get_mut(&mut self.context).unwrap();
        context.watches = Watches::new(
            sources.clone(),
            context.cluster.clone(),
            context.bell.clone(),
            context.metrics.clone(),
        );
        context.readings = Readings::new(sources);
    }

    /// Whether the controller would start a pass.
    pub fn is_due(&self) -> bool {
        self.asleep.is_none()
            && self.fake.get(self.experiment).is_some()
            && (self.again || self.seen != versions(&self.fake, self.experiment))
    }

    /// Makes one pass over the experiment as it is now.
    pub async fn pass(&mut self) {
        let Some(experiment) = self.fake.get(self.experiment) else { return };
        self.seen = versions(&self.fake, self.experiment);
        self.fill_cache();
        self.pass_on(experiment).await;
    }

    /// Makes one pass over the experiment as it is in the cache of this operator.
    pub async fn pass_on(&mut self, cached: Value) {
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
                    let is_unchecked = self.context.config.unchecked_authors;
                    *self = Self::with(&self.fake, self.hangs, is_unchecked);
                }
            }
        }
    }

    /// Lets the pass that hangs finish, after a long sleep.
    pub async fn wake_up(&mut self) {
        if let Some(pass) = self.asleep.take() {
            self.fake.release();
            tokio::time::advance(LIMIT / 2).await;
            self.ended(pass.await.unwrap());
        }
    }

    fn ended(&mut self, result: Result<Action, Error>) {
        self.again = result.is_err() || result.is_ok_and(|action| action != Action::await_change());
    }

    /// Fills the caches with the pods and freezes that the watches would have announced by now.
    pub fn fill_cache(&mut self) {
        if self.lists_freezes {
            self.list_freezes();
        }
        self.pods.apply_watcher_event(&Event::Init);
        for pod in runner_pods(&self.fake) {
            self.pods.apply_watcher_event(&Event::InitApply(serde_json::from_value(pod).unwrap()));
        }
        self.pods.apply_watcher_event(&Event::InitDone);
    }
}

pub fn runner_pods(fake: &FakeApi) -> Vec<Value> {
    let is_ours = |pod: &Value| !pod["metadata"]["labels"][names::UID_LABEL].is_null();
    fake.list("Pod").into_iter().filter(is_ours).collect()
}

pub fn versions(fake: &FakeApi, experiment: &str) -> Vec<String> {
    let is_ours = |object: &Value| !object["metadata"]["labels"][names::UID_LABEL].is_null();
    let watched = ["Job", "CronJob"].into_iter().flat_map(|kind| fake.list(kind)).filter(is_ours);
    let watched = watched.chain(fake.list("ChaosToolkitFreeze"));
    let objects = fake.get(experiment).into_iter().chain(runner_pods(fake)).chain(watched);
    objects.map(|object| object["metadata"]["resourceVersion"].to_string()).collect()
}

/// Who goes first if both the operators and the kubelet have something to do.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// The kubelet waits until the operators are at rest.
    SlowKubelet,
    /// The kubelet takes a step after each pass.
    FastKubelet,
}

/// Lets the operators and the kubelet take turns until nothing changes any more.
pub async fn drive(fake: &FakeApi, operators: &mut [Operator], pace: Pace, exit_code: Option<i32>) {
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
        // A pass that keeps failing is always due. Three rounds without a change count as rest.
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
    panic!("the operators do not come to rest: {}", fake.get(EXPERIMENT).unwrap_or_default());
}

/// Drives one operator until nothing changes any more.
pub async fn settle(fake: &FakeApi, operator: &mut Operator, exit_code: Option<i32>) {
    drive(fake, std::slice::from_mut(operator), Pace::SlowKubelet, exit_code).await;
}
