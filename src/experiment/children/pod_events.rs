//! The events about a pod.

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::ListParams;

use crate::cluster::manifest::{Kind, title};
use crate::cluster::{self, Cluster, label};

/// How many events are read.
const MOST: u32 = 100;

/// Lists the events about a pod, in no order. One about each attempt is folded into one.
pub async fn list(cluster: &Cluster, pod: &Pod) -> Result<Vec<Event>, cluster::Error> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let fields = format!("involvedObject.kind=Pod,involvedObject.uid={}", label(uid)?);
    let parameters = ListParams::default().fields(&fields).limit(MOST);
    let doing = format!("list the events of {}", title(Kind::Pod, namespace, name));
    let events = cluster.call(doing, cluster.events(namespace)?.list(&parameters)).await?;
    Ok(events.items)
}
