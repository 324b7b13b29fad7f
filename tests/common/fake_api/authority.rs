//! Says what users may do, and which resources there are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::paths::KINDS;
use super::{FakeApi, State};

/// Resources that exist and of which the fake keeps no objects.
const FURTHER: [(&str, &str); 5] = [
    ("/api/v1", "services"),
    ("/api/v1", "secrets"),
    ("/apis/networking.k8s.io/v1", "ingresses"),
    ("/apis/apps/v1", "deployments"),
    ("/apis/rbac.authorization.k8s.io/v1", "clusterroles"),
];

impl FakeApi {
    /// From now on no user has these rights: `VERB RESOURCE NAMESPACE` each. Users have all other rights.
    pub fn forbid(&self, rights: &[&str]) {
        self.lock().missing_rights = rights.iter().map(|right| (*right).to_owned()).collect();
    }

    /// Returns what was asked about users so far: `USER VERB RESOURCE NAMESPACE` each.
    pub fn reviews(&self) -> Vec<String> {
        let calls = self.calls().into_iter().filter(|call| call.path.contains("/subjectaccessreviews/"));
        calls
            .map(|call| {
                let user = call.body["spec"]["user"].as_str().unwrap_or_default().to_owned();
                format!("{user} {}", right(&call.body))
            })
            .collect()
    }
}

impl State {
    pub(super) fn review(&self, review: &Value) -> Value {
        let is_allowed = !self.missing_rights.contains(&right(review));
        let mut answer = review.clone();
        answer["status"] = json!({"allowed": is_allowed});
        answer
    }
}

fn right(review: &Value) -> String {
    let attributes = &review["spec"]["resourceAttributes"];
    let [verb, resource, name, namespace] =
        ["verb", "resource", "name", "namespace"].map(|key| attributes[key].as_str().unwrap_or_default());
    let name = if name.is_empty() { String::new() } else { format!("/{name}") };
    format!("{verb} {resource}{name} {namespace}").trim_end().to_owned()
}

pub(super) fn is_discovery(path: &str) -> bool {
    path == "/apis" || resources().iter().any(|(root, _)| *root == path)
}

pub(super) fn discovery(path: &str) -> Value {
    if path != "/apis" {
        let own = resources().into_iter().filter(|(root, _)| *root == path);
        let own: Vec<Value> = own
            .map(|(_, plural)| json!({"name": plural, "namespaced": true, "kind": "", "singularName": "", "verbs": []}))
            .collect();
        return json!({"kind": "APIResourceList", "groupVersion": "", "resources": own});
    }
    let groups: BTreeSet<&str> =
        resources().into_iter().filter_map(|(root, _)| root.strip_prefix("/apis/")).collect();
    let groups: Vec<Value> = groups
        .into_iter()
        .filter_map(|version| {
            let (group, number) = version.split_once('/')?;
            let versions = json!([{"groupVersion": version, "version": number}]);
            Some(json!({"name": group, "versions": versions}))
        })
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn resources() -> Vec<(&'static str, &'static str)> {
    KINDS.iter().map(|(root, plural, _)| (*root, *plural)).chain(FURTHER).collect()
}
