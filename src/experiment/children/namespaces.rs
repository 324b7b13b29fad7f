//! Finds namespaces of the cluster by their labels and annotations.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;

use crate::cluster::{self, Cluster};
use crate::experiment::children::pages::Pages;
use crate::experiment::decide::plan::Selector;
use crate::process::config::OptIn;

/// How many namespaces a page has. The annotations of one take 256 KiB at most.
const PAGE: u32 = 100;

/// How many pages are read.
const MOST_PAGES: usize = 100;

/// Lists the names of the namespaces that are selected, have opted in and are not being deleted, in their order.
pub async fn find(
    cluster: &Cluster,
    selector: &Selector,
    opt_in: Option<&OptIn>,
) -> Result<Vec<String>, cluster::Error> {
    let is_selected = |namespace: &PartialObjectMeta<Namespace>| {
        let metadata = &namespace.metadata;
        metadata.deletion_timestamp.is_none()
            && selector.selects(metadata.labels.as_ref(), metadata.annotations.as_ref())
            && opt_in.is_none_or(|opt_in| opt_in.is_met(metadata.annotations.as_ref()))
    };
    let mut parameters = ListParams::default().limit(PAGE);
    if !selector.labels.is_empty() {
        parameters = parameters.labels(&selector.of_labels());
    }
    let api = cluster.namespaces();
    let mut found = Vec::new();
    let mut pages = Pages::of(parameters, "list namespaces for spec.targets".to_owned());
    for _ in 0..MOST_PAGES {
        let Some(page) = pages.next_metadata(cluster, &api).await? else { break };
        found.extend(page.into_iter().filter(is_selected).filter_map(|one| one.metadata.name));
    }
    Ok(found)
}
