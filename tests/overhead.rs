//! How much the runner delays the start of the toolkit. The shipped pod runs with the runner and without it, in turns,
//! on a real node.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

mod common;

use std::time::{Duration, SystemTime};

use chaostoolkit_operator::commands::render::render;
use common::install::Install;
use common::{config_map, create, delete_and_wait, wait};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use serde_json::{Value, json};

/// The number of pods of each kind.
const ROUNDS: usize = 20;

/// The longest delay that is allowed.
const LATER: Duration = Duration::from_millis(300);

/// Python runs this before anything else, also before the `chaos` of the image. It prints the time and exits.
const CLOCK: &str = "import os, time
os.write(1, b'started %d\\n' % time.time_ns())
os._exit(0)
";

/// Returns the pod for an experiment with this `report.mode`, and creates the objects that the pod needs. Node and
/// test have the same clock.
async fn pod_for(install: &Install, mode: &str) -> Value {
    let uid = format!("00000000-0000-0000-0000-{:0>12}", mode.len());
    let experiment = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": mode, "namespace": install.namespace, "uid": uid},
        "spec": {"namespace": install.run_namespace, "report": {"mode": mode}}});
    let mut objects = render(&experiment.to_string(), None, &[]).unwrap();
    let mut pod = objects.pop().unwrap();
    for object in objects.iter().filter(|object| object["kind"] != "Namespace") {
        install.create_any(object).await;
    }
    let injected = pod["spec"]["initContainers"].is_array();
    assert_eq!(injected, mode == "runner", "{pod:#}");
    // No operator runs that would remove the finalizer.
    pod["metadata"]["finalizers"] = json!([]);
    let add = |list: &mut Value, item: Value| list.as_array_mut().unwrap().push(item);
    add(&mut pod["spec"]["volumes"], json!({"name": "clock", "configMap": {"name": "clock"}}));
    let container = &mut pod["spec"]["containers"][0];
    add(&mut container["volumeMounts"], json!({"name": "clock", "mountPath": "/clock"}));
    add(&mut container["env"], json!({"name": "PYTHONPATH", "value": "/clock"}));
    pod
}

/// Returns the time of the node. The clock of the operator only counts seconds.
fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap()
}

/// Returns the time from the request to create the pod to the first instruction of Python in it.
async fn time_to_start(install: &Install, pod: &Value, name: &str) -> Duration {
    let mut pod = pod.clone();
    pod["metadata"]["name"] = json!(name);
    let asked = now();
    create(&install.pods(), pod).await;
    wait(&install.pods(), name, "over", |pod: Option<&Pod>| {
        pod.and_then(|pod| pod.status.as_ref()?.phase.as_deref()) == Some("Succeeded")
    })
    .await;
    let parameters = LogParams { container: Some("chaostoolkit".into()), ..LogParams::default() };
    let log = install.pods().logs(name, &parameters).await.unwrap();
    // There is exactly one line: the runner has not started Python for its own purposes.
    let [line] = log.lines().collect::<Vec<_>>()[..] else { panic!("{name}: {log}") };
    let started = line.strip_prefix("started ").unwrap().parse().unwrap();
    delete_and_wait(&install.pods(), name).await;
    Duration::from_nanos(started).checked_sub(asked).unwrap()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2
}

fn summary(times: &[Duration]) -> String {
    let seconds = |time: Option<&Duration>| time.map(Duration::as_secs_f64).unwrap_or_default();
    format!(
        "{} pods, fastest {:.3} s, slowest {:.3} s",
        times.len(),
        seconds(times.first()),
        seconds(times.last())
    )
}

#[tokio::test]
#[ignore = "needs a node that has nothing else to do"]
async fn the_toolkit_starts_at_most_0_3_seconds_later_with_the_runner() {
    let install = Install::new("overhead").await;
    install.with_experiment("{}").await;
    let maps = install.config_maps(&install.run_namespace);
    create(&maps, config_map("clock", json!({"sitecustomize.py": CLOCK}))).await;
    let (with, without) = (pod_for(&install, "runner").await, pod_for(&install, "none").await);
    // The first pods fill the caches and pull the images.
    time_to_start(&install, &with, "warm-up-with").await;
    time_to_start(&install, &without, "warm-up-without").await;
    let (mut injected, mut plain) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Both kinds are first equally often.
        for is_injected in [round % 2 == 0, round % 2 != 0] {
            if is_injected {
                injected.push(time_to_start(&install, &with, &format!("with-{round}")).await);
            } else {
                plain.push(time_to_start(&install, &without, &format!("without-{round}")).await);
            }
        }
    }
    let (later, before) = (median(&mut injected), median(&mut plain));
    println!("with the runner:    median {:.3} s, {}", later.as_secs_f64(), summary(&injected));
    println!("without the runner: median {:.3} s, {}", before.as_secs_f64(), summary(&plain));
    println!("difference:         {:+.3} s", later.as_secs_f64() - before.as_secs_f64());
    assert!(later <= before + LATER, "{later:?} with the runner, {before:?} without");
}
