//! Lists of objects that carry the label of an experiment, in pages.
//!
//! Anybody who may create Jobs in a namespace can give ten thousand of them our label. So no list is read as a whole, and a
//! pass takes only the newest objects into account. The operator itself keeps fewer.

use std::fmt::Debug;

use kube::Resource;
use kube::api::{ListParams, ObjectList};
use kube::core::PartialObjectMeta;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::cluster::{self, Cluster, Objects, owned_by};

/// How many objects a page has. An object has 1.5 MiB at most.
const PAGE: u32 = 20;

/// How many objects of a kind a pass takes into account, the newest.
pub const NEWEST: usize = 300;

/// The longest annotation that is kept of an object in a list, in bytes.
const LONGEST_ANNOTATION: usize = 4096;

/// How many pages are read at a time, by all passes.
static READING: Semaphore = Semaphore::const_new(2);

/// The pages of a list that were not read yet.
pub struct Pages {
    parameters: ListParams,
    what: String,
    is_over: bool,
}

impl Pages {
    /// The list of all objects of one kind that have the label of an experiment.
    pub fn labeled(what: &str, uid: &str) -> Result<Self, cluster::Error> {
        Ok(Self::of(owned_by(uid)?.limit(PAGE), format!("list the {what} of experiment {uid}")))
    }

    /// Another list. `what` says for errors what is done.
    #[must_use]
    pub const fn of(parameters: ListParams, what: String) -> Self {
        Self { parameters, what, is_over: false }
    }

    /// Reads the next page. Returns nothing after the last one.
    pub async fn next<K>(
        &mut self,
        cluster: &Cluster,
        api: &Objects<K>,
    ) -> Result<Option<Vec<K>>, cluster::Error>
    where
        K: Resource + Clone + Debug + DeserializeOwned,
    {
        if self.is_over {
            return Ok(None);
        }
        // The semaphore is never closed.
        let _permit = READING.acquire().await;
        let page = cluster.call(self.what.clone(), api.list(&self.parameters)).await?;
        let mut items = self.turn(page);
        for item in &mut items {
            if let Some(annotations) = &mut item.meta_mut().annotations {
                annotations.retain(|_, value| value.len() <= LONGEST_ANNOTATION);
            }
        }
        Ok(Some(items))
    }

    /// Reads the metadata of the next page. Returns nothing after the last one.
    pub async fn next_metadata<K>(
        &mut self,
        cluster: &Cluster,
        api: &Objects<K>,
    ) -> Result<Option<Vec<PartialObjectMeta<K>>>, cluster::Error>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        if self.is_over {
            return Ok(None);
        }
        // The semaphore is never closed.
        let _permit = READING.acquire().await;
        let page = cluster.call(self.what.clone(), api.list_metadata(&self.parameters)).await?;
        Ok(Some(self.turn(page)))
    }

    fn turn<K: Resource + Clone>(&mut self, page: ObjectList<K>) -> Vec<K> {
        self.parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        self.is_over = self.parameters.continue_token.is_none();
        page.items
    }
}

/// Lists the [`NEWEST`] objects of one kind that have the label of an experiment and are `wanted`, the newest first. Objects that
/// are not wanted push no others out.
pub async fn newest<K>(
    cluster: &Cluster,
    api: &Objects<K>,
    (what, uid): (&str, &str),
    mut wanted: impl FnMut(&K) -> bool,
) -> Result<Vec<K>, cluster::Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let mut pages = Pages::labeled(what, uid)?;
    let mut found = Vec::new();
    while let Some(page) = pages.next(cluster, api).await? {
        found.extend(page.into_iter().filter(|object| wanted(object)));
        keep_newest(&mut found);
    }
    Ok(found)
}

fn keep_newest<K: Resource>(found: &mut Vec<K>) {
    let age = |object: &K| {
        let meta = object.meta();
        (meta.creation_timestamp.clone().map(|time| time.0), meta.name.clone())
    };
    found.sort_by_cached_key(|object| std::cmp::Reverse(age(object)));
    found.truncate(NEWEST);
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use k8s_openapi::api::batch::v1::Job;
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use std::convert::Infallible;
    use std::time::Duration;

    /// A cluster in which somebody created 10,000 Jobs with our label. Their names say how old they are.
    fn crowded() -> Cluster {
        let answer = |request: Request<Body>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            assert!(query.contains("limit=20"), "{query}");
            let page: usize = query.split("continue=").nth(1).map_or(0, |token| token.parse().unwrap());
            let job = |at: usize| {
                // Lists are in the order of names, and the age has another one.
                let minutes = at * 7919 % 10_000;
                let created = format!(
                    "2026-01-{:02}T{:02}:{:02}:00Z",
                    1 + minutes / 1440,
                    minutes / 60 % 24,
                    minutes % 60
                );
                let annotations = json!({"small": "a", "large": "x".repeat(20_000)});
                json!({"metadata": {"name": format!("{minutes}"), "creationTimestamp": created, "annotations": annotations}})
            };
            let items: Vec<_> = (page * 20..page * 20 + 20).map(job).collect();
            let next = if page < 499 { (page + 1).to_string() } else { String::new() };
            let list = json!({"kind": "JobList", "apiVersion": "batch/v1", "metadata": {"continue": next}, "items": items});
            async move { Ok::<_, Infallible>(Response::new(Body::from(list.to_string().into_bytes()))) }
        };
        Cluster::new(Client::new(tower::service_fn(answer), "run"), Duration::from_secs(30))
    }

    #[tokio::test]
    async fn of_very_many_objects_the_newest_that_are_wanted_are_taken_into_account() {
        let cluster = crowded();
        let age = |job: &Job| job.metadata.name.as_ref().unwrap().parse::<usize>().unwrap();
        let jobs = cluster.jobs("run").unwrap();
        for oldest in [10_000, 9_000] {
            let found = newest(&cluster, &jobs, ("jobs", "uid"), |job| age(job) < oldest).await.unwrap();
            let ages: Vec<usize> = found.iter().map(age).collect();
            assert_eq!(ages, (oldest - NEWEST..oldest).rev().collect::<Vec<_>>());
            assert!(found.iter().all(|job| job.metadata.annotations.as_ref().unwrap().keys().eq(["small"])));
        }
    }
}
