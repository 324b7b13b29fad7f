//! The events about an object.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;
use kube::{Resource, ResourceExt};

use crate::cluster::manifest::{Kind, title};
use crate::cluster::{self, Cluster, label};
use chaostoolkit_api::Text;

/// How many events are read.
const MOST: u32 = 100;

/// Lists the events about an object of this kind, in no order. One about each attempt is folded into one. `more` narrows the
/// selection by fields, and is empty or begins with a comma.
pub async fn list<K>(
    cluster: &Cluster,
    kind: Kind,
    object: &K,
    more: &str,
) -> Result<Vec<Event>, cluster::Error>
where
    K: Resource<Scope = NamespaceResourceScope>,
{
    let namespace = object.namespace().unwrap_or_default();
    let uid = object.uid().unwrap_or_default();
    let fields = format!("involvedObject.kind={},involvedObject.uid={}{more}", kind.as_str(), label(&uid)?);
    let parameters = ListParams::default().fields(&fields).limit(MOST);
    let doing = format!("list the events of {}", title(kind, &namespace, &object.name_any()));
    let events = cluster.call(doing, cluster.events(&namespace)?.list(&parameters)).await?;
    Ok(events.items)
}
