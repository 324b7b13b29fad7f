use super::*;
use crate::cluster::Cluster;
use crate::process::bell::Bell;
use crate::process::health::Health;
use crate::process::leader::term;
use crate::process::leader::term::Leadership;
use crate::signals::sources::Sources;
use chaostoolkit_api::Experiment;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::store;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// What a replica shows that has these objects in its caches.
struct World {
    metrics: Metrics,
    experiments: Writer<DeserializeGuard<Experiment>>,
    freezes: Writer<known::Watched>,
    health: Health,
}

impl World {
    fn new(leadership: Leadership, by_name: bool) -> Self {
        let metrics = Metrics::default();
        let ((cache, experiments), (frozen, freezes)) = (store(), store());
        let answer = async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty()));
        let cluster = Cluster::new(Client::new(tower::service_fn(answer), "x"), Duration::from_secs(1));
        let watches = Watches::new(Sources::default(), cluster, Bell::default(), metrics.clone());
        let health = Health::default();
        let shown = Shown { experiments: cache, leadership, health: health.clone() };
        show(&metrics, shown, (frozen, watches), by_name);
        Self { metrics, experiments, freezes, health }
    }

    fn has(&mut self, experiment: &Value) {
        self.experiments
            .apply_watcher_event(&Event::Apply(serde_json::from_value(experiment.clone()).unwrap()));
    }

    fn loses(&mut self, experiment: &Value) {
        self.experiments
            .apply_watcher_event(&Event::Delete(serde_json::from_value(experiment.clone()).unwrap()));
    }

    fn freeze(&mut self, name: &str, created: &str, spec: &Value) {
        let freeze = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitFreeze", "spec": spec,
            "metadata": {"namespace": "home", "name": name, "creationTimestamp": created}});
        self.freezes.apply_watcher_event(&Event::Apply(serde_json::from_value(freeze).unwrap()));
    }

    /// The lines of these metrics, without those that begin with a hash.
    fn lines(&self, prefix: &str) -> Vec<String> {
        let text = self.metrics.text();
        text.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
    }
}

fn experiment(name: &str, status: &Value) -> Value {
    json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"namespace": "home", "name": name, "uid": name}, "spec": {}, "status": status})
}

fn ended() -> Value {
    json!({"phase": "Completed", "outcome": "Deviated", "runNamespace": "run",
        "run": {"number": 1, "podName": "p", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:01:00Z",
            "rollbacks": {"state": "NotPlayed", "total": 1, "failed": 0}}})
}

#[tokio::test]
async fn what_the_caches_say_is_shown() {
    let mut world = World::new(Leadership::forever(), false);
    world.has(&experiment("a", &ended()));
    world.has(&experiment(
        "b",
        &json!({"phase": "Running", "runNamespace": "run",
        "run": {"number": 1, "podName": "p", "startedAt": "2026-01-01T00:00:00Z"}}),
    ));
    world.has(&experiment(
        "c",
        &json!({"phase": "Blocked", "reason": "Frozen", "hold": {"reason": "Frozen", "since": "2026-01-01T00:00:00Z"}}),
    ));
    world.has(&experiment(
        "d",
        &json!({"phase": "Blocked", "reason": "GateClosed", "hold": {"reason": "GateClosed"}}),
    ));
    world.has(&json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"namespace": "home", "name": "unreadable"}, "status": 7}));
    world.freeze("a", "2026-01-01T00:00:09Z", &json!({}));
    world.freeze("b", "2026-01-01T00:00:05Z", &json!({}));
    world.freeze("c", "2026-01-01T00:00:01Z", &json!({"active": false}));
    let text = world.metrics.text();
    for line in [
        r#"experiments{phase="Completed"} 1"#,
        r#"experiments{phase="Blocked"} 2"#,
        r#"experiments{phase="Suspended"} 0"#,
        r#"experiments{phase="None"} 1"#,
        r#"runs_active{run_namespace="run"} 1"#,
        r#"waiting{reason="Frozen"} 1"#,
        r#"waiting{reason="GateClosed"} 1"#,
        r#"waiting_since_timestamp_seconds{reason="Frozen"} 1767225600"#,
        "schedules_overdue 0",
        "rollbacks_missing 1",
        "cleanups_blocked 0",
        "freezes_active 2",
        "freezes_held 1",
        "freeze_since_timestamp_seconds 1767225605",
        "gates_closed 1",
        "stop_conditions_watched 0",
    ] {
        assert!(text.contains(&format!("\nchaostoolkit_operator_{line}\n")), "{line} is not in {text}");
    }
    assert!(!text.contains("name="), "names are shown only if somebody asks for them: {text}");
}

