//! What tests compare: the objects that are left and the calls that were made.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::EXPERIMENT;
use crate::fake_api::{Call, FakeApi};

/// Returns all objects without the values that differ from one cluster to the next.
pub fn masked(fake: &FakeApi) -> BTreeMap<String, Value> {
    let mut objects = fake.objects();
    objects.values_mut().for_each(mask);
    objects
}

pub fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => {
            // A failed write leaves the record of an object without its uid.
            if ["kind", "namespace", "name"].iter().all(|key| fields.contains_key(*key)) {
                fields.remove("uid");
            }
            for (key, value) in fields {
                match key.as_str() {
                    "uid"
                    | "podUid"
                    | "resourceVersion"
                    | "creationTimestamp"
                    | "deletionTimestamp"
                    | "lastTransitionTime"
                    | "startedAt"
                    | "finishedAt"
                    | "requestedAt"
                    | "recordedAt"
                    | "seenAt"
                    | "at"
                    | "since"
                    | "heldSeconds"
                    | "nonce"
                    | "cronJobUids"
                    | "jobUids"
                    | "jobUid"
                    | "batch.kubernetes.io/cronjob-scheduled-timestamp"
                    | "chaostoolkit.org/mark"
                    | "chaostoolkit.org/pod-uid" => *value = json!("masked"),
                    _ => mask(value),
                }
            }
        }
        _ => {}
    }
}

/// Returns a write in short, such as `POST pods` or `PATCH status`.
pub fn short(call: &Call) -> String {
    let parts: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
    let object = match parts[..] {
        [.., "status"] => "status",
        [.., plural, _] => plural,
        _ => "",
    };
    format!("{} {object}", call.method)
}

pub fn pods_created(fake: &FakeApi) -> usize {
    fake.writes().iter().filter(|call| short(call) == "POST pods").count()
}

pub fn nothing_is_left(fake: &FakeApi) {
    let left: Vec<String> = fake.objects().into_keys().filter(|path| path.contains("a235f4ad3e")).collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(fake.get(EXPERIMENT), None);
}
