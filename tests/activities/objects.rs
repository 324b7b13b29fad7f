//! The objects that the functions look for, change and delete.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Client, Error};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::cases::Right;
use crate::common::{create, eventually, unique};

/// A namespace with one object of each kind. All have the same name, and a label with it.
pub struct Objects {
    client: Client,
    pub namespace: String,
    pub name: String,
    made: Vec<Object>,
}

/// An object, and where it is created.
struct Object {
    plural: String,
    api: Api<DynamicObject>,
    wanted: DynamicObject,
}

/// The definitions of the custom objects.
const DEFINITIONS: [(&str, &str, &str, &str); 3] = [
    ("example.com", "v1", "widgets", "Widget"),
    ("chaos-mesh.org", "v1alpha1", "networkchaos", "NetworkChaos"),
    ("chaos-mesh.org", "v1alpha1", "stresschaos", "StressChaos"),
];

impl Objects {
    /// Creates them. Fails on a cluster with nodes: a function deletes all nodes that it finds.
    pub async fn new(client: Client) -> Self {
        let nodes = Api::<Node>::all(client.clone()).list(&ListParams::default()).await.unwrap();
        assert!(nodes.items.is_empty(), "this test is for a cluster without nodes");
        let unique = unique();
        let (namespace, name) = (format!("shop-{unique}"), format!("x{unique}"));
        let namespaces: Api<Namespace> = Api::all(client.clone());
        create(&namespaces, json!({"metadata": {"name": namespace}})).await;
        let mut made = Self { client, namespace, name, made: Vec::new() };
        let mut owner = String::new();
        for (group, version, plural, kind) in DEFINITIONS {
            let definition = definition(group, version, plural, kind);
            owner =
                made.add("apiextensions.k8s.io", "v1", "customresourcedefinitions", definition, false).await;
        }
        made.create_all(&owner).await;
        made
    }

    /// Creates again what a function with these rights may have deleted.
    pub async fn restore(&self, rights: &BTreeSet<Right>) {
        let may_be_gone = |object: &&Object| {
            let of_kind = |resource: &str| resource == object.plural;
            rights.iter().any(|right| match (right.verb.as_str(), right.resource.as_str()) {
                ("delete", resource) => of_kind(resource),
                ("create", "pods/eviction") => of_kind("pods"),
                _ => false,
            })
        };
        for object in self.made.iter().filter(may_be_gone) {
            object.restore().await;
        }
    }

    /// Creates the objects of each kind. `owner` is the uid of the last definition.
    async fn create_all(&mut self, owner: &str) {
        self.add("example.com", "v1", "widgets", json!({"kind": "Widget", "spec": {}}), true).await;
        let chaos = |kind: &str| json!({"kind": kind, "spec": {}});
        self.add("chaos-mesh.org", "v1alpha1", "networkchaos", chaos("NetworkChaos"), true).await;
        self.add("chaos-mesh.org", "v1alpha1", "stresschaos", chaos("StressChaos"), true).await;
        let node = json!({"kind": "Node", "spec": {"unschedulable": true}});
        self.add("", "v1", "nodes", node, false).await;
        let pod = json!({"terminationGracePeriodSeconds": 0, "containers": [{"name": "c", "image": "c"}]});
        self.add("", "v1", "pods", json!({"kind": "Pod", "spec": pod}), true).await;
        // A drain evicts only pods that something controls. No function deletes a definition.
        let mut bound = pod.clone();
        bound["nodeName"] = json!(self.name);
        let (group, _, plural, _) = DEFINITIONS[DEFINITIONS.len() - 1];
        let owner = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "name": format!("{plural}.{group}"), "uid": owner, "controller": true});
        let metadata = json!({"name": format!("{}-bound", self.name), "ownerReferences": [owner]});
        self.add("", "v1", "pods", json!({"kind": "Pod", "metadata": metadata, "spec": bound}), true).await;
        let service = json!({"kind": "Service", "spec": {"ports": [{"port": 80}]}});
        self.add("", "v1", "services", service, true).await;
        self.add("", "v1", "secrets", json!({"kind": "Secret"}), true).await;
        // Their pods have other labels.
        let labels = json!({"of": "nothing"});
        let template = json!({"metadata": {"labels": labels}, "spec": pod_of_a_template()});
        let workload = json!({"selector": {"matchLabels": labels}, "template": template});
        for (plural, kind) in [
            ("deployments", "Deployment"),
            ("replicasets", "ReplicaSet"),
            ("statefulsets", "StatefulSet"),
            ("daemonsets", "DaemonSet"),
        ] {
            let mut spec = workload.clone();
            if kind != "DaemonSet" {
                spec["replicas"] = json!(0);
            }
            if kind == "StatefulSet" {
                spec["serviceName"] = json!(self.name);
            }
            self.add("apps", "v1", plural, json!({"kind": kind, "spec": spec}), true).await;
        }
        let backend = json!({"service": {"name": self.name, "port": {"number": 80}}});
        let ingress = json!({"kind": "Ingress", "spec": {"defaultBackend": backend}});
        self.add("networking.k8s.io", "v1", "ingresses", ingress, true).await;
        let policy = json!({"kind": "NetworkPolicy", "spec": {"podSelector": {}}});
        self.add("networking.k8s.io", "v1", "networkpolicies", policy, true).await;
    }

    /// Creates an object, and returns its uid.
    async fn add(
        &mut self,
        group: &str,
        version: &str,
        plural: &str,
        mut object: Value,
        is_namespaced: bool,
    ) -> String {
        let kind = object["kind"].as_str().unwrap().to_owned();
        let gvk = GroupVersionKind::gvk(group, version, &kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        object["apiVersion"] = json!(resource.api_version);
        if object["metadata"]["name"].is_null() {
            object["metadata"]["name"] = json!(self.name);
            object["metadata"]["labels"] = json!({"app": self.name, "name": self.name});
        }
        let api = if is_namespaced {
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        };
        let object =
            Object { plural: plural.to_owned(), api, wanted: serde_json::from_value(object).unwrap() };
        object.restore().await;
        let found = object.api.get(object.wanted.metadata.name.as_deref().unwrap()).await.unwrap();
        self.made.push(object);
        found.metadata.uid.unwrap()
    }

    /// Deletes everything.
    pub async fn delete(&self, accounts: &Accounts) {
        accounts.delete().await;
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await.unwrap();
        for object in self.made.iter().rev() {
            // Those of the namespace may be gone.
            let _ = object
                .api
                .delete(object.wanted.metadata.name.as_deref().unwrap(), &DeleteParams::default())
                .await;
        }
    }
}

impl Object {
    /// Creates the object if it does not exist.
    async fn restore(&self) {
        let name = self.wanted.metadata.name.clone().unwrap();
        let what = format!("{name} exists and is not being deleted");
        eventually(&what, async || match self.api.create(&PostParams::default(), &self.wanted).await {
            Ok(_) => Some(()),
            // The kind may be known only now.
            Err(Error::Api(status)) if status.code == 409 => {
                let found = self.api.get_opt(&name).await.ok()??;
                found.metadata.deletion_timestamp.is_none().then_some(())
            }
            Err(_) => None,
        })
        .await;
    }
}

fn pod_of_a_template() -> Value {
    json!({"containers": [{"name": "c", "image": "c"}], "nodeSelector": {"never": "there"}})
}

fn definition(group: &str, version: &str, plural: &str, kind: &str) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    json!({
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
            "versions": [{"name": version, "served": true, "storage": true, "schema": schema}],
        },
    })
}
