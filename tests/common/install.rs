//! An installation of the shipped manifests under unique names, so that tests can run side by side.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use chaostoolkit_api::Experiment;
use chaostoolkit_api::names;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::Kubeconfig;
use kube::core::{ApiResource, GroupVersionKind, TypeMeta};
use kube::runtime::conditions::is_crd_established;
use serde_json::{Value, json};

use super::{client, create, eventually, wait};

/// The kinds of the objects that are created for an experiment, with their API groups.
const KINDS: [(&str, &str); 8] = [
    ("", "Pod"),
    ("", "ConfigMap"),
    ("", "ServiceAccount"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("batch", "CronJob"),
    ("batch", "Job"),
];

/// How the kinds of policies begin. Each policy costs each request to the API server a little, so only the tests that need one
/// install it.
const POLICY: &str = "ValidatingAdmissionPolicy";

/// A part of the name of each installation with the overlay `multi-tenant`. `tests/rights` knows its operators by this.
pub const TENANTS: &str = "-tenants-";

/// The label of the `ClusterRoles` for people, without the name of the role that they are added to.
const FOR_PEOPLE: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// The policies that judge authors. `tests/authors` has them for itself.
const JUDGES: &str = "chaostoolkit-crd-authors";

/// The name of the `ConfigMap` that keeps a namespace from going away.
const ANCHOR: &str = "anchor";

/// The operator's namespace, service account and rights. Its Deployment is missing: tests start the program
/// themselves.
pub struct Install {
    pub client: Client,
    /// Namespace of the operator and of the experiments.
    pub namespace: String,
    /// The namespace for runs. It does not exist at first.
    pub run_namespace: String,
    /// The user name of the operator.
    pub user: String,
    /// A kubeconfig with the operator's own rights and no others.
    pub kubeconfig: PathBuf,
}

impl Install {
    /// Installs under a name that no other test uses.
    pub async fn new(test: &str) -> Self {
        Self::of("generic-rbac", format!("{test}-{}", super::unique())).await
    }

    /// Installs the overlay `multi-tenant` under a name that no other test uses. The operator may run things nowhere until
    /// `let_in` is called.
    pub async fn multi_tenant(test: &str) -> Self {
        Self::of("multi-tenant", format!("{test}{TENANTS}{}", super::unique())).await
    }

    /// The operator gets the rights of the manifests and no others. People get none: see `install_people`.
    async fn of(overlay: &'static str, namespace: String) -> Self {
        let client = client().await;
        for object in manifests(overlay) {
            let kind = object["kind"].as_str().unwrap_or_default();
            let is_of_runs =
                ["name", "namespace"].iter().any(|key| object["metadata"][key] == "chaostoolkit-run");
            if kind == "CustomResourceDefinition" {
                apply(&client, object).await;
            } else if kind != "Deployment"
                && !kind.starts_with(POLICY)
                && !is_of_runs
                && !is_for_people(object)
            {
                apply(&client, &renamed(object, &namespace)).await;
            }
        }
        // Kubernetes fills in the rules.
        let is_filled_in = |found: Option<&ClusterRole>| {
            let rules = found.and_then(|role| role.rules.as_deref()).unwrap_or_default();
            ["pods/log", "ingresses"].iter().all(|part| {
                rules.iter().any(|rule| rule.resources.iter().flatten().any(|resource| resource == part))
            })
        };
        wait(&Api::all(client.clone()), &format!("{namespace}-runs"), "complete", is_filled_in).await;
        for name in ["chaosexperiments.chaostoolkit.org", "chaosfreezes.chaostoolkit.org"] {
            wait(&Api::all(client.clone()), name, "established", |found| {
                kube::runtime::wait::Condition::matches_object(&is_crd_established(), found)
            })
            .await;
        }
        let kubeconfig = kubeconfig(&client, &namespace).await;
        let user = format!("system:serviceaccount:{namespace}:{namespace}");
        Self { run_namespace: format!("{namespace}-run"), client, namespace, user, kubeconfig }
    }

    /// Installs the policies, except those that judge the experiments of all installations.
    pub async fn install_policy(&self) {
        for object in policies() {
            apply(&self.client, &renamed(object, &self.namespace)).await;
        }
    }

    /// Lets the operator bind `ClusterRole`s in the whole cluster, and binds the policy that keeps it to those of runs.
    pub async fn install_cluster_wide(&self) {
        for object in cluster_wide() {
            apply(&self.client, &renamed(&object, &self.namespace)).await;
        }
    }

    /// Removes what is not in a namespace of this installation after `install_cluster_wide`.
    pub fn remove_cluster_wide(&self) {
        self.remove(cluster_wide().iter().rev());
    }

    /// Installs the policies that stamp and judge authors, for all experiments of the cluster. Those of other installations go on
    /// as before, since their authors may do everything.
    pub async fn install_authors(&self) {
        for object in authors() {
            apply(&self.client, &renamed(&object, &self.namespace)).await;
        }
    }

    /// Removes the policies that stamp and judge authors. The bindings go first.
    pub fn remove_authors(&self) {
        let mut objects = authors();
        objects.sort_by_key(|object| object["kind"].as_str().is_some_and(|kind| !kind.ends_with("Binding")));
        self.remove(&objects);
    }

    /// Deletes these objects, which have the names of this installation and are in no namespace.
    fn remove<'a>(&self, objects: impl IntoIterator<Item = &'a Value>) {
        for object in objects {
            let object = renamed(object, &self.namespace);
            let [kind, name] =
                [&object["kind"], &object["metadata"]["name"]].map(|text| text.as_str().unwrap_or_default());
            let (removed, text) = super::kubectl(&["delete", kind, name], "");
            assert!(removed, "{text}");
        }
    }

    /// The label of this installation in place of a label for rights that are added up.
    pub fn label(&self, label: &str) -> String {
        format!("{}.{label}", self.namespace)
    }

    /// Adds the rights of people to `view`, `edit` and `admin` of the cluster.
    pub async fn install_people(&self) {
        for object in manifests("generic-rbac").iter().filter(|object| is_for_people(object)) {
            apply(&self.client, &renamed(object, &self.namespace)).await;
        }
    }

    /// Removes the rights of people.
    pub fn remove_people(&self) {
        let names = ["view", "edit", "admin"].map(|role| format!("{}-{role}", self.namespace));
        let (removed, text) = super::kubectl(&["delete", "clusterrole", &names[0], &names[1], &names[2]], "");
        assert!(removed, "{text}");
    }

    /// Lets the operator run things in a namespace, as its owner would.
    pub async fn let_in(&self, namespace: &str) {
        let_in(&self.client, &self.namespace, namespace).await;
    }

    /// Whether the operator has a right: verb, group and resource. Core resources have the group "".
    pub async fn may(&self, namespace: &str, [verb, group, resource]: [&str; 3]) -> bool {
        let [resource, subresource] = resource
            .split_once('/')
            .map_or([resource, ""], |(resource, subresource)| [resource, subresource]);
        let asked = json!({"verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": namespace});
        let groups = json!(["system:serviceaccounts", "system:authenticated"]);
        let review = json!({"spec": {"user": self.user, "groups": groups, "resourceAttributes": asked}});
        let reviews = Api::<SubjectAccessReview>::all(self.client.clone());
        create(&reviews, review).await.status.unwrap().allowed
    }

    /// Waits until the API server knows of a change to the operator's rights.
    pub async fn wait_until_may(&self, namespace: &str, right: [&str; 3], wanted: bool) {
        eventually("the operator's rights are known", async || {
            (self.may(namespace, right).await == wanted).then_some(())
        })
        .await;
    }

    /// Removes the policies.
    pub fn remove_policy(&self) {
        let policies = policies().filter(|object| object["kind"] == POLICY);
        let names = policies.map(|policy| policy["metadata"]["name"].as_str().unwrap_or_default());
        let names: Vec<String> =
            names.map(|name| name.replace("chaostoolkit-crd", &self.namespace)).collect();
        let kinds = "validatingadmissionpolicybindings,validatingadmissionpolicies";
        let names = names.iter().map(String::as_str);
        let command: Vec<&str> = ["delete", kinds].into_iter().chain(names).collect();
        let (removed, text) = super::kubectl(&command, "");
        assert!(removed, "{text}");
    }

    pub fn experiments(&self) -> Api<Experiment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.run_namespace)
    }

    pub fn config_maps(&self, namespace: &str) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Creates the namespace for runs with the given experiment in it.
    pub async fn with_experiment(&self, text: &str) {
        let name = &self.run_namespace;
        create(&Api::<Namespace>::all(self.client.clone()), json!({"metadata": {"name": name}})).await;
        create(
            &self.config_maps(name),
            super::config_map("chaostoolkit-experiment", json!({"experiment.json": text})),
        )
        .await;
    }

    /// Keeps the namespace of the run from going away once it is deleted.
    pub async fn anchor_run_namespace(&self) {
        let mut anchor = super::config_map(ANCHOR, json!({}));
        anchor["metadata"]["finalizers"] = json!(["tests.example/anchor"]);
        create(&self.config_maps(&self.run_namespace), anchor).await;
    }

    /// Removes the anchor, so that the namespace of the run can go away.
    pub async fn release_run_namespace(&self) {
        super::remove_finalizers(&self.config_maps(&self.run_namespace), ANCHOR).await;
    }

    /// Creates an experiment that runs in the namespace for runs of this installation.
    pub async fn apply_experiment(&self, name: &str, mut spec: Value) -> Experiment {
        if let Some(spec) = spec.as_object_mut() {
            spec.entry("namespace").or_insert_with(|| json!(self.run_namespace));
        }
        self.send(super::experiment(name, spec)).await.unwrap()
    }

    /// Creates an experiment exactly as given.
    pub async fn send(&self, experiment: Value) -> Result<Experiment, kube::Error> {
        let object: DynamicObject = serde_json::from_value(experiment).unwrap();
        let api = Api::<DynamicObject>::namespaced_with(
            self.client.clone(),
            &self.namespace,
            &ApiResource::erase::<Experiment>(&()),
        );
        let created = api.create(&PostParams::default(), &object).await?;
        Ok(created.try_parse().unwrap())
    }

    /// Creates an object of any kind.
    pub async fn create_any(&self, object: &Value) {
        let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        api_of(&self.client, &object).create(&PostParams::default(), &object).await.unwrap();
    }

    /// Returns the objects that are left of all experiments of this installation, in all namespaces. Waits up to 30
    /// seconds for the deletion of journals, which the garbage collector may delete later than the rest.
    pub async fn left_behind(&self) -> Vec<String> {
        for _ in 0..60 {
            let left = self.left_now().await;
            if !left.iter().any(|left| left.contains("chaostoolkit-journal-")) {
                return left;
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        self.left_now().await
    }

    async fn left_now(&self) -> Vec<String> {
        let mut left = Vec::new();
        let key = format!("{}/", self.namespace);
        for (kind, object) in self.labeled(names::UID_LABEL).await {
            let annotations = object.metadata.annotations.as_ref();
            let owner = annotations.and_then(|all| all.get(names::EXPERIMENT_ANNOTATION));
            if owner.is_some_and(|owner| owner.starts_with(&key)) {
                left.push(format!("{kind} {:?}", object.metadata.name));
            }
        }
        left
    }

    /// The objects in all namespaces that match a label selector, of each kind that is created for an experiment.
    pub async fn labeled(&self, selector: &str) -> Vec<(&'static str, DynamicObject)> {
        let mut all = Vec::new();
        for (group, kind) in KINDS {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
            let api = Api::<DynamicObject>::all_with(self.client.clone(), &resource);
            let found = api.list(&ListParams::default().labels(selector)).await.unwrap();
            all.extend(found.into_iter().map(|object| (kind, object)));
        }
        all
    }
}

/// The documents of an overlay as kustomize renders them.
fn manifests(overlay: &'static str) -> &'static [Value] {
    static RENDERED: Mutex<BTreeMap<&str, &[Value]>> = Mutex::new(BTreeMap::new());
    RENDERED.lock().unwrap().entry(overlay).or_insert_with(|| {
        let root = env!("CARGO_MANIFEST_DIR");
        documents(&kustomize(&format!("{root}/manifests/overlays/{overlay}"))).leak()
    })
}

/// The object of an installation: with the names of its own, and a label of its own for the rules that are added up.
fn renamed(object: &Value, namespace: &str) -> Value {
    let label = "chaostoolkit.org/aggregate-to-";
    let mut text = object.to_string().replace("chaostoolkit-crd", namespace);
    text = text.replace(&format!("\"{label}"), &format!("\"{namespace}.{label}"));
    serde_json::from_str(&text).unwrap()
}

/// The objects of the component that lets the operator bind in the whole cluster.
pub fn cluster_wide() -> Vec<Value> {
    let read = |name: &str| {
        let path = format!("{}/kustomize/components/cluster-wide/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        documents(&std::fs::read_to_string(path).unwrap())
    };
    [read("clusterrole"), read("policy")].concat()
}

/// The policies and bindings that an installation may have beside others.
fn policies() -> impl Iterator<Item = &'static Value> {
    manifests("generic-rbac").iter().filter(|object| {
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        text(&object["kind"]).starts_with(POLICY) && !text(&object["metadata"]["name"]).starts_with(JUDGES)
    })
}

/// The policies that judge authors, and the one that stamps, with their bindings.
fn authors() -> Vec<Value> {
    let root = env!("CARGO_MANIFEST_DIR");
    let stamping = format!("{root}/kustomize/components/stamping/policy.yaml");
    let judging = manifests("multi-tenant")
        .iter()
        .filter(|object| object["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(JUDGES)));
    judging.cloned().chain(documents(&std::fs::read_to_string(stamping).unwrap())).collect()
}

fn is_for_people(object: &Value) -> bool {
    object["metadata"]["labels"]
        .as_object()
        .is_some_and(|labels| labels.keys().any(|key| key.starts_with(FOR_PEOPLE)))
}

/// Renders a directory with kustomize.
pub fn kustomize(directory: &str) -> String {
    let (rendered, text) = super::kubectl(&["kustomize", directory], "");
    assert!(rendered, "{directory}: {text}");
    text
}

/// Parses the documents of a YAML text.
pub fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

/// Lets the operator of an installation run things in a namespace, as its owner would.
pub async fn let_in(client: &Client, name: &str, namespace: &str) {
    let binding = json!({
        "metadata": {"name": "chaostoolkit"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("{name}-runs")},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": name}],
    });
    create(&Api::<RoleBinding>::namespaced(client.clone(), namespace), binding).await;
}

async fn apply(client: &Client, object: &Value) {
    let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    let name = object.metadata.name.clone().unwrap();
    let api = api_of(client, &object);
    api.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(&object)).await.unwrap();
}

fn api_of(client: &Client, object: &DynamicObject) -> Api<DynamicObject> {
    let TypeMeta { api_version, kind } = object.types.clone().unwrap();
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Writes a kubeconfig whose user is the operator's service account.
async fn kubeconfig(client: &Client, namespace: &str) -> PathBuf {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let request = TokenRequest::default();
    let token = accounts.create_token_request(namespace, &PostParams::default(), &request).await.unwrap();
    let mut config = serde_json::to_value(Kubeconfig::read().unwrap()).unwrap();
    let context = config["contexts"][0]["context"]["cluster"].clone();
    config["contexts"] = json!([{"name": "operator", "context": {"cluster": context, "user": "operator", "namespace": namespace}}]);
    config["users"] = json!([{"name": "operator", "user": {"token": token.status.unwrap().token}}]);
    config["current-context"] = json!("operator");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{namespace}.kubeconfig"));
    std::fs::write(&path, config.to_string()).unwrap();
    path
}
