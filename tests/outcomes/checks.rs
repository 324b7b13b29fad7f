//! The checks of a case once its run has ended.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cases::Case;
use crate::common::install::Install;
use crate::common::{LIMIT, condition_of, kubectl, status, status_of, within};
use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, Phase, Status};
use chaostoolkit_journal::{frame, rate};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub fn differences(case: &Case, status: &Status, version: &str) -> Vec<String> {
    let run = status.run.clone().unwrap();
    let toolkit = run.toolkit.version.clone().unwrap_or_default();
    let warnings: Vec<String> = status.warnings.iter().map(|open| format!("{open:?}")).collect();
    let succeeded = match (case.outcome, case.reason) {
        (Outcome::Passed, "Inconclusive") => "Unknown/Inconclusive".to_owned(),
        (Outcome::Passed, reason) => format!("True/{reason}"),
        (_, "SubcommandCompleted") => "Unknown/SubcommandCompleted".to_owned(),
        (_, reason) => format!("False/{reason}"),
    };
    let checks = [
        ("phase", format!("{:?}", status.phase), format!("{:?}", Some(case.phase))),
        ("outcome", format!("{:?}", status.outcome), format!("{:?}", Some(case.outcome))),
        (
            "result",
            format!("{:?}", status.result),
            format!("{:?}", Some(rate(case.outcome, &status.warnings).result)),
        ),
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

/// Returns the columns of `kubectl get` that are wrong.
pub async fn columns(install: &Install, case: &Case, ended: &Status) -> Vec<String> {
    let run = ended.run.as_ref().unwrap();
    let (namespace, name) = (install.namespace.clone(), case.name);
    // On a thread of its own: many cases share the thread of the test, and their waits have limits.
    let asked = move || kubectl(&["-n", &namespace, "get", "ctk", name, "--output", "wide"], "");
    let (_, text) = tokio::task::spawn_blocking(asked).await.unwrap();
    let mut lines = text.lines();
    let (header, row) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let rollbacks = run.rollbacks.as_ref().map(|rollbacks| format!("{:?}", rollbacks.state));
    let wanted = [
        ("PHASE", format!("{:?}", case.phase)),
        ("RESULT", ended.result.map(|result| format!("{result:?}")).unwrap_or_default()),
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

/// Waits for the event about the end. Returns its reason if it does not come.
pub async fn untold(install: &Install, case: &Case) -> Option<String> {
    let reason = match case.phase {
        Phase::Failed => "RunFailed",
        Phase::Aborted => "Aborted",
        _ => case.reason,
    };
    let told = async {
        while events_of(install, case.name, reason).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    // The event comes right after the write of the status.
    let told = tokio::time::timeout(LIMIT, told).await;
    told.err().map(|_| format!("{}: no event {reason}", case.name))
}

/// Waits for this many seconds until a single run has ended, and returns the status.
pub async fn ended(install: &Install, name: &str, limit: u64) -> Status {
    within(Duration::from_secs(limit), &format!("{name} has ended"), async || {
        let status = status_of(install, name).await;
        condition_of(&status, Type::Finished).starts_with("True/").then_some(status)
    })
    .await
}

/// Returns the events of an experiment that have this reason.
pub async fn events_of(install: &Install, name: &str, reason: &str) -> Vec<Event> {
    let events = Api::<Event>::namespaced(install.client.clone(), &install.namespace);
    let mut all = events.list(&ListParams::default()).await.unwrap().items;
    all.retain(|event| {
        let about = event.regarding.as_ref().and_then(|about| about.name.as_deref());
        about == Some(name) && event.reason.as_deref() == Some(reason)
    });
    all
}

/// Reads the journal from its `ConfigMap` and compares it with what the runner saw of the file. Returns everything
/// that is wrong.
pub async fn read_back(install: &Install, case: &Case, ended: &Status) -> Vec<String> {
    let uid = install.experiments().get(case.name).await.unwrap().metadata.uid.unwrap();
    let selector = format!("chaostoolkit.org/experiment-uid={uid},chaostoolkit.org/outcome");
    let maps = install.config_maps(&install.namespace);
    // The journal is kept or given up. The operator tries for two minutes to get one that is late.
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
