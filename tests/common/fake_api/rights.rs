//! The rights of the operator: all of them, except in namespaces without a binding.

use http::Method;
use serde_json::{Value, json};

use super::paths::{failure, namespace_of, path_is_namespace};
use super::{Answer, State};

/// The user of the operator.
const USER: &str = "system:serviceaccount:chaostoolkit-crd:chaostoolkit-crd";

impl State {
    /// Returns the refusal of a call for which the operator has no right. In each namespace it may read and patch experiments,
    /// and change the finalizers of pods.
    pub(super) fn refusal(&self, method: &Method, path: &str, body: &Value) -> Option<Answer> {
        let namespace = namespace_of(path);
        if !self.unbound.contains(namespace) || path_is_namespace(path) {
            return None;
        }
        if namespace.is_empty() && !path.contains("/clusterrolebindings/") {
            return None;
        }
        let is_of_experiments = path.contains("/chaosexperiments");
        let of_metadata = |key: &String| ["uid", "resourceVersion", "finalizers"].contains(&key.as_str());
        let changes_finalizers =
            body.as_object().is_some_and(|body| body.keys().all(|key| key == "metadata"))
                && body["metadata"].as_object().is_some_and(|metadata| metadata.keys().all(of_metadata));
        let may_patch = is_of_experiments || (path.contains("/pods/") && changes_finalizers);
        if (method == Method::GET && is_of_experiments) || (method == Method::PATCH && may_patch) {
            return None;
        }
        let verb = method.as_str().to_lowercase();
        let resource = path.split('/').rev().nth(1).unwrap_or_default();
        let message = format!(
            "{path} is forbidden: User \"{USER}\" cannot {verb} resource \"{resource}\" in the namespace \"{namespace}\""
        );
        Some(failure(403, "Forbidden", &message))
    }

    /// Answers a question of the operator about itself.
    pub(super) fn review_own(&self, path: &str, body: &Value) -> Value {
        let mut answer = body.clone();
        let status = match path.rsplit('/').nth(1) {
            Some("selfsubjectreviews") => json!({"userInfo": {"username": USER}}),
            Some("selfsubjectaccessreviews") => {
                let asked = &body["spec"]["resourceAttributes"];
                let namespace = asked["namespace"].as_str().unwrap_or_default();
                json!({"allowed": !self.unbound.contains(namespace)})
            }
            _ => panic!("the fake API server does not know {path}"),
        };
        answer["status"] = status;
        answer
    }
}
