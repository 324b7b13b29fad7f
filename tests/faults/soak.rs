//! Many experiments, while the operator is killed again and again and a share of its requests fails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chaostoolkit_api::{Outcome, Phase};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::common::chance::Chance;
use crate::common::variables::number;
use crate::common::{self, audit, report_container, running, terminated};
use crate::rig::Rig;
use crate::weather::Weather;

/// The settings of a soak.
struct Settings {
    experiments: usize,
    time: Duration,
    seed: u64,
}

/// What a soak has seen.
#[derive(Default)]
struct Seen {
    created: usize,
    /// The outcome of each experiment that has ended, by uid.
    outcomes: BTreeMap<String, Option<Outcome>>,
    /// The uids of all pods by name, as the kubelet saw them. The audit log does not tell: a request that ended with
    /// the operator may have been carried out.
    pods: BTreeMap<String, BTreeSet<String>>,
    /// Ends that changed afterwards.
    went_back: Vec<String>,
    kills: usize,
}

/// Creates experiments for some time, and follows them until nothing is left.
pub async fn run() {
    let settings = Settings {
        experiments: number("SOAK_EXPERIMENTS", 1000),
        time: Duration::from_secs(number("SOAK_SECONDS", 1200)),
        seed: number("SOAK_SEED", 1),
    };
    let rig = Rig::start().await;
    let mut log = audit::Tail::from_now();
    rig.proxy.weather(Some(Weather::new(settings.seed, 50, 10)));
    let began = Instant::now();
    let mut seen = Seen::default();
    let mut chance = Chance::new(settings.seed + 1);
    let mut next_kill = began + Duration::from_secs(5 + chance.below(16));
    let patience = settings.time + Duration::from_secs(300);
    let mut told = began;
    while seen.outcomes.len() < settings.experiments || !is_empty(&rig).await {
        assert!(began.elapsed() < patience, "the soak has not ended in time: {}", seen.line(&rig));
        create(&rig, &settings, began, &mut seen).await;
        if Instant::now() > next_kill {
            rig.operators.crash();
            seen.kills += 1;
            next_kill = Instant::now() + Duration::from_secs(5 + chance.below(16));
        }
        play_kubelet(&rig, &mut seen).await;
        reap(&rig, &mut seen).await;
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            eprintln!("{:4} s  {}", began.elapsed().as_secs(), seen.line(&rig));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let took = began.elapsed().as_secs();
    let created = audit::created_since(&mut log, &rig.install.run_namespace);
    let answered = created.get("pods").copied().unwrap_or_default();
    let pods: usize = seen.pods.values().map(BTreeSet::len).sum();
    let left = rig.install.left_behind().await.len();
    let passed = seen.outcomes.values().filter(|outcome| **outcome == Some(Outcome::Passed)).count();
    let ended = rig.operators.ended_by_themselves();
    let is_right = answered <= pods
        && seen.pods.len() == settings.experiments
        && (pods, passed, left, ended) == (settings.experiments, settings.experiments, 0, 0)
        && seen.went_back.is_empty();
    eprintln!(
        "soak: {} in {took} s: {pods} pods, {passed} right outcomes, {left} objects left, {} ends taken back, {ended} operators ended by themselves: {}",
        seen.line(&rig),
        seen.went_back.len(),
        if is_right { "passed" } else { "FAILED" }
    );
    assert!(is_right, "{:?}\n{}", seen.went_back, rig.operators.last_words());
    rig.end().await;
}

impl Seen {
    fn line(&self, rig: &Rig) -> String {
        let ended = self.outcomes.len();
        let (requests, hits) = rig.proxy.weather_so_far();
        format!(
            "{} experiments, {ended} ended, {} kills, {hits} of {requests} requests failed",
            self.created, self.kills
        )
    }
}

async fn is_empty(rig: &Rig) -> bool {
    rig.install.experiments().list(&ListParams::default()).await.unwrap().items.is_empty()
}

/// Creates the experiments that are due by now.
async fn create(rig: &Rig, settings: &Settings, began: Instant, seen: &mut Seen) {
    let share = (began.elapsed().as_secs_f64() / settings.time.as_secs_f64()).min(1.0);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand at most"
    )]
    let due = (settings.experiments as f64 * share) as usize;
    while seen.created < due {
        let name = format!("exp-{}", seen.created);
        rig.install.apply_experiment(&name, json!({"pod": {"experiment": {"asFile": false}}})).await;
        seen.created += 1;
    }
}

/// Takes every pod one step further.
async fn play_kubelet(rig: &Rig, seen: &mut Seen) {
    let pods = rig.install.pods();
    for pod in pods.list(&ListParams::default()).await.unwrap() {
        let name = pod.metadata.name.clone().unwrap();
        seen.pods.entry(name.clone()).or_default().insert(pod.metadata.uid.clone().unwrap());
        if pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_none()) {
            common::bind_to(&rig.install, &name, rig.node()).await;
        } else if let Some(state) = next_state(&pod) {
            report_container(&pods, &name, state).await;
        }
    }
}

fn next_state(pod: &Pod) -> Option<Value> {
    let states = pod.status.as_ref()?.container_statuses.as_ref();
    match states.and_then(|states| states.first()?.state.as_ref()) {
        None => Some(running()),
        Some(state) if state.running.is_some() => Some(terminated(0)),
        Some(_) => None,
    }
}

/// Notes how runs ended, and deletes experiments that have ended.
async fn reap(rig: &Rig, seen: &mut Seen) {
    let experiments = rig.install.experiments();
    let mut to_delete = BTreeSet::new();
    for experiment in experiments.list(&ListParams::default()).await.unwrap() {
        let (name, uid) =
            (experiment.metadata.name.clone().unwrap(), experiment.metadata.uid.clone().unwrap());
        let status = experiment.status.clone().unwrap_or_default();
        let now = status.is_finished().then_some(status.outcome);
        match (seen.outcomes.get(&uid), now) {
            (Some(before), now) if now != Some(*before) => {
                seen.went_back.push(format!("{name}: {before:?} became {now:?}"));
            }
            (None, Some(outcome)) => {
                assert_eq!(status.phase, Some(Phase::Completed), "{name}");
                seen.outcomes.insert(uid, outcome);
            }
            // An end is looked at twice, so that a change of it is seen.
            (Some(_), _) if experiment.metadata.deletion_timestamp.is_none() => {
                to_delete.insert(name);
            }
            _ => {}
        }
    }
    for name in to_delete {
        common::delete(&experiments, &name).await;
    }
}