#[tokio::test]
async fn only_the_leader_with_full_caches_shows_them() {
    let (terms, leadership) = term::channel();
    let mut world = World::new(leadership, true);
    world.has(&experiment("a", &ended()));
    let shown = |world: &World| {
        let text = world.metrics.text();
        (text.contains("chaostoolkit_operator_experiments{"), text.contains("chaostoolkit_experiment_info"))
    };
    assert_eq!(shown(&world), (false, false));
    let full = world.health.readiness_check("the cache is full");
    assert!(terms.extend(tokio::time::Instant::now() + Duration::from_secs(600)));
    assert_eq!(shown(&world), (false, false), "the cache may lack some");
    full.pass();
    assert_eq!(shown(&world), (true, true));
    terms.end();
    assert_eq!(shown(&world), (false, false));
}

#[tokio::test]
async fn the_series_of_an_experiment_appear_and_vanish_with_it() {
    let mut world = World::new(Leadership::forever(), true);
    assert_eq!(world.lines("chaostoolkit_experiment"), Vec::<String>::new());
    let (first, second) = (
        experiment("a", &ended()),
        experiment(
            "b",
            &json!({"phase": "Scheduled",
        "outcome": "Passed", "schedule": {"cron": "*/5 * \"\n", "nextScheduleTime": "2026-01-01T00:05:00Z", "active": ["p"]},
        "run": {"number": 1, "podName": "q", "finishedAt": "2026-01-01T00:01:00Z"}}),
        ),
    );
    world.has(&first);
    world.has(&second);
    assert_eq!(
        world
            .lines("chaostoolkit_experiment")
            .iter()
            .filter(|line| line.contains(r#"name="a""#))
            .collect::<Vec<_>>(),
        [
            r#"chaostoolkit_experiment_info{namespace="home",name="a",schedule=""} 1"#,
            r#"chaostoolkit_experiment_phase{namespace="home",name="a",phase="Completed"} 1"#,
            r#"chaostoolkit_experiment_last_outcome{namespace="home",name="a",outcome="Deviated"} 1"#,
            r#"chaostoolkit_experiment_running{namespace="home",name="a"} 0"#,
            r#"chaostoolkit_experiment_last_start_timestamp_seconds{namespace="home",name="a"} 1767225600"#,
            r#"chaostoolkit_experiment_last_end_timestamp_seconds{namespace="home",name="a"} 1767225660"#,
            r#"chaostoolkit_experiment_rollbacks_missing{namespace="home",name="a"} 1"#,
        ]
    );
    world.loses(&first);
    assert_eq!(
        world.lines("chaostoolkit_experiment"),
        [
            r#"chaostoolkit_experiment_info{namespace="home",name="b",schedule="*/5 * \"\n"} 1"#,
            r#"chaostoolkit_experiment_phase{namespace="home",name="b",phase="Scheduled"} 1"#,
            r#"chaostoolkit_experiment_last_outcome{namespace="home",name="b",outcome="Passed"} 1"#,
            r#"chaostoolkit_experiment_running{namespace="home",name="b"} 1"#,
            r#"chaostoolkit_experiment_last_end_timestamp_seconds{namespace="home",name="b"} 1767225660"#,
            r#"chaostoolkit_experiment_next_run_timestamp_seconds{namespace="home",name="b"} 1767225900"#,
            r#"chaostoolkit_experiment_rollbacks_missing{namespace="home",name="b"} 0"#,
        ]
    );
    world.loses(&second);
    assert_eq!(world.lines("chaostoolkit_experiment"), Vec::<String>::new());
}

/// Writes what a busy operator shows to the file that `METRICS_FILE` names, for `hack/metrics.sh`.
#[tokio::test]
async fn many_experiments_are_rendered_and_the_size_without_names_does_not_grow() {
    let size = |by_name: bool, count: usize| {
        let mut world = World::new(Leadership::forever(), by_name);
        for number in 0..count {
            let mut status = ended();
            status["phase"] = json!(["Completed", "Failed", "Aborted"][number % 3]);
            world.has(&experiment(&format!("experiment-{number}"), &status));
        }
        let began = Instant::now();
        let text = world.metrics.text();
        println!("{count} experiments, by name: {by_name}: {:?}, {} bytes", began.elapsed(), text.len());
        (text.lines().count(), text)
    };
    let (few, many) = (size(false, 3).0, size(false, 10_000).0);
    assert_eq!(few, many);
    let (lines, text) = size(true, 10_000);
    assert!(lines > many + 70_000 - 10, "{lines}");
    if let Some(file) = std::env::var_os("METRICS_FILE") {
        std::fs::write(file, crate::process::metrics::classic::classic(&text)).unwrap();
    }
}
