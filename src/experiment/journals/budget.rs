//! How much of the API server's storage the journals take: so many bytes for each experiment, and so many for all in a
//! namespace. One team cannot use up what another one has.
//!
//! The runs decide how large their journals are. Journals are counted as they are stored, which is compressed. Each has its
//! size in an annotation, so counting reads metadata only. All of them are counted once in a while, and what this process
//! stores and deletes in between is added and subtracted.

use std::collections::HashMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::cluster::{self, Cluster};
use crate::process::config::JournalLimits;
use crate::process::metrics::{Metrics, budgets};
use chaostoolkit_api::names;
use chaostoolkit_journal::frame::LIMIT;

/// How many journals a page of the list has. Whoever may write ConfigMaps may give each annotations of 256 KiB.
const PAGE: u32 = 100;

/// After how long all journals are counted again before one is stored. The garbage collector deletes journals too.
const STALE: Duration = Duration::from_secs(30 * 60);

/// After how long they are counted again before one is refused.
const DOUBTFUL: Duration = Duration::from_secs(60);

/// The storage that the journals of this installation take.
#[derive(Debug, Default)]
pub struct Budget {
    limits: JournalLimits,
    /// What was counted, by namespace.
    counted: Mutex<HashMap<String, Counted>>,
    metrics: Metrics,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    bytes: u64,
    at: Instant,
}

impl Budget {
    /// Makes a budget of which nothing is known to be taken.
    #[must_use]
    pub fn new(limits: JournalLimits, metrics: Metrics) -> Self {
        metrics.set_journal_budget(limits.all);
        Self { limits, counted: Mutex::default(), metrics }
    }

    /// Returns the limit for the journals of one experiment, in bytes.
    #[must_use]
    pub const fn of_experiment(&self) -> u64 {
        self.limits.per_experiment
    }

    /// Takes this many bytes in a namespace of experiments. Returns why not if there are not as many left.
    pub async fn take(
        &self,
        cluster: &Cluster,
        namespace: &str,
        size: u64,
    ) -> Result<Result<(), String>, cluster::Error> {
        if size > self.limits.per_experiment {
            let limit = self.limits.per_experiment;
            self.metrics.budget_reached(budgets::Budget::JournalsOfExperiment);
            return Ok(Err(format!(
                "it has {size} bytes, and the journals of an experiment may take {limit}"
            )));
        }
        let mut counted = self.counted.lock().await;
        let is_older = |counted: &Counted, than| counted.at.elapsed() > than;
        counted.retain(|_, known| !is_older(known, STALE));
        let mut now = match counted.get(namespace) {
            Some(known) => *known,
            None => Counted { bytes: count(cluster, namespace).await?, at: Instant::now() },
        };
        if now.bytes.saturating_add(size) > self.limits.all && is_older(&now, DOUBTFUL) {
            now = Counted { bytes: count(cluster, namespace).await?, at: Instant::now() };
        }
        let all = now.bytes.saturating_add(size);
        let fits = all <= self.limits.all;
        counted.insert(namespace.to_owned(), if fits { Counted { bytes: all, ..now } } else { now });
        self.report(&counted);
        drop(counted);
        Ok(if fits {
            Ok(())
        } else {
            self.metrics.budget_reached(budgets::Budget::Journals);
            let limit = self.limits.all;
            Err(format!(
                "all journals in the namespace may take {limit} bytes (--journal-budget), and take {}",
                now.bytes
            ))
        })
    }

    /// Gives back what a journal in this namespace took that is not stored any more.
    pub async fn give_back(&self, namespace: &str, size: u64) {
        let mut counted = self.counted.lock().await;
        if let Some(counted) = counted.get_mut(namespace) {
            counted.bytes = counted.bytes.saturating_sub(size);
        }
        self.report(&counted);
    }

    /// Reports what the namespace has that has most.
    fn report(&self, counted: &HashMap<String, Counted>) {
        if let Some(most) = counted.values().map(|counted| counted.bytes).max() {
            self.metrics.set_journals(most);
        }
    }
}

/// Returns how many bytes a journal takes that is stored. One that does not say counts as one of the maximum size.
#[must_use]
pub fn size(journal: &PartialObjectMeta<ConfigMap>) -> u64 {
    let annotation =
        journal.metadata.annotations.as_ref().and_then(|all| all.get(names::STORED_BYTES_ANNOTATION));
    annotation.and_then(|size| size.parse().ok()).unwrap_or(LIMIT as u64)
}

