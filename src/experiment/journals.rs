//! The journals that are kept: each in an immutable `ConfigMap` beside its experiment.
//!
//! The experiment owns its journals, so the garbage collector deletes them if no operator does.

pub mod budget;

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use kube::api::{DeleteParams, ListParams};
use kube::core::PartialObjectMeta;
use tracing::warn;

use crate::cluster::manifest::{Kind, Manifest, title};
use crate::cluster::{self, Cluster, belongs_to, label};
use crate::experiment::children::{create, delete};
use crate::experiment::error::Error;
use crate::experiment::journals::budget::{Budget, size};
use crate::experiment::judge::evidence::{Evidence, Journal, is_overdue};
use crate::experiment::judge::logs::JOURNAL_WAIT;
use crate::experiment::parent::Parent;
use chaostoolkit_api::condition::short;
use chaostoolkit_api::names::JournalKey;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{ChaosToolkitExperiment, Experiment, JournalRef, Run, Text, names};
use chaostoolkit_journal::frame::{Carried, LIMIT};
use chaostoolkit_journal::{Outcome, redact};

/// The finalizer that `kubectl delete --cascade=orphan` puts on an object. The garbage collector removes it, after it has
/// removed the owner references to the object.
/// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#orphaned-dependents>
const ORPHAN_FINALIZER: &str = "orphan";

/// Keeps the journal of a run, if there is one, and returns the record of it. A journal that cannot be read yet stays due
/// for [`JOURNAL_WAIT`] seconds. At most `limit` journals of the experiment are kept, and no more than the budget allows.
pub async fn keep(
    (cluster, budget): (&Cluster, &Budget),
    experiment: &Experiment,
    (run, outcome): (&Run, Outcome),
    evidence: &Evidence,
    limit: i32,
) -> Option<JournalRef> {
    let reported = evidence.message.as_ref().and_then(|message| message.journal.as_ref());
    let reported = reported.map_or_else(JournalRef::default, |file| JournalRef {
        sha256: file.sha256.clone(),
        bytes: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        problem: file.problem.as_deref().map(redact),
        ..JournalRef::default()
    });
    let problem = match &evidence.journal {
        Journal::None => return None,
        Journal::Left(why) => format!("not kept: {why}"),
        Journal::Late(why) if !is_overdue(run.recorded_at.as_ref(), JOURNAL_WAIT) => {
            warn!(pod = run.pod_name, problem = why, "cannot read the journal yet");
            return Some(JournalRef { problem: None, ..reported });
        }
        Journal::Late(why) => format!("could not be read: {why}"),
        Journal::Here(carried) => {
            match store((cluster, budget), experiment, (run, outcome), evidence, carried, limit).await {
                Ok(Err(problem)) => format!("not kept: {problem}"),
                Ok(Ok(name)) => {
                    return Some(JournalRef {
                        config_map: Some(name),
                        sha256: carried.sha256.clone(),
                        bytes: i64::try_from(carried.bytes).unwrap_or(i64::MAX),
                        truncated: carried.truncated,
                        problem: reported.problem,
                    });
                }
                // Nothing can be created there any more, and the pod is not to hold the namespace.
                Err(error) if error.reason() == Reason::NamespaceTerminating => {
                    format!("not kept: {}", error.describe())
                }
                Err(error) if is_overdue(run.recorded_at.as_ref(), JOURNAL_WAIT) => error.describe(),
                Err(_) => return Some(JournalRef { problem: None, ..reported }),
            }
        }
    };
    Some(JournalRef { problem: Some(short(&redact(&problem))), ..reported })
}

/// Creates the `ConfigMap` of a journal, deletes those beyond the limits, and returns its name. Returns why not if the budget
/// does not allow it.
async fn store(
    (cluster, budget): (&Cluster, &Budget),
    experiment: &Experiment,
    (run, outcome): (&Run, Outcome),
    evidence: &Evidence,
    carried: &Carried,
    limit: i32,
) -> Result<Result<String, String>, Error> {
    let others = evidence.others.iter().map(|(_, other)| other.gzip.len());
    let bytes = others.sum::<usize>().saturating_add(carried.gzip.len()) as u64;
    if let Err(problem) = budget.take(cluster, experiment.namespace(), bytes).await? {
        return Ok(Err(problem));
    }
    let manifest = manifest(experiment, (run, outcome), (carried, bytes), &evidence.others)?;
    let stored = create(cluster, experiment, &manifest).await;
    if stored.is_err() {
        budget.give_back(experiment.namespace(), bytes).await;
    }
    stored?;
    // As many fit in any case.
    let is_surely_within = u64::try_from(run.number)
        .is_ok_and(|runs| runs.saturating_mul(LIMIT as u64) <= budget.of_experiment());
    if run.number > limit || !is_surely_within {
        remove_beyond((cluster, budget), experiment, run.number, (limit, bytes)).await?;
    }
    Ok(Ok(manifest.name().to_owned()))
}

