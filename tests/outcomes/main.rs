//! What runs find, on a real node with the real Chaos Toolkit of two versions: each case is an experiment and what has to be
//! on its status. The journal of each is read back and compared with the fingerprint that the runner took of the file.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]
#![allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")]

#[path = "../common/mod.rs"]
mod common;

mod abort;
mod cases;
mod platform;

use std::collections::BTreeMap;
use std::time::Duration;

use cases::{Case, SETTINGS, Then, echo, inline, passes, well};
use chaostoolkit_api::condition::{Type, find};
use chaostoolkit_api::{Outcome, Phase, Status};
use chaostoolkit_journal::frame;
use common::install::Install;
use common::operator::Operator;
use common::variables::text;
use common::{
    condition_of, config_map, create, delete, eventually, kubectl, set_up, status, wait_for_reason, within,
};
use futures::future::join_all;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{EvictParams, ListParams, LogParams, Patch, PatchParams};
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[rstest]
#[case::chaos_toolkit_1_19("latest", "1.19.0")]
#[case::chaos_toolkit_1_21("1.21.4", "1.21.4")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a node"]
async fn what_runs_find(#[case] tag: &str, #[case] version: &str) {
    let install = Install::new("outcomes").await;
    install.with_experiment("{}").await;
    create(&install.config_maps(&install.run_namespace), config_map("own", cases::files())).await;
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

/// Starts a server of the experiments. Clusters of the tests have no names, so its URL has an address.
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

/// Plays a case, and says what is not as it should be.
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
    wrong.extend(columns(install, case, &ended));
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
        eventually(&format!("{} says {line}", case.name), async || {
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

fn differences(case: &Case, status: &Status, version: &str) -> Vec<String> {
    let run = status.run.clone().unwrap();
    let toolkit = run.toolkit.version.clone().unwrap_or_default();
    let warnings: Vec<String> = status.warnings.iter().map(|open| format!("{open:?}")).collect();
    let succeeded = match (case.outcome, case.reason) {
        (Outcome::Passed, "Inconclusive") => "Unknown/Inconclusive".to_owned(),
        (Outcome::Passed, reason) => format!("True/{reason}"),
        (_, reason) => format!("False/{reason}"),
    };
    let checks = [
        ("phase", format!("{:?}", status.phase), format!("{:?}", Some(case.phase))),
        ("outcome", format!("{:?}", status.outcome), format!("{:?}", Some(case.outcome))),
        ("reason", status.reason.clone().unwrap_or_default(), case.reason.to_owned()),
        ("warnings", format!("{warnings:?}"), format!("{:?}", case.warnings)),
        ("Finished", condition_of(status, Type::Finished), format!("True/{}", case.reason)),
        ("Succeeded", condition_of(status, Type::Succeeded), succeeded),
        ("RolledBack", condition_of(status, Type::RolledBack), case.rolled_back.to_owned()),
        ("has a log", (run.log_tail.is_some() || !case.log).to_string(), true.to_string()),
        ("is of the toolkit", (!case.toolkit || toolkit == version).to_string(), true.to_string()),
    ];
    let wrong = checks
        .into_iter()
        .filter(|(what, found, wanted)| found != wanted && !(*what == "RolledBack" && wanted.is_empty()));
    let about = format!("({:?}, {:?}, {:?})", status.message, run.exit_code, run.log_tail);
    let all = serde_json::to_value(status).unwrap();
    let hidden = case.shows.iter().filter_map(|(pointer, text)| {
        let found = all.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        (!found.contains(text)).then(|| format!("{}: {pointer} has no {text}: {found:?} {about}", case.name))
    });
    wrong
        .map(|(what, found, wanted)| format!("{}: {what} is {found} and not {wanted} {about}", case.name))
        .chain(hidden)
        .collect()
}

/// What `kubectl get` does not show as it should.
fn columns(install: &Install, case: &Case, ended: &Status) -> Vec<String> {
    let run = ended.run.as_ref().unwrap();
    let (_, text) = kubectl(&["-n", &install.namespace, "get", "ctk", case.name, "--output", "wide"], "");
    let mut lines = text.lines();
    let (header, row) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let rollbacks = run.rollbacks.as_ref().map(|rollbacks| format!("{:?}", rollbacks.state));
    let wanted = [
        ("PHASE", format!("{:?}", case.phase)),
        ("OUTCOME", format!("{:?}", case.outcome)),
        ("REASON", case.reason.to_owned()),
        ("RUN-NS", install.run_namespace.clone()),
        ("POD", run.pod_name.clone()),
        ("ROLLBACK", rollbacks.unwrap_or_default()),
    ];
    let shown = |column: &str| {
        let start = header.find(&format!(" {column}")).map_or(row.len(), |start| start + 1);
        row.get(start..).unwrap_or_default().split(' ').next().unwrap_or_default()
    };
    let wrong = wanted.iter().filter(|(column, wanted)| shown(column) != wanted);
    wrong
        .map(|(column, wanted)| {
            format!("{}: {column} shows {:?} and not {wanted:?}", case.name, shown(column))
        })
        .collect()
}

/// The event that should be there and is not.
async fn untold(install: &Install, case: &Case) -> Option<String> {
    let reason = match case.phase {
        Phase::Failed => "RunFailed",
        Phase::Aborted => "Aborted",
        _ => case.reason,
    };
    let events = Api::<Event>::namespaced(install.client.clone(), &install.namespace);
    let told = async {
        while !events.list(&ListParams::default()).await.unwrap().items.iter().any(|event| {
            let about = event.regarding.as_ref().and_then(|about| about.name.as_deref());
            about == Some(case.name) && event.reason.as_deref() == Some(reason)
        }) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    // It is told right after the status was written.
    let told = tokio::time::timeout(Duration::from_secs(20), told).await;
    told.err().map(|_| format!("{}: no event {reason}", case.name))
}

/// Reads the journal from its `ConfigMap` and compares it with what the runner saw of the file.
async fn read_back(install: &Install, case: &Case, ended: &Status) -> Vec<String> {
    let uid = install.experiments().get(case.name).await.unwrap().metadata.uid.unwrap();
    let selector = format!("chaostoolkit.org/experiment-uid={uid},chaostoolkit.org/outcome");
    let maps = install.config_maps(&install.namespace);
    // Kept, or given up: one that is late is tried for two minutes.
    let found: Result<ConfigMap, String> =
        within(Duration::from_secs(180), &format!("the journal of {} is settled", case.name), async || {
            let problem = async || {
                let experiment = install.experiments().get(case.name).await.unwrap();
                status(Some(&experiment)).run?.journal?.problem
            };
            let kept = maps.list(&ListParams::default().labels(&selector)).await.unwrap().items.pop();
            match kept {
                Some(kept) => Some(Ok(kept)),
                None => problem().await.map(Err),
            }
        })
        .await;
    let found = match found {
        Ok(found) => found,
        Err(problem) => return vec![format!("{}: the journal was lost: {problem}", case.name)],
    };
    let gzip = &found.binary_data.as_ref().unwrap()["journal.json.gz"].0;
    let journal = frame::unzip(gzip, 64 << 20).unwrap();
    let annotations: BTreeMap<String, String> = found.metadata.annotations.clone().unwrap();
    let pod = ended.run.as_ref().unwrap().pod_name.clone();
    let reported = ended.run.as_ref().unwrap().journal.clone();
    let mut wrong = Vec::new();
    let sha256 = format!("{:x}", Sha256::digest(&journal));
    if annotations["chaostoolkit.org/sha256"] != sha256
        || annotations["chaostoolkit.org/bytes"] != journal.len().to_string()
    {
        wrong.push(format!("{}: the journal is not the file that pod {pod} left", case.name));
    }
    if reported.is_some_and(|reported| reported.sha256 != sha256) {
        wrong.push(format!("{}: the status has another fingerprint", case.name));
    }
    if case.name == "long-journal" && journal.len() < 5_000_000 {
        wrong.push(format!("{}: has {} bytes", case.name, journal.len()));
    }
    if case.name == "not-utf-8" && std::str::from_utf8(&journal).is_ok() {
        wrong.push(format!("{}: the journal is plain text, so this shows nothing", case.name));
    }
    if case.name.starts_with("stopped-in-p") {
        let journal: Value = serde_json::from_slice(&journal).unwrap();
        if journal["run"].as_array().unwrap().len() > 1 {
            wrong.push(format!("{}: something ran after the activity that was interrupted", case.name));
        }
    }
    wrong
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
async fn a_missing_image_of_the_runner_is_said_and_a_cluster_without_sidecars_has_the_outcome() {
    let install = Install::new("bringer").await;
    install.with_experiment(&well(vec![echo()], vec![]).to_string()).await;
    let operator = Operator::start_with(&install, &["--runner-image", "nobody/has-this:1"]).await;
    install.apply_experiment("missing", json!({})).await;
    let stalled = wait_for_reason(&install.experiments(), "missing", "ImagePullBackOff").await;
    assert!(stalled.message.unwrap().contains("nobody/has-this:1"));
    operator.kill();
    let _operator = Operator::start_with(&install, &["--native-sidecar", "no"]).await;
    install.apply_experiment("old", json!({})).await;
    let status = common::wait_for_phase(&install.experiments(), "old", Phase::Completed).await;
    assert_eq!(status.outcome, Some(Outcome::Passed));
    let journal = status.run.unwrap().journal.unwrap();
    assert!(journal.problem.unwrap().contains("sidecar"), "and says why there is no journal");
    let (_, text) = kubectl(&["-n", &install.namespace, "get", "ctk", "old", "--output", "wide"], "");
    for word in ["Completed", "Passed", "NoneDeclared"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}
