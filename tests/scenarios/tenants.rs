//! Namespaces of teams, in which the operator has the rights that their owners give it, and no others.

use chaostoolkit_api::Experiment;
use chaostoolkit_api::names;
use k8s_openapi::api::core::v1::{Binding, ConfigMap, Namespace, Pod};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::ApiResource;
use serde_json::{Value, json};

use crate::common::install::{Install, let_in};
use crate::common::operator::Operator;
use crate::common::{
    config_map, create, delete, eventually, experiment, report_container, running, status, wait,
};

/// An installation whose operator has, outside its namespace, only the rights that it needs to watch, and to let go what it
/// holds.
pub struct Tenants {
    pub install: Install,
}

impl Tenants {
    pub async fn new(test: &str) -> Self {
        let install = Install::multi_tenant(test).await;
        Self { install }
    }

    /// The name of the role that owners of namespaces bind the operator to.
    fn role(name: &str) -> String {
        format!("{name}-runs")
    }

    /// Returns the command that the status tells, for the role of this installation.
    pub fn command(&self, message: &str) -> Vec<String> {
        let command = message.split("kubectl ").nth(1).unwrap_or_else(|| panic!("no command: {message}"));
        let own = command.replace(names::RUNS_ROLE, &Self::role(&self.install.namespace));
        own.split_whitespace().map(str::to_owned).collect()
    }

    /// Creates the namespace of a team with an experiment file in it.
    pub async fn team(&self, name: &str) -> Team {
        let namespace = format!("{}-{name}", self.install.namespace);
        let client = self.install.client.clone();
        create(&Api::<Namespace>::all(client.clone()), json!({"metadata": {"name": namespace}})).await;
        let maps = Api::<ConfigMap>::namespaced(client.clone(), &namespace);
        create(&maps, config_map("chaostoolkit-experiment", json!({"experiment.json": "{}"}))).await;
        Team { client, namespace, operator: self.install.namespace.clone() }
    }

    /// Starts the operator for experiments in the namespaces of these teams too.
    pub async fn start(&self, teams: &[&Team]) -> Operator {
        let names: Vec<&str> = teams.iter().map(|team| team.namespace.as_str()).collect();
        Operator::start_with(&self.install, &["--watch-namespaces", &names.join(",")]).await
    }
}

/// The namespace of a team.
pub struct Team {
    client: kube::Client,
    pub namespace: String,
    /// The namespace of the operator.
    operator: String,
}

impl Team {
    pub fn experiments(&self) -> Api<Experiment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn bindings(&self) -> Api<RoleBinding> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Gives the operator its rights.
    pub async fn bind(&self) {
        let_in(&self.client, &self.operator, &self.namespace).await;
    }

    /// Creates an experiment.
    pub async fn apply(&self, name: &str, spec: Value) {
        self.send(experiment(name, spec)).await;
    }

    /// Creates an experiment exactly as given.
    pub async fn send(&self, experiment: Value) {
        let resource = ApiResource::erase::<Experiment>(&());
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), &self.namespace, &resource);
        create(&api, experiment).await;
    }

    /// Waits for the pod of an experiment, and returns its name.
    pub async fn pod_of(&self, name: &str) -> String {
        let found = wait(&self.experiments(), name, "with a pod", |found| {
            status(found).run.is_some_and(|run| run.pod_uid.is_some())
        })
        .await;
        status(found.as_ref()).run.unwrap().pod_name
    }

    /// Creates an experiment and starts its run on a node of its own. Returns the name of the pod.
    pub async fn runs(&self, name: &str) -> String {
        self.apply(name, json!({})).await;
        let pod = self.pod_of(name).await;
        let binding = json!({"metadata": {"name": pod}, "target": {"kind": "Node", "name": self.namespace}});
        let binding: Binding = serde_json::from_value(binding).unwrap();
        let bound: kube::core::Status =
            self.pods().create_subresource("binding", &pod, &PostParams::default(), &binding).await.unwrap();
        assert_eq!(bound.status, Some(kube::core::response::StatusSummary::Success));
        report_container(&self.pods(), &pod, running()).await;
        crate::common::wait_for_phase(&self.experiments(), name, chaostoolkit_api::Phase::Running).await;
        pod
    }

    /// Begins to delete the namespace.
    pub async fn delete(&self) {
        delete(&Api::<Namespace>::all(self.client.clone()), &self.namespace).await;
    }

    /// Waits until the namespace is gone, with all that was in it.
    pub async fn wait_until_gone(&self) {
        crate::common::wait_until_gone(&Api::<Namespace>::all(self.client.clone()), &self.namespace).await;
        eventually("nothing of the namespace is left", async || {
            let pods = self.pods().list(&kube::api::ListParams::default()).await.unwrap();
            let experiments = self.experiments().list(&kube::api::ListParams::default()).await.unwrap();
            (pods.items.is_empty() && experiments.items.is_empty()).then_some(())
        })
        .await;
    }
}
