//! The outcomes of runs on a real node, with two versions of the real Chaos Toolkit. Each case is an experiment and
//! what its status has to say. The journal of each run is read back and compared with the fingerprint that the runner
//! took.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]
#![allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")]

#[path = "../common/mod.rs"]
mod common;

mod abort;
mod added;
mod cases;
mod checks;
mod drop_in;
mod experiments;
mod freezes;
mod platform;
mod schedules;
#[path = "../signals/servers.rs"]
#[allow(dead_code, reason = "another test program uses the rest")]
mod servers;
#[path = "../signals/shop.rs"]
mod shop;
mod signals;
mod stalled;
mod told;
mod traces;
mod wrappers;

use std::time::Duration;

use cases::{Case, SETTINGS, Then, passes};
use chaostoolkit_api::condition::{Type, find};
use chaostoolkit_api::{Outcome, Phase};
use checks::{columns, differences, read_back, untold};
use common::install::Install;
use common::operator::Operator;
use common::variables::text;
use common::{config_map, create, delete, kubectl, set_up, status, wait_for_reason, within};
use experiments::{echo, inline, well};
use futures::future::join_all;
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::Api;
use kube::api::{EvictParams, LogParams, Patch, PatchParams};
use rstest::rstest;
use serde_json::json;

#[rstest]
#[case::chaos_toolkit_1_19("latest", "1.19.0")]
#[case::chaos_toolkit_1_21("1.21.4", "1.21.4")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a node"]
async fn what_runs_find(#[case] tag: &str, #[case] version: &str) {
    let install = Install::new("outcomes").await;
    install.with_experiment("{}").await;
    create(&install.config_maps(&install.run_namespace), config_map("own", experiments::files())).await;
    let secrets = Api::<Secret>::namespaced(install.client.clone(), &install.run_namespace);
    create(&secrets, json!({"metadata": {"name": "settings"}, "stringData": {"settings.yaml": SETTINGS}}))
        .await;
    let site = serve_files(&install).await;
    let operator = Operator::start(&install).await;
    let image = format!("chaostoolkit/chaostoolkit:{tag}");
    let wanted = text("CASE");
    let cases: Vec<Case> = cases::cases(&site)
        .into_iter()
        .filter(|case| wanted.as_deref().is_none_or(|one| case.name == one))
        .collect();
    let wrong: Vec<String> =
        join_all(cases.iter().map(|case| play(&install, case, &image, version))).await.concat();
    assert!(wrong.is_empty(), "Chaos Toolkit {version}:\n{}", wrong.join("\n"));
    drop(operator);
}

/// Starts a server that serves the experiments, and returns its URL. The clusters of the tests have no DNS, so the URL
/// has an address.
async fn serve_files(install: &Install) -> String {
    let pod = json!({"metadata": {"name": "site", "labels": {"app": "site"}}, "spec": {
        "terminationGracePeriodSeconds": 1,
        "volumes": [{"name": "x", "configMap": {"name": "own"}}],
        "containers": [{"name": "server", "image": "chaostoolkit/chaostoolkit", "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-m", "http.server", "8000", "--directory", "/x"],
            "readinessProbe": {"httpGet": {"path": "/quick.json", "port": 8000}, "periodSeconds": 1},
            "volumeMounts": [{"name": "x", "mountPath": "/x"}]}]}});
    create(&install.pods(), pod).await;
    let services = Api::<Service>::namespaced(install.client.clone(), &install.run_namespace);
    let service = json!({"metadata": {"name": "site"}, "spec": {"selector": {"app": "site"}, "ports": [{"port": 8000}]}});
    let address = create(&services, service).await.spec.unwrap().cluster_ip.unwrap();
    let run_namespace = &install.run_namespace;
    let (ready, text) =
        kubectl(&["-n", run_namespace, "wait", "--for=condition=Ready", "pod/site", "--timeout=120s"], "");
    assert!(ready, "{text}");
    format!("http://{address}:8000")
}

