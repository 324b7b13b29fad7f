//! Journals that are kept: each in an immutable `ConfigMap` beside its experiment, which owns it.

use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use kube::api::{DeleteParams, ListParams};
use kube::core::PartialObjectMeta;

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::named;
use crate::experiment::Context;
use crate::experiment::children::create;
use crate::experiment::error::Error;
use crate::experiment::judge::evidence::{Evidence, JOURNAL_WAIT, Journal, is_overdue};
use chaostoolkit_api::{ChaosToolkitExperiment, Experiment, JournalRef, Run, Spec, names};
use chaostoolkit_journal::Outcome;
use chaostoolkit_journal::frame::Carried;

/// The key in the `ConfigMap`.
const KEY: &str = "journal.json.gz";

/// How many are kept where the spec does not say.
const DEFAULT_LIMIT: u32 = 10;

/// How long it is until a journal is asked for again that could not be had.
pub const RETRY: Duration = Duration::from_secs(2);

/// Whether a journal that was written is neither kept nor given up yet.
#[must_use]
pub fn is_due(run: &Run) -> bool {
    run.journal.as_ref().is_some_and(|journal| journal.config_map.is_none() && journal.problem.is_none())
}

/// Keeps the journal of a run, if there is one, and says what has become of it. One that cannot be had yet stays due
/// until it has been tried for long enough.
pub async fn settle(
    context: &Context,
    experiment: &Experiment,
    run: &Run,
    outcome: Outcome,
    evidence: &Evidence,
) -> Option<JournalRef> {
    let reported = evidence.message.as_ref().and_then(|message| message.journal.as_ref());
    let seen = reported.map_or_else(JournalRef::default, |file| JournalRef {
        sha256: file.sha256.clone(),
        bytes: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        problem: file.problem.clone(),
        ..JournalRef::default()
    });
    let problem = match &evidence.journal {
        Journal::None => return None,
        Journal::Left(why) => format!("not kept: {why}"),
        Journal::Late(why) if !is_overdue(run.finished_at.as_ref(), JOURNAL_WAIT) => {
            tracing::warn!("the journal of pod {} cannot be brought here yet: {why}", run.pod_name);
            return Some(JournalRef { problem: None, ..seen });
        }
        Journal::Late(why) => format!("could not be brought here: {why}"),
        Journal::Here(carried) => match keep(context, experiment, run, outcome, carried).await {
            Ok(name) => {
                return Some(JournalRef {
                    config_map: Some(name),
                    sha256: carried.sha256.clone(),
                    bytes: i64::try_from(carried.bytes).unwrap_or(i64::MAX),
                    truncated: carried.truncated,
                    problem: seen.problem,
                });
            }
            Err(error) if is_overdue(run.finished_at.as_ref(), JOURNAL_WAIT) => error.describe(),
            Err(_) => return Some(JournalRef { problem: None, ..seen }),
        },
    };
    Some(JournalRef { problem: Some(chaostoolkit_api::condition::short(&problem)), ..seen })
}

async fn keep(
    context: &Context,
    experiment: &Experiment,
    run: &Run,
    outcome: Outcome,
    carried: &Carried,
) -> Result<String, Error> {
    let manifest = manifest(experiment, run, outcome, carried)?;
    let name = manifest.name().to_owned();
    let found = create::owned(&context.cluster, &manifest).await?;
    let pod = found.metadata.annotations.as_ref().and_then(|all| all.get(names::POD_UID_ANNOTATION));
    if pod.map(String::as_str) != manifest.annotation(names::POD_UID_ANNOTATION) {
        // Left by a pass that was killed before it had recorded the run under this number, which another run has now.
        remove(context, experiment, &name).await?;
        create::owned(&context.cluster, &manifest).await?;
    }
    drop_old(context, experiment, run.number).await?;
    Ok(name)
}