/// Creates the `ConfigMap` of a journal.
async fn create(cluster: &Cluster, experiment: &Experiment, manifest: &Manifest) -> Result<(), Error> {
    // The garbage collector deletes it with the experiment, so creating it late does no harm.
    let parent = Parent::of_experiment(experiment);
    let create = async || create::child((cluster, &parent), manifest, false, async || Ok(())).await;
    let found = create().await?;
    let pod = found.metadata.annotations.as_ref().and_then(|all| all.get(names::POD_UID_ANNOTATION));
    if pod.map(String::as_str) != manifest.annotation(names::POD_UID_ANNOTATION) {
        // A pass created it and was killed before it had recorded the run. Another run has the number now.
        remove(cluster, experiment, &found.metadata).await?;
        create().await?;
    }
    Ok(())
}

fn manifest(
    experiment: &Experiment,
    (run, outcome): (&Run, Outcome),
    (Carried { gzip, bytes, sha256, truncated }, stored_bytes): (&Carried, u64),
    others: &[(u32, Carried)],
) -> Result<Manifest, Error> {
    let entry = |key: JournalKey, gzip: &[u8]| (key.to_string(), ByteString(gzip.to_vec()));
    let mut data = BTreeMap::from([entry(JournalKey::Verdict, gzip)]);
    data.extend(others.iter().map(|(start, other)| entry(JournalKey::Start(*start), &other.gzip)));
    let name = names::journal(experiment.uid(), run.number);
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
        (names::STORED_BYTES_ANNOTATION, stored_bytes.to_string()),
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
            // `blockOwnerDeletion` is not set: it requires a right of its own, and nothing waits for the ConfigMap.
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
        binary_data: Some(data),
        ..ConfigMap::default()
    };
    let value = serde_json::to_value(map).map_err(|error| {
        let doing = format!("write {}", title(Kind::ConfigMap, experiment.namespace(), &name));
        cluster::Error::unreadable(doing, error)
    })?;
    Ok(Manifest::new(Kind::ConfigMap, value))
}

/// Deletes all journals of an experiment that is being deleted. Journals that the author wants to orphan stay, and so do those
/// of an experiment that only the command `cleanup` tears down.
pub async fn remove_all(cluster: &Cluster, experiment: &Experiment) -> Result<(), cluster::Error> {
    if !experiment.is_deleting() || experiment.has_finalizer(ORPHAN_FINALIZER) {
        return Ok(());
    }
    let is_owned = |map: &&PartialObjectMeta<ConfigMap>| {
        let mut owners = map.metadata.owner_references.iter().flatten();
        owners.any(|owner| owner.uid == experiment.uid())
    };
    for journal in list(cluster, experiment).await?.iter().filter(is_owned) {
        remove(cluster, experiment, &journal.metadata).await?;
    }
    Ok(())
}

/// Deletes the journals of an experiment that are beyond its limits, the oldest first: one of number and one of bytes. The
/// journal of this run was just stored, with this size.
async fn remove_beyond(
    (cluster, budget): (&Cluster, &Budget),
    experiment: &Experiment,
    number: i32,
    (limit, bytes): (i32, u64),
) -> Result<(), cluster::Error> {
    let run = |map: &PartialObjectMeta<ConfigMap>| -> Option<i32> {
        map.metadata.labels.as_ref()?.get(names::RUN_LABEL)?.parse().ok()
    };
    let found = list(cluster, experiment).await?;
    let mut earlier: Vec<_> = found.iter().filter_map(|map| Some((run(map)?, map))).collect();
    earlier.retain(|(run, _)| *run < number);
    earlier.sort_by_key(|(run, _)| std::cmp::Reverse(*run));
    let mut all = bytes;
    for (run, map) in earlier {
        all = all.saturating_add(size(map));
        if run <= number.saturating_sub(limit) || all > budget.of_experiment() {
            remove(cluster, experiment, &map.metadata).await?;
            budget.give_back(experiment.namespace(), size(map)).await;
        }
    }
    Ok(())
}

/// Lists the metadata of all journals of an experiment.
async fn list(
    cluster: &Cluster,
    experiment: &Experiment,
) -> Result<Vec<PartialObjectMeta<ConfigMap>>, cluster::Error> {
    let api = cluster.config_maps(experiment.namespace())?;
    // Only journals have an outcome.
    let selector = format!("{}={},{}", names::UID_LABEL, label(experiment.uid())?, names::OUTCOME_LABEL);
    let parameters = ListParams::default().labels(&selector);
    let doing = format!("list the journals of experiment {}", experiment.key());
    let found = cluster.call(doing, api.list_metadata(&parameters)).await?;
    // Anybody may write labels, but these names are ours.
    let prefix = names::journals(experiment.uid());
    let is_ours = |map: &PartialObjectMeta<ConfigMap>| {
        belongs_to(map, experiment.uid())
            && map.metadata.name.as_ref().is_some_and(|name| name.starts_with(&prefix))
    };
    Ok(found.items.into_iter().filter(is_ours).collect())
}

async fn remove(
    cluster: &Cluster,
    experiment: &Experiment,
    journal: &ObjectMeta,
) -> Result<(), cluster::Error> {
    let name = journal.name.as_deref().unwrap_or_default();
    let parameters = DeleteParams::default().preconditions(delete::only(journal.uid.clone()));
    delete::object(cluster, Kind::ConfigMap, experiment.namespace(), name, &parameters).await
}
