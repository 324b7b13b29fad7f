//! Finds the objects to clean up.

use std::collections::HashSet;

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, ListParams};
use kube::{Resource, ResourceExt};

use crate::cluster::{Cluster, Error, Objects, is_held, without_finalizers};
use crate::commands::cleanup::rights::{self, Right};
use crate::experiment::stages::teardown::FINALIZERS;
use chaostoolkit_api::names;

/// The objects to clean up.
#[derive(Default)]
pub struct Work {
    /// Experiments that have a finalizer of the operator, or that are to be deleted.
    pub experiments: Vec<DynamicObject>,
    /// Pods that have the finalizer, and whose experiment is gone.
    pub pods: Vec<Pod>,
    /// `CronJob`s whose experiment is gone. They would continue to create pods with the finalizer.
    pub schedules: Vec<CronJob>,
    /// Rights of runs whose experiment is gone, if they are to be deleted.
    pub rights: Vec<Right>,
    /// The same, if they are only to be named.
    pub named: Vec<Right>,
}

impl Work {
    /// Returns whether there is nothing to clean up.
    pub const fn is_empty(&self) -> bool {
        self.experiments.is_empty()
            && self.pods.is_empty()
            && self.schedules.is_empty()
            && self.rights.is_empty()
    }

    /// Returns a line for each object.
    pub fn lines(&self) -> Vec<String> {
        let experiments = self.experiments.iter().map(|found| {
            let held = found.finalizers().iter().filter(|one| FINALIZERS.contains(&one.as_str()));
            let held: Vec<&str> = held.map(String::as_str).collect();
            let held = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
            format!("experiment {}, held by {held}", key(found))
        });
        let pods = self.pods.iter().map(|pod| format!("pod {}, whose experiment is gone", key(pod)));
        let schedules =
            self.schedules.iter().map(|found| format!("CronJob {}, whose experiment is gone", key(found)));
        let rights = self.rights.iter().map(Right::to_string);
        experiments.chain(pods).chain(schedules).chain(rights).collect()
    }
}

/// Where to look for objects.
pub struct Scope<'a> {
    /// Access to the API server.
    pub cluster: &'a Cluster,
    /// The namespace of the experiments. `None` selects all namespaces.
    pub namespace: Option<&'a String>,
    /// Whether experiments without finalizers are to be deleted too.
    pub delete_experiments: bool,
    /// Whether rights whose experiment is gone are to be deleted.
    pub delete_rights: bool,
}

impl Scope<'_> {
    /// Finds all objects to clean up.
    pub async fn find(&self) -> Result<Work, Error> {
        // First, so that no experiment is missing which was created in between.
        let rights = rights::labeled(self.cluster).await?;
        let all = self.experiments().await?;
        let known: HashSet<String> = all.iter().filter_map(ResourceExt::uid).collect();
        let needs_teardown = |found: &DynamicObject| without_finalizers(found, FINALIZERS).is_some();
        let is_orphan = |meta: &dyn Labelled| {
            let uid = meta.label(names::UID_LABEL);
            self.is_asked_for(meta) && uid.is_some_and(|uid| !known.contains(uid))
        };
        let pods = self.pods().await?.into_iter();
        let schedules = self.list(&self.cluster.everywhere::<CronJob>(), "CronJobs").await?.into_iter();
        let is_gone = |right: &Right| right.is_orphan(self.namespace, &known);
        let (rights, named) = rights.into_iter().filter(is_gone).partition(|_| self.delete_rights);
        Ok(Work {
            rights,
            named,
            pods: pods.filter(|pod| is_orphan(pod) && is_held(pod)).collect(),
            // The pods of a CronJob that was kept on purpose have no finalizer.
            schedules: schedules.filter(|found| is_orphan(found) && makes_held_pods(found)).collect(),
            experiments: all
                .into_iter()
                .filter(|found| self.delete_experiments || needs_teardown(found))
                .filter(|found| {
                    self.namespace.is_none() || self.namespace == found.metadata.namespace.as_ref()
                })
                .collect(),
        })
    }

    /// Lists all experiments, including those that cannot be read. Returns none if the definition does not exist.
    async fn experiments(&self) -> Result<Vec<DynamicObject>, Error> {
        let api = self.cluster.stored_experiments(self.namespace.map(String::as_str))?;
        match self.cluster.call("list experiments".to_owned(), api.list(&ListParams::default())).await {
            Ok(found) => Ok(found.items),
            Err(Error::Api { source, .. }) if is_unknown(&source) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Lists the pods of all runs.
    pub async fn pods(&self) -> Result<Vec<Pod>, Error> {
        self.list(&self.cluster.everywhere(), "pods").await
    }

    async fn list<K>(&self, api: &Objects<K>, what: &str) -> Result<Vec<K>, Error>
    where
        K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let ours = ListParams::default().labels(names::UID_LABEL);
        Ok(self.cluster.call(format!("list {what}"), api.list(&ours)).await?.items)
    }

    /// Returns whether the experiment of an object is, or was, in a selected namespace.
    fn is_asked_for(&self, object: &dyn Labelled) -> bool {
        let Some(namespace) = self.namespace else { return true };
        let owner = object.annotation(names::EXPERIMENT_ANNOTATION).and_then(|key| key.split_once('/'));
        owner.is_some_and(|(found, _)| found == namespace)
    }
}

/// The labels and annotations of an object of any kind.
trait Labelled {
    fn label(&self, key: &str) -> Option<&String>;
    fn annotation(&self, key: &str) -> Option<&String>;
}

impl<K: Resource> Labelled for K {
    fn label(&self, key: &str) -> Option<&String> {
        self.meta().labels.as_ref()?.get(key)
    }

    fn annotation(&self, key: &str) -> Option<&String> {
        self.meta().annotations.as_ref()?.get(key)
    }
}

fn makes_held_pods(schedule: &CronJob) -> bool {
    let template = schedule.spec.as_ref().and_then(|spec| spec.job_template.spec.as_ref());
    let metadata = template.and_then(|job| job.template.metadata.as_ref());
    metadata.is_some_and(|found| {
        found.finalizers.iter().flatten().any(|finalizer| finalizer == names::OUTCOME_FINALIZER)
    })
}

/// Returns whether the kind does not exist. If the whole group is gone, the response has only a code and no status.
fn is_unknown(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Returns the namespace and the name of an object, as `namespace/name`.
pub fn key<K: Resource>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}
