//! What there is to clean up.

use std::collections::HashSet;

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::{Client, Resource, ResourceExt};

use crate::cluster::{Cluster, Error, is_held, without_finalizers};
use crate::experiment::stages::teardown::FINALIZERS;
use chaostoolkit_api::{Experiment, names};

/// What there is to do.
#[derive(Default)]
pub struct Work {
    /// Experiments that are held, or that are to be deleted.
    pub experiments: Vec<DynamicObject>,
    /// Pods that are held for an experiment that is gone.
    pub pods: Vec<Pod>,
    /// Schedules of such, which go on to make pods that are held.
    pub schedules: Vec<CronJob>,
}

impl Work {
    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.experiments.is_empty() && self.pods.is_empty() && self.schedules.is_empty()
    }

    /// A line about each item.
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
        experiments.chain(pods).chain(schedules).collect()
    }
}

/// Where work is looked for.
pub struct Scope<'a> {
    /// Client of the lists over all namespaces.
    pub client: &'a Client,
    /// The same client, with limits.
    pub cluster: &'a Cluster,
    /// Namespace of the experiments, if not all.
    pub namespace: Option<&'a String>,
    /// Whether experiments that nothing holds are to be deleted too.
    pub delete_experiments: bool,
}

impl Scope<'_> {
    /// Finds all that there is to do.
    pub async fn find(&self) -> Result<Work, Error> {
        let all = self.experiments().await?;
        let known: HashSet<String> = all.iter().filter_map(ResourceExt::uid).collect();
        let needs_teardown = |found: &DynamicObject| without_finalizers(found, FINALIZERS).is_some();
        let is_orphan = |meta: &dyn Labelled| {
            let uid = meta.label(names::UID_LABEL);
            self.is_asked_for(meta) && uid.is_some_and(|uid| !known.contains(uid))
        };
        let pods = self.pods().await?.into_iter();
        let is_pod_held = |pod: &Pod| is_held(pod);
        let schedules = self.list(&Api::<CronJob>::all(self.client.clone()), "CronJobs").await?.into_iter();
        Ok(Work {
            pods: pods.filter(|pod| is_orphan(pod) && is_pod_held(pod)).collect(),
            // One that was kept on purpose has no finalizer in its pods.
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

    /// All experiments, also such as cannot be read; none where there is no definition any more.
    async fn experiments(&self) -> Result<Vec<DynamicObject>, Error> {
        let resource = ApiResource::erase::<Experiment>(&());
        let api = match self.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        match self.cluster.call("list experiments".to_owned(), api.list(&ListParams::default())).await {
            Ok(found) => Ok(found.items),
            Err(Error::Api { source, .. }) if is_unknown(&source) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Lists the pods of all runs.
    pub async fn pods(&self) -> Result<Vec<Pod>, Error> {
        self.list(&Api::all(self.client.clone()), "pods").await
    }

    async fn list<K>(&self, api: &Api<K>, what: &str) -> Result<Vec<K>, Error>
    where
        K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let ours = ListParams::default().labels(names::UID_LABEL);
        Ok(self.cluster.call(format!("list {what}"), api.list(&ours)).await?.items)
    }

    /// Whether an object's experiment is, or was, in a namespace that was asked for.
    fn is_asked_for(&self, object: &dyn Labelled) -> bool {
        let Some(namespace) = self.namespace else { return true };
        let owner = object.annotation(names::EXPERIMENT_ANNOTATION).and_then(|key| key.split_once('/'));
        owner.is_some_and(|(found, _)| found == namespace)
    }
}

/// Marks of an object of any kind.
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

/// Whether there is no such kind. Where the whole group is gone, the answer is no status of Kubernetes but the bare code.
fn is_unknown(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Namespace and name of an object.
pub fn key<K: Resource>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}
