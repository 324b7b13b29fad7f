//! Who asks: the users of the table, their namespaces and rights, and the experiments that are there before they ask.

use crate::common::install::Install;
use crate::common::kubectl;
use serde_json::{Value, json};

/// A user of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Has `cluster-admin`.
    Boss,
    /// Has `admin` in the namespace `@shop` and `edit` in that of the runs. May write experiments at home.
    Owner,
    /// Has `edit` in the namespace `@team`. May write experiments at home.
    Dev,
    /// The operator, with the rights that it is shipped with.
    Operator,
}

/// An installation with the namespaces `@home`, `@run`, `@team`, `@shop` and `@other`.
pub struct Cast {
    pub install: Install,
    home: String,
}

impl Cast {
    /// Installs without any policy, and creates the namespaces, the rights and the experiment `old`.
    pub async fn new(test: &str) -> Self {
        let install = Install::new(test).await;
        let home = install.namespace.clone();
        let cast = Self { install, home };
        let mut objects: Vec<Value> =
            ["@run", "@team", "@shop", "@other"].map(|name| object("v1", "Namespace", name, "")).into();
        objects.push(cast.binding("", "boss", "ClusterRole/cluster-admin"));
        objects.push(cast.binding("@shop", "owner", "ClusterRole/admin"));
        objects.push(cast.binding("@run", "owner", "ClusterRole/edit"));
        objects.push(cast.binding("@team", "dev", "ClusterRole/edit"));
        for (namespace, user) in [("@home", "owner"), ("@home", "dev"), ("@team", "dev"), ("@shop", "owner")]
        {
            let mut binding = cast.binding(namespace, user, "Role/experiments");
            binding["metadata"]["name"] = json!(format!("experiments-{user}"));
            objects.push(binding);
        }
        for namespace in ["@home", "@team", "@shop"] {
            let given = json!({"apiGroups": ["chaostoolkit.org"], "resources": ["chaosexperiments"],
                "verbs": ["get", "list", "create", "update", "patch", "delete"]});
            let mut role = object("rbac.authorization.k8s.io/v1", "Role", "experiments", namespace);
            role["rules"] = json!([given]);
            objects.push(role);
        }
        cast.apply(&objects);
        let scope = format!("tests={}", cast.home);
        for namespace in ["@home", "@team", "@shop"] {
            cast.kubectl(&["label", "namespace", namespace, &scope], "");
        }
        cast.create("boss", "@home", "old", json!({"namespace": "@other", "suspend": true}));
        cast
    }

    /// Creates the experiments that the requests of the table change.
    pub fn create_experiments(&self) {
        for (user, namespace, name, runs_in) in [
            ("boss", "@home", "theirs", "@other"),
            ("owner", "@home", "owners", "@shop"),
            ("dev", "@home", "devs", "@team"),
            ("dev", "@team", "own", "@team"),
        ] {
            self.create(user, namespace, name, json!({"namespace": runs_in, "suspend": true}));
        }
    }

    fn create(&self, user: &str, namespace: &str, name: &str, spec: Value) {
        let mut experiment = crate::common::experiment(name, spec);
        experiment["metadata"]["namespace"] = json!(namespace);
        self.kubectl(&["create", "--as", &self.name(user), "-f", "-"], &experiment.to_string());
    }

    /// A binding of a user to `ClusterRole/NAME` or `Role/NAME`, in a namespace or in the whole cluster.
    pub fn binding(&self, namespace: &str, user: &str, role: &str) -> Value {
        let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
        let mut binding = object("rbac.authorization.k8s.io/v1", kind, &self.name(user), namespace);
        let (kind, name) = role.split_once('/').unwrap();
        binding["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
        binding["subjects"] =
            json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": self.name(user)}]);
        binding
    }

    /// Creates or changes objects.
    pub fn apply(&self, objects: &[Value]) {
        let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &texts.join("\n---\n"));
    }

    /// Runs kubectl as the administrator of the tests, and returns what it printed.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> String {
        let arguments: Vec<String> = arguments.iter().map(|text| self.places(text)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (done, text) = kubectl(&arguments, &self.places(input));
        assert!(done, "kubectl {}: {text}", arguments.join(" "));
        text
    }

    /// The text with the real names of the namespaces.
    pub fn places(&self, text: &str) -> String {
        let run = &self.install.run_namespace;
        let [team, shop, other] = ["team", "shop", "other"].map(|name| format!("{}-{name}", self.home));
        let places =
            [("@home", &self.home), ("@run", run), ("@team", &team), ("@shop", &shop), ("@other", &other)];
        places.iter().fold(text.to_owned(), |text, (name, real)| text.replace(name, real))
    }

    /// The name of a user.
    pub fn name(&self, user: &str) -> String {
        format!("{}:{user}", self.home)
    }

    /// The name of a user of the table.
    pub fn user(&self, who: Who) -> String {
        match who {
            Who::Boss => self.name("boss"),
            Who::Owner => self.name("owner"),
            Who::Dev => self.name("dev"),
            Who::Operator => self.install.user.clone(),
        }
    }

    /// Removes what is not in a namespace of this installation.
    pub fn remove(&self, policies: &[Value]) {
        for policy in policies.iter().rev() {
            let [kind, name] =
                [&policy["kind"], &policy["metadata"]["name"]].map(|text| text.as_str().unwrap());
            self.kubectl(&["delete", kind, name], "");
        }
        self.kubectl(&["delete", "clusterrolebinding", &self.name("boss")], "");
    }
}

fn object(version: &str, kind: &str, name: &str, namespace: &str) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object
}