fn manifest(
    experiment: &Experiment,
    run: &Run,
    outcome: Outcome,
    Carried { gzip, bytes, sha256, truncated }: &Carried,
) -> Result<Manifest, Error> {
    let name = names::child(
        &format!("chaostoolkit-journal-{}", names::suffix(experiment.uid())),
        &run.number.to_string(),
    );
    let labels = [
        (names::UID_LABEL, experiment.uid().to_owned()),
        (names::RUN_LABEL, run.number.to_string()),
        (names::OUTCOME_LABEL, outcome.as_str().to_owned()),
    ];
    let annotations = [
        (names::EXPERIMENT_ANNOTATION, experiment.key()),
        (names::POD_UID_ANNOTATION, run.pod_uid.clone().unwrap_or_default()),
        (names::SHA256_ANNOTATION, sha256.clone()),
        (names::BYTES_ANNOTATION, bytes.to_string()),
        (names::TRUNCATED_ANNOTATION, truncated.to_string()),
    ];
    let owned = |pairs: &[(&str, String)]| {
        Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    };
    let map = ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(experiment.namespace().to_owned()),
            labels: owned(&labels),
            annotations: owned(&annotations),
            // Nothing waits for it, so the owner's deletion is not blocked; blocking takes a right of its own.
            owner_references: Some(vec![OwnerReference {
                api_version: ChaosToolkitExperiment::api_version(&()).into_owned(),
                kind: ChaosToolkitExperiment::kind(&()).into_owned(),
                name: experiment.name().to_owned(),
                uid: experiment.uid().to_owned(),
                ..OwnerReference::default()
            }]),
            ..ObjectMeta::default()
        },
        immutable: Some(true),
        binary_data: Some([(KEY.to_owned(), ByteString(gzip.clone()))].into()),
        ..ConfigMap::default()
    };
    let value = serde_json::to_value(map).map_err(|error| Error::Api {
        doing: format!("write {}", named(Kind::ConfigMap, experiment.namespace(), &name)),
        source: Box::new(kube::Error::SerdeError(error)),
    })?;
    Ok(Manifest::new(Kind::ConfigMap, value))
}

/// Deletes the journals of the oldest runs, so that as many stay as the spec wants.
async fn drop_old(context: &Context, experiment: &Experiment, newest: i32) -> Result<(), Error> {
    let limit = limit(experiment);
    if newest <= limit {
        return Ok(());
    }
    let api = context.cluster.config_maps(experiment.namespace());
    let ours = format!("{}={},{}", names::UID_LABEL, experiment.uid(), names::OUTCOME_LABEL);
    let parameters = ListParams::default().labels(&ours);
    let doing = format!("list the journals of experiment {}", experiment.key());
    let found = context.cluster.call(doing, api.list_metadata(&parameters)).await?;
    let is_old = |map: &&PartialObjectMeta<ConfigMap>| {
        let number = map.metadata.labels.as_ref().and_then(|labels| labels.get(names::RUN_LABEL));
        number.and_then(|number| number.parse::<i32>().ok()).is_some_and(|number| number <= newest - limit)
    };
    for old in found.items.iter().filter(is_old) {
        remove(context, experiment, old.metadata.name.as_deref().unwrap_or_default()).await?;
    }
    Ok(())
}

fn limit(experiment: &Experiment) -> i32 {
    let spec = Spec::parse(experiment.spec.as_ref()).map(|parsed| parsed.spec).unwrap_or_default();
    let asked = spec.report.and_then(|report| report.journal?.history_limit).unwrap_or(DEFAULT_LIMIT);
    i32::try_from(asked).unwrap_or(i32::MAX).max(1)
}

async fn remove(context: &Context, experiment: &Experiment, name: &str) -> Result<(), Error> {
    let api = context.cluster.config_maps(experiment.namespace());
    let doing = format!("delete {}", named(Kind::ConfigMap, experiment.namespace(), name));
    match context.cluster.call(doing, api.delete(name, &DeleteParams::default())).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
