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

/// An experiment that requests change.
pub struct Base {
    pub name: &'static str,
    pub user: &'static str,
    pub namespace: &'static str,
    /// The namespace of its run.
    pub runs_in: &'static str,
}

const fn base(
    name: &'static str,
    user: &'static str,
    namespace: &'static str,
    runs_in: &'static str,
) -> Base {
    Base { name, user, namespace, runs_in }
}

/// The experiments that requests change. The first one is older than the policies.
pub static BASES: [Base; 5] = [
    base("old", "boss", "@home", "@other"),
    base("theirs", "boss", "@home", "@other"),
    base("owners", "owner", "@home", "@shop"),
    base("devs", "dev", "@home", "@team"),
    base("own", "dev", "@team", "@team"),
];

/// The namespaces in which experiments run.
const OF_RUNS: [&str; 5] = ["@run", "@team", "@shop", "@other", "@safe"];

/// An installation with the namespaces `@home`, `@run`, `@team`, `@shop`, `@other` and `@safe`, in which Pod Security is strict.
pub struct Cast {
    pub install: Install,
    home: String,
}

impl Cast {
    /// Installs without any policy, and creates the namespaces, the rights and the experiment `old`.
    pub async fn new(test: &str) -> Self {
        Self::on(Install::new(test).await)
    }

    /// The same on an installation.
    pub fn on(install: Install) -> Self {
        let home = install.namespace.clone();
        let cast = Self { install, home };
        let mut objects: Vec<Value> = OF_RUNS.map(|name| object("v1", "Namespace", name, "")).into();
        objects[4]["metadata"]["labels"] = json!({"pod-security.kubernetes.io/enforce": "baseline"});
        objects.push(cast.binding("", "boss", "ClusterRole/cluster-admin"));
        objects.push(cast.binding("@shop", "owner", "ClusterRole/admin"));
        objects.push(cast.binding("@run", "owner", "ClusterRole/edit"));
        objects.push(cast.binding("@team", "dev", "ClusterRole/edit"));
        objects.push(cast.binding("@safe", "dev", "ClusterRole/edit"));
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
        cast.create(&BASES[0]);
        cast
    }

    /// Creates what runs need, and the objects that requests of the table name.
    pub fn prepare_runs(&self) {
        let mut objects = Vec::new();
        for namespace in OF_RUNS {
            let mut experiment = object("v1", "ConfigMap", "chaostoolkit-experiment", namespace);
            experiment["data"] = json!({"experiment.json": "{}"});
            let mut role = object("rbac.authorization.k8s.io/v1", "Role", "strong", namespace);
            role["rules"] = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
            let mut certificates = object("v1", "ConfigMap", "mine", namespace);
            certificates["data"] = json!({"a": ""});
            let account = object("v1", "ServiceAccount", "deployer", namespace);
            objects.extend([experiment, role, certificates, account]);
        }
        let shipped = ["-n", "@home", "get", "configmap", "chaostoolkit-resources-templates", "-o", "json"];
        let mut templates = object("v1", "ConfigMap", "mine", "@home");
        templates["data"] =
            serde_json::from_str::<Value>(&self.kubectl(&shipped, "")).unwrap()["data"].clone();
        objects.push(templates);
        self.apply(&objects);
    }

    /// Creates the experiments that the requests of the table change.
    pub fn create_experiments(&self) {
        BASES[1..].iter().for_each(|base| self.create(base));
    }

    fn create(&self, base: &Base) {
        let spec = json!({"namespace": base.runs_in, "suspend": true});
        let mut experiment = crate::common::experiment(base.name, spec);
        experiment["metadata"]["namespace"] = json!(base.namespace);
        self.kubectl(&["create", "--as", &self.name(base.user), "-f", "-"], &experiment.to_string());
    }

    /// Lets the operator run things in all namespaces, as the component `rbac` does, and give runs what the rows ask for. So only
    /// the rights of the users keep runs from starting. Returns the binding and the role.
    pub fn let_in_everywhere(&self) -> Vec<Value> {
        let mut binding =
            object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "@home-everywhere", "");
        binding["roleRef"] =
            json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "@home-runs"});
        binding["subjects"] = json!([{"kind": "ServiceAccount", "name": "@home", "namespace": "@home"}]);
        let mut role = object("rbac.authorization.k8s.io/v1", "ClusterRole", "@home-grantable-more", "");
        let label = self.install.label("chaostoolkit.org/aggregate-to-grantable");
        role["metadata"]["labels"] = json!({label: "true"});
        role["rules"] = json!([
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"],
                "resourceNames": ["view", "cluster-admin"], "verbs": ["bind"]},
        ]);
        let objects = vec![binding, role];
        self.apply(&objects);
        objects
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
        let [team, shop, other, safe] =
            ["team", "shop", "other", "safe"].map(|name| format!("{}-{name}", self.home));
        let places = [
            ("@home", &self.home),
            ("@run", run),
            ("@team", &team),
            ("@shop", &shop),
            ("@other", &other),
            ("@safe", &safe),
        ];
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
