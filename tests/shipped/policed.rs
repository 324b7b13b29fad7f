//! An installation with the policies about authors, for the whole cluster. So there is only one at a time.

use std::process::Command;

use chaostoolkit_api::Experiment;
use chaostoolkit_api::names;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use crate::common::install::{Install, documents, kustomize};
use crate::common::{eventually, experiment, kubectl};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The kinds of policies and of their bindings.
const KINDS: &str = "mutatingadmissionpolicybindings,mutatingadmissionpolicies,\
    validatingadmissionpolicybindings,validatingadmissionpolicies";

/// The label of the policies of these tests.
const LABEL: &str = "tests.example/policed";

static ALONE: Mutex<()> = Mutex::const_new(());

/// An installation, and the only one of this program.
pub struct Policed {
    pub install: Install,
    _alone: MutexGuard<'static, ()>,
}

impl Policed {
    /// Installs without the policies about authors, and creates the namespace for runs with an experiment in it.
    pub async fn without_policies(test: &str) -> Self {
        let alone = ALONE.lock().await;
        remove_policies();
        let install = Install::new(test).await;
        install.with_experiment("{}").await;
        let policed = Self { install, _alone: alone };
        let rules = json!([{"apiGroups": [names::GROUP], "resources": ["chaosexperiments"],
            "verbs": ["get", "list", "create", "update", "patch", "delete"]}]);
        Self::apply(&json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "experiments", "namespace": policed.install.namespace}, "rules": rules}));
        policed
    }

    /// Installs with the policies about authors.
    pub async fn new(test: &str) -> Self {
        let policed = Self::without_policies(test).await;
        policed.bind_policies().await;
        policed
    }

    /// Applies the policies of the overlay and the component `stamping` under the names of this installation, and waits until
    /// the API server follows them.
    pub async fn bind_policies(&self) {
        let home = &self.install.namespace;
        let stamping = std::fs::read_to_string(format!("{ROOT}/kustomize/components/stamping/policy.yaml"));
        let judging = documents(&kustomize(&format!("{ROOT}/manifests/overlays/generic-rbac")));
        let is_judge = |object: &Value| {
            object["metadata"]["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("chaostoolkit-crd-authors"))
        };
        let judging: Vec<Value> = judging.into_iter().filter(is_judge).collect();
        assert_eq!(judging.len(), 4, "two policies and their bindings");
        for mut policy in documents(&stamping.unwrap()).into_iter().chain(judging) {
            policy["metadata"]["labels"] = json!({LABEL: "true"});
            Self::apply(
                &serde_json::from_str(&policy.to_string().replace("chaostoolkit-crd", home)).unwrap(),
            );
        }
        let nobody = self.may_write_experiments("nobody");
        for (what, user, spec, expected) in [
            ("stamped", "", json!({}), names::AUTHOR_ANNOTATION),
            ("judged", nobody.as_str(), json!({}), "a right that you lack"),
            (
                "judged for further namespaces",
                "",
                json!({"role": {"binds_to_namespaces": [1, 2, 3, 4, 5, 6, 7, 8, 9]}}),
                "at most 8",
            ),
        ] {
            let input = experiment("trial", spec).to_string();
            let trial = ["-n", home, "create", "--dry-run=server", "-o", "json", "--as", user, "-f", "-"];
            let trial: Vec<&str> =
                if user.is_empty() { [&trial[..6], &trial[8..]].concat() } else { trial.into() };
            eventually(&format!("requests are {what}"), async || {
                kubectl(&trial, &input).1.contains(expected).then_some(())
            })
            .await;
        }
    }

    /// Lets a user write experiments, and returns the name of the user.
    pub fn may_write_experiments(&self, user: &str) -> String {
        self.bind(&self.install.namespace, user, "Role/experiments")
    }

    /// Gives a user `ClusterRole/NAME` or `Role/NAME` in a namespace, or in the whole cluster if it is empty. Returns the name
    /// of the user.
    pub fn bind(&self, namespace: &str, user: &str, role: &str) -> String {
        let name = format!("{}:{user}", self.install.namespace);
        let (kind, role) = role.split_once('/').unwrap();
        let group = "rbac.authorization.k8s.io";
        let of = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
        let mut binding = json!({"apiVersion": format!("{group}/v1"), "kind": of, "metadata": {"name": format!("{name}:{role}")},
            "roleRef": {"apiGroup": group, "kind": kind, "name": role},
            "subjects": [{"apiGroup": group, "kind": "User", "name": name}]});
        if !namespace.is_empty() {
            binding["metadata"]["namespace"] = json!(namespace);
        }
        Self::apply(&binding);
        name
    }

    /// Takes from a user what [`Self::bind`] has given.
    pub fn unbind(&self, namespace: &str, user: &str, role: &str) {
        let (_, role) = role.split_once('/').unwrap();
        let name = format!("{}:{user}:{role}", self.install.namespace);
        act(&["-n", namespace, "delete", "rolebinding", &name], "");
    }

    /// Creates an experiment as this user. It runs in the namespace of runs of this installation, unless its spec says more.
    pub fn create_as(&self, user: &str, name: &str, mut spec: Value) -> Experiment {
        spec.as_object_mut().unwrap().entry("namespace").or_insert_with(|| json!(self.install.run_namespace));
        let input = experiment(name, spec).to_string();
        let text =
            act(&["-n", &self.install.namespace, "create", "--as", user, "-o", "json", "-f", "-"], &input);
        serde_json::from_str(&text).unwrap()
    }

    /// Applies an object as the administrator.
    pub fn apply(object: &Value) {
        act(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &object.to_string());
    }
}

impl Drop for Policed {
    fn drop(&mut self) {
        remove_policies();
    }
}

/// Removes the policies of these tests, also those of a test that was killed.
fn remove_policies() {
    let (removed, text) = kubectl(&["delete", KINDS, "-l", LABEL], "");
    if !removed {
        eprintln!("cannot remove the policies: {text}");
    }
}

/// Runs kubectl as the administrator of the tests, or as `--as` says, and returns what it printed.
pub fn act(arguments: &[&str], input: &str) -> String {
    let (done, text) = kubectl(arguments, input);
    assert!(done, "kubectl {}: {text}", arguments.join(" "));
    text
}

/// Runs a command as somebody would who pastes it into a shell. Returns whether it succeeded and what it printed.
pub fn paste(command: &str) -> (bool, String) {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}
