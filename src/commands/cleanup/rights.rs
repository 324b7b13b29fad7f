//! The rights of runs whose experiment is gone.
//!
//! Somebody removed the finalizer of the experiment by force, or `keep_resources_on_delete` has kept them. Nothing on the
//! objects tells which. So they are named, and deleted only if the user says so.

use std::collections::HashSet;
use std::fmt::{self, Debug, Display};

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, Role, RoleBinding};
use kube::Resource;
use kube::api::{DeleteParams, ListParams, ObjectMeta};
use serde::de::DeserializeOwned;

use crate::cluster::manifest::{Kind, title};
use crate::cluster::{Cluster, Error};
use crate::experiment::children::delete;
use chaostoolkit_api::names;

/// A Role or a binding that was made for a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Right {
    kind: Kind,
    meta: ObjectMeta,
}

impl Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [namespace, name] =
            [&self.meta.namespace, &self.meta.name].map(|text| text.as_deref().unwrap_or_default());
        write!(formatter, "{}, whose experiment is gone", title(self.kind, namespace, name))
    }
}

impl Right {
    /// Whether it was made for an experiment of this namespace, or of any if there is none, and that experiment is not among
    /// these.
    pub fn is_orphan(&self, namespace: Option<&String>, known: &HashSet<String>) -> bool {
        let uid = self.meta.labels.as_ref().and_then(|all| all.get(names::UID_LABEL));
        let owner = self.meta.annotations.as_ref().and_then(|all| all.get(names::EXPERIMENT_ANNOTATION));
        let Some((of, _)) = owner.and_then(|key| key.split_once('/')) else { return false };
        namespace.is_none_or(|namespace| namespace == of) && uid.is_some_and(|uid| !known.contains(uid))
    }

    /// Deletes it, unless another object has its name by now.
    pub async fn delete(&self, cluster: &Cluster) -> Result<(), Error> {
        let ObjectMeta { namespace, name, uid, .. } = self.meta.clone();
        let parameters = DeleteParams::default().preconditions(delete::only(uid));
        let [namespace, name] = [namespace, name].map(Option::unwrap_or_default);
        delete::object(cluster, self.kind, &namespace, &name, &parameters).await
    }
}

/// Lists the rights that were made for runs, the bindings first. Without the right to list a kind, there are none of it.
pub async fn labeled(cluster: &Cluster) -> Result<Vec<Right>, Error> {
    let mut found = of_kind::<ClusterRoleBinding>(cluster, Kind::ClusterRoleBinding).await?;
    found.extend(of_kind::<RoleBinding>(cluster, Kind::RoleBinding).await?);
    found.extend(of_kind::<Role>(cluster, Kind::Role).await?);
    Ok(found)
}

async fn of_kind<K>(cluster: &Cluster, kind: Kind) -> Result<Vec<Right>, Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let ours = ListParams::default().labels(names::UID_LABEL);
    let api = cluster.everywhere::<K>();
    match cluster.call(format!("list all {kind}s"), api.list_metadata(&ours)).await {
        Err(error) if error.is_forbidden() => Ok(Vec::new()),
        found => Ok(found?.items.into_iter().map(|found| Right { kind, meta: found.metadata }).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::gone(json!("gone"), json!("team/exp"), None, true)]
    #[case::there(json!("there"), json!("team/exp"), None, false)]
    #[case::of_this_namespace(json!("gone"), json!("team/exp"), Some("team"), true)]
    #[case::of_another_one(json!("gone"), json!("team/exp"), Some("shop"), false)]
    #[case::of_nobody(json!("gone"), json!("exp"), None, false)]
    #[case::not_of_a_run(Value::Null, json!("team/exp"), None, false)]
    fn rights_are_orphans_if_their_experiment_is_gone(
        #[case] uid: Value,
        #[case] owner: Value,
        #[case] namespace: Option<&str>,
        #[case] expected: bool,
    ) {
        let mut meta = json!({"name": "x", "namespace": "run", "labels": {names::UID_LABEL: uid},
            "annotations": {names::EXPERIMENT_ANNOTATION: owner}});
        if meta["labels"][names::UID_LABEL].is_null() {
            meta["labels"] = json!({});
        }
        let right = Right { kind: Kind::RoleBinding, meta: serde_json::from_value(meta).unwrap() };
        let known = HashSet::from(["there".to_owned()]);
        assert_eq!(right.is_orphan(namespace.map(str::to_owned).as_ref(), &known), expected);
    }
}
