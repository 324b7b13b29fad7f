//! An account for each set of rights that is tested.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{Api, PostParams};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::cases::{Case, Right};
use crate::common::{create, delete, eventually};
use crate::objects::Objects;

/// An account: its name as the API server calls it, and a token.
pub struct Account {
    pub name: String,
    pub token: String,
}

/// The accounts by their rights.
pub struct Accounts {
    server: String,
    by_rights: BTreeMap<BTreeSet<Right>, Account>,
    /// The names of the cluster roles and of their bindings.
    cluster_roles: Vec<String>,
    client: Client,
}

impl Accounts {
    /// Creates an account for the rights of each case, and for those without each one of them. Returns when the API server
    /// knows all rights.
    pub async fn new(client: &Client, objects: &Objects, cases: &[Case]) -> Self {
        let all = cases.iter().flat_map(|case| {
            let less = case.rights.iter().map(|removed| case.without(removed));
            std::iter::once(case.rights.clone()).chain(less)
        });
        let sets: BTreeSet<BTreeSet<Right>> = all.collect();
        let server = Config::infer().await.unwrap().cluster_url.to_string();
        let mut made = Self {
            server: server.trim_end_matches('/').to_owned(),
            by_rights: BTreeMap::new(),
            cluster_roles: Vec::new(),
            client: client.clone(),
        };
        for (number, rights) in sets.into_iter().enumerate() {
            let account =
                made.create(&objects.namespace, &format!("{}-{number}", objects.name), &rights).await;
            made.by_rights.insert(rights, account);
        }
        for (rights, account) in &made.by_rights {
            for right in rights {
                made.wait_until_granted(&objects.namespace, account, right).await;
            }
        }
        made
    }

    /// The URL of the API server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The account with exactly these rights.
    pub fn of(&self, rights: &BTreeSet<Right>) -> &Account {
        &self.by_rights[rights]
    }

    async fn create(&mut self, namespace: &str, name: &str, rights: &BTreeSet<Right>) -> Account {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        create(&accounts, json!({"metadata": {"name": name}})).await;
        for is_cluster in [false, true] {
            let of_kind = rights.iter().filter(|right| right.is_cluster == is_cluster);
            let rules: Vec<Value> = of_kind.map(rule).collect();
            if rules.is_empty() {
                continue;
            }
            let kind = if is_cluster { "ClusterRole" } else { "Role" };
            let role = json!({"metadata": {"name": name}, "rules": rules});
            let binding = json!({
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
            });
            if is_cluster {
                create(&Api::<ClusterRole>::all(self.client.clone()), role).await;
                create(&Api::<ClusterRoleBinding>::all(self.client.clone()), binding).await;
                self.cluster_roles.push(name.to_owned());
            } else {
                create(&Api::<Role>::namespaced(self.client.clone(), namespace), role).await;
                create(&Api::<RoleBinding>::namespaced(self.client.clone(), namespace), binding).await;
            }
        }
        let asked =
            accounts.create_token_request(name, &PostParams::default(), &TokenRequest::default()).await;
        let token = asked.unwrap().status.unwrap().token;
        Account { name: format!("system:serviceaccount:{namespace}:{name}"), token }
    }

    async fn wait_until_granted(&self, namespace: &str, account: &Account, right: &Right) {
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let (resource, subresource) = match right.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (right.resource.as_str(), None),
        };
        let attributes = ResourceAttributes {
            verb: Some(right.verb.clone()),
            group: Some(right.group.clone()),
            resource: Some(resource.to_owned()),
            subresource,
            name: right.object.clone(),
            namespace: (!right.is_cluster).then(|| namespace.to_owned()),
            ..ResourceAttributes::default()
        };
        let spec = SubjectAccessReviewSpec {
            user: Some(account.name.clone()),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        eventually(&format!("{} has {right}", account.name), async || {
            let answer = reviews.create(&PostParams::default(), &review).await.ok()?;
            answer.status.filter(|status| status.allowed)
        })
        .await;
    }

    /// Deletes what is in no namespace.
    pub async fn delete(&self) {
        for name in &self.cluster_roles {
            delete(&Api::<ClusterRoleBinding>::all(self.client.clone()), name).await;
            delete(&Api::<ClusterRole>::all(self.client.clone()), name).await;
        }
    }
}

fn rule(right: &Right) -> Value {
    let mut rule = json!({"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]});
    if let Some(object) = &right.object {
        rule["resourceNames"] = json!([object]);
    }
    rule
}
