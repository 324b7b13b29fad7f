//! Creates, changes and deletes objects, and collects the objects whose owner is gone.

use serde_json::{Map, Value, json};

use super::kubelet::is_running;
use super::paths::{failure, namespace_of, not_found, path_is_namespace};
use super::{Answer, State};

impl State {
    /// Stores an object with the fields that the server adds. Removes the object if it is deleted and nothing holds
    /// it.
    pub(super) fn store(&mut self, path: &str, mut object: Value) -> Value {
        let old = self.objects.get(path).cloned().unwrap_or_default();
        let is_half_deleted = old["metadata"]["deletionGracePeriodSeconds"] == 0;
        if object == old && !is_half_deleted {
            return object; // A write that changes nothing makes no new version.
        }
        self.last_version += 1;
        let generation = old["metadata"]["generation"].as_i64().unwrap_or(0);
        let changed = old.is_null()
            || object["spec"] != old["spec"]
            || object["metadata"]["deletionTimestamp"] != old["metadata"]["deletionTimestamp"];
        let metadata = &mut object["metadata"];
        for (key, value) in [
            ("uid", json!(format!("uid-{}", self.last_version))),
            ("creationTimestamp", json!(chaostoolkit_operator::process::clock::now())),
        ] {
            if metadata[key].is_null() {
                metadata[key] = value;
            }
        }
        metadata["resourceVersion"] = json!(self.last_version.to_string());
        metadata["generation"] = json!(if changed { generation + 1 } else { generation });
        let is_held = metadata["finalizers"].as_array().is_some_and(|held| !held.is_empty());
        // A pod with grace left is ended by the kubelet.
        let is_over = !metadata["deletionTimestamp"].is_null()
            && matches!(metadata["deletionGracePeriodSeconds"].as_i64(), None | Some(0));
        if path.contains("/chaosexperiments/") {
            self.versions.push(object.clone());
        }
        if is_over && !is_held {
            self.objects.remove(path);
            // The garbage collector.
            let uid = &object["metadata"]["uid"];
            let is_owned = |other: &Value| other["metadata"]["ownerReferences"][0]["uid"] == *uid;
            let owned: Vec<String> = self
                .objects
                .iter()
                .filter(|(_, other)| is_owned(other))
                .map(|(path, _)| path.clone())
                .collect();
            for path in owned {
                self.delete(&path, &Value::Null);
            }
        } else {
            self.objects.insert(path.to_owned(), object.clone());
        }
        object
    }

    pub(super) fn create(&mut self, path: &str, body: &Value) -> Answer {
        let mut object = body.clone();
        let is_in_none = path_is_namespace(path) || namespace_of(path).is_empty();
        if !is_in_none {
            let name = namespace_of(path);
            let Some(namespace) = self.objects.get(&format!("/api/v1/namespaces/{name}")) else {
                return not_found(&format!("/api/v1/namespaces/{name}"));
            };
            if !namespace["metadata"]["deletionTimestamp"].is_null() {
                let (code, mut answer) = failure(403, "Forbidden", "because it is being terminated");
                answer["details"] = json!({"causes": [{"reason": "NamespaceTerminating"}]});
                return (code, answer);
            }
            object["metadata"]["namespace"] = json!(name);
        }
        if let Some(found) = self.objects.get(path) {
            let deleting = if found["metadata"]["deletionTimestamp"].is_null() {
                ""
            } else {
                "object is being deleted: "
            };
            return failure(409, "AlreadyExists", &format!("{deleting}{path} already exists"));
        }
        if object["kind"] == "Pod" {
            let account = object["spec"]["serviceAccountName"].as_str().unwrap_or_default();
            if !self
                .objects
                .contains_key(&format!("/api/v1/namespaces/{}/serviceaccounts/{account}", namespace_of(path)))
            {
                return failure(403, "Forbidden", &format!("error looking up service account {account}"));
            }
            object["status"] = json!({"phase": "Pending"});
        }
        (201, self.store(path, object))
    }

    /// Returns a conflict if the patch is for another uid or version than that of the stored object.
    fn conflict(old: &Value, patch: &Value) -> Option<Answer> {
        let differs =
            |key| !patch["metadata"][key].is_null() && patch["metadata"][key] != old["metadata"][key];
        (differs("uid") || differs("resourceVersion"))
            .then(|| failure(409, "Conflict", "the object has been modified"))
    }

    /// Whether the namespace of an object exists. If the namespace was removed by force, the object may be left.
    pub(super) fn has_namespace(&self, path: &str) -> bool {
        self.objects.contains_key(&format!("/api/v1/namespaces/{}", namespace_of(path)))
    }

    pub(super) fn merge(&mut self, path: &str, body: &Value) -> Answer {
        let Some(old) = self.objects.get(path).cloned() else { return not_found(path) };
        if path.contains("/pods/") && !self.has_namespace(path) {
            let (code, mut answer) = not_found(path);
            answer["details"] = json!({"kind": "namespaces", "name": namespace_of(path)});
            return (code, answer);
        }
        if let Some(conflict) = Self::conflict(&old, body) {
            return conflict;
        }
        let mut new = old.clone();
        merge(&mut new, body);
        new["status"] = old["status"].clone(); // It has an endpoint of its own.
        if new["status"].is_null() {
            new.as_object_mut().map(|fields| fields.remove("status"));
        }
        let finalizers =
            |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        let has_more = finalizers(&new).iter().any(|finalizer| !finalizers(&old).contains(finalizer));
        if has_more && !old["metadata"]["deletionTimestamp"].is_null() {
            return failure(422, "Invalid", "no new finalizers can be added if the object is being deleted");
        }
        (200, self.store(path, new))
    }

    pub(super) fn replace(&mut self, path: &str, body: &Value) -> Answer {
        let Some(old) = self.objects.get(path).cloned() else { return not_found(path) };
        if let Some(conflict) = Self::conflict(&old, body) {
            return conflict;
        }
        let mut new = body.clone();
        for kept in ["uid", "creationTimestamp"] {
            new["metadata"][kept] = old["metadata"][kept].clone();
        }
        (200, self.store(path, new))
    }

    pub(super) fn apply_status(&mut self, path: &str, body: &Value) -> Answer {
        let Some(mut object) = self.objects.get(path).cloned() else { return not_found(path) };
        if let Some(conflict) = Self::conflict(&object, body) {
            return conflict;
        }
        object["status"] = body["status"].clone();
        (200, self.store(path, object))
    }

    pub(super) fn delete(&mut self, path: &str, options: &Value) -> Answer {
        let Some(mut object) = self.objects.get(path).cloned() else { return not_found(path) };
        let wanted = &options["preconditions"]["uid"];
        if !wanted.is_null() && *wanted != object["metadata"]["uid"] {
            return failure(409, "Conflict", "Precondition failed: UID");
        }
        if object["kind"] == "Pod" {
            // Grace is for containers that run.
            let runs = is_running(&object);
            let grace = options["gracePeriodSeconds"].as_i64().unwrap_or(30);
            let old = object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(30);
            object["metadata"]["deletionGracePeriodSeconds"] = json!(if runs { grace.min(old) } else { 0 });
        }
        if object["metadata"]["deletionTimestamp"].is_null() {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:02:00Z");
        }
        (200, self.store(path, object))
    }
}

/// Merges a JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|fields| fields.remove(key));
        } else {
            merge(&mut target[key.as_str()], value);
        }
    }
}