/// Plays a case and returns everything that is wrong.
async fn play(install: &Install, case: &Case, image: &str, version: &str) -> Vec<String> {
    let mut spec = case.spec.clone();
    match spec.pointer_mut("/pod/template/spec/containers/0/image") {
        Some(own) => *own = json!(image),
        None => spec["pod"]["image"] = json!(image),
    }
    install.apply_experiment(case.name, spec).await;
    happens(install, case).await;
    let ended = within(Duration::from_secs(400), &format!("{} has ended", case.name), async || {
        let found = install.experiments().get_opt(case.name).await.unwrap();
        let status = status(found.as_ref());
        find(&status.conditions, Type::Finished)
            .is_some_and(|finished| finished.status == "True")
            .then_some(status)
    })
    .await;
    let mut wrong = differences(case, &ended, version);
    wrong.extend(columns(install, case, &ended).await);
    wrong.extend(untold(install, case).await);
    if case.journal {
        wrong.extend(read_back(install, case, &ended).await);
    }
    wrong
}

async fn happens(install: &Install, case: &Case) {
    if case.then == Then::Nothing {
        return;
    }
    let pod = within(Duration::from_secs(300), &format!("{} runs", case.name), async || {
        let found = install.experiments().get_opt(case.name).await.unwrap();
        let status = status(found.as_ref());
        status.run.filter(|run| run.started_at.is_some()).map(|run| run.pod_name)
    })
    .await;
    if let Then::DeletedAfter(line) | Then::EvictedAfter(line) | Then::OverdueAfter(line) = case.then {
        // All cases start at once, so the toolkit may need long to load.
        within(Duration::from_secs(180), &format!("{} says {line}", case.name), async || {
            let parameters = LogParams { container: Some("chaostoolkit".into()), ..LogParams::default() };
            install.pods().logs(&pod, &parameters).await.ok()?.contains(line).then_some(())
        })
        .await;
    }
    match case.then {
        Then::EvictedAfter(_) => _ = install.pods().evict(&pod, &EvictParams::default()).await.unwrap(),
        Then::OverdueAfter(_) => {
            let deadline = Patch::Merge(json!({"spec": {"activeDeadlineSeconds": 1}}));
            install.pods().patch(&pod, &PatchParams::default(), &deadline).await.unwrap();
        }
        _ => delete(&install.pods(), &pod).await,
    }
}

#[tokio::test]
#[ignore = "needs a node"]
async fn an_image_without_a_shell_will_do() {
    let (install, _operator) = set_up("noshell").await;
    let case = passes("no-shell", inline(&well(vec![echo()], vec![])));
    let wrong = play(&install, &case, "chaostoolkit/chaostoolkit:no-shell", "1.19.0").await;
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_missing_runner_image_is_reported_and_a_cluster_without_sidecars_gets_the_outcome() {
    let install = Install::new("bringer").await;
    install.with_experiment(&well(vec![echo()], vec![]).to_string()).await;
    let operator = Operator::start_with(&install, &["--runner-image", "nobody/has-this:1"]).await;
    install.apply_experiment("missing", json!({})).await;
    let stalled = wait_for_reason(&install.experiments(), "missing", "ImagePullBackOff").await;
    assert!(stalled.message.unwrap().contains("nobody/has-this:1"));
    operator.kill();
    let _operator = Operator::start_with(&install, &["--native-sidecar", "no"]).await;
    // A pod that waits for its image keeps its share of the node.
    common::delete(&install.experiments(), "missing").await;
    common::wait_until_gone(&install.experiments(), "missing").await;
    install.apply_experiment("old", json!({})).await;
    let status = common::wait_for_phase(&install.experiments(), "old", Phase::Completed).await;
    assert_eq!(status.outcome, Some(Outcome::Passed));
    let journal = status.run.unwrap().journal.unwrap();
    assert!(journal.problem.unwrap().contains("sidecar"), "the status says why there is no journal");
    let (_, text) = kubectl(&["-n", &install.namespace, "get", "ctk", "old", "--output", "wide"], "");
    for word in ["Completed", "Passed", "NoneDeclared"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}