/// Counts the bytes of all journals, page by page.
async fn count(cluster: &Cluster, namespace: &str) -> Result<u64, cluster::Error> {
    let api = cluster.config_maps(namespace)?;
    let (mut bytes, mut next) = (0_u64, None);
    loop {
        // Only journals have an outcome.
        let mut parameters = ListParams::default().labels(names::OUTCOME_LABEL).limit(PAGE);
        parameters.continue_token = next;
        let doing = format!("count the journals in namespace {namespace}");
        let page = cluster.call(doing, api.list_metadata(&parameters)).await?;
        bytes = page.items.iter().map(size).fold(bytes, u64::saturating_add);
        next = page.metadata.continue_.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A cluster with 1,000 journals of 100 bytes and one without a size, in pages. Counts the calls.
    fn cluster(calls: &Arc<AtomicUsize>) -> Cluster {
        let calls = calls.clone();
        let answer = move |request: Request<Body>| {
            calls.fetch_add(1, Ordering::SeqCst);
            let query = request.uri().query().unwrap_or_default().to_owned();
            assert!(query.contains("limit=100"), "{query}");
            let page: usize = query.split("continue=").nth(1).map_or(0, |token| token.parse().unwrap());
            let journal = |size: Option<&str>| {
                let annotations = size.map(|size| json!({"chaostoolkit.org/stored-bytes": size}));
                json!({"metadata": {"name": "a", "annotations": annotations}})
            };
            let (items, next) = match page {
                10 => (vec![journal(None)], String::new()),
                page => (vec![journal(Some("100")); 100], (page + 1).to_string()),
            };
            let list = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": {"continue": next}, "items": items});
            async move { Ok::<_, Infallible>(Response::new(Body::from(list.to_string().into_bytes()))) }
        };
        Cluster::new(Client::new(tower::service_fn(answer), "x"), Duration::from_secs(30))
    }

    #[tokio::test(start_paused = true)]
    async fn each_namespace_has_a_budget_of_its_own() {
        let calls = Arc::default();
        let cluster = cluster(&calls);
        let taken = 100_000 + LIMIT as u64;
        let metrics = Metrics::default();
        let limits = JournalLimits { per_experiment: 500, all: taken + 500 };
        let budget = Budget::new(limits, metrics.clone());
        for namespace in ["x", "y"] {
            assert_eq!(budget.take(&cluster, namespace, 500).await.unwrap(), Ok(()));
            assert!(budget.take(&cluster, namespace, 1).await.unwrap().is_err());
        }
        budget.give_back("x", 500).await;
        assert_eq!(budget.take(&cluster, "x", 500).await.unwrap(), Ok(()));
        assert!(budget.take(&cluster, "y", 1).await.unwrap().is_err());
        assert!(budget.take(&cluster, "y", 501).await.unwrap().is_err());
        let text = metrics.text();
        for line in [
            &format!("chaostoolkit_operator_journal_budget_bytes {}", taken + 500),
            &format!("chaostoolkit_operator_journal_bytes {}", taken + 500),
            r#"chaostoolkit_operator_budgets_reached_total{budget="Journals"} 3"#,
            r#"chaostoolkit_operator_budgets_reached_total{budget="JournalsOfExperiment"} 1"#,
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is not in {text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn journals_are_counted_in_pages_and_once_in_a_while() {
        let calls = Arc::default();
        let cluster = cluster(&calls);
        let taken = 100_000 + LIMIT as u64;
        let limits = JournalLimits { per_experiment: 500, all: taken + 1_000 };
        let budget = Budget::new(limits, Metrics::default());
        let take = async |size| budget.take(&cluster, "x", size).await.unwrap();
        assert_eq!(take(400).await, Ok(()));
        assert_eq!((take(500).await, calls.load(Ordering::SeqCst)), (Ok(()), 11));
        let problem = take(200).await.unwrap_err();
        assert!(
            problem.contains("--journal-budget") && problem.contains(&(taken + 900).to_string()),
            "{problem}"
        );
        assert_eq!(calls.load(Ordering::SeqCst), 11, "they were counted just now");
        budget.give_back("x", 400).await;
        assert_eq!(take(200).await, Ok(()));
        assert!(take(501).await.unwrap_err().contains("an experiment may take 500"));
        // What was stored here is not in this cluster, as if the garbage collector had deleted it.
        tokio::time::advance(DOUBTFUL * 2).await;
        assert_eq!(take(500).await, Ok(()));
        assert_eq!(calls.load(Ordering::SeqCst), 22);
    }
}
