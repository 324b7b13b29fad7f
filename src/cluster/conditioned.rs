//! Objects of any kind, of which only the conditions are read.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An object with conditions. Others may have written it, so nothing else of it is kept.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Conditioned {
    /// The metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// The status.
    #[serde(default)]
    status: Option<Conditions>,
}

/// The status of an object, as far as it is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conditions {
    #[serde(default)]
    observed_generation: Option<i64>,
    #[serde(default, deserialize_with = "first")]
    conditions: Vec<Condition>,
}

/// A condition of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The type, such as `Available`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The status: `True`, `False` or `Unknown`.
    #[serde(default)]
    pub status: String,
    /// The reason, if there is one.
    #[serde(default)]
    pub reason: Option<String>,
    /// The generation of the object that the condition describes, if it is known.
    #[serde(default)]
    pub observed_generation: Option<i64>,
}

/// How many conditions of an object are read.
const MOST: usize = 64;

impl Conditioned {
    /// Returns the condition of a type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.as_ref()?.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Whether a condition describes an earlier generation of the object, so that it may change.
    #[must_use]
    pub fn is_outdated(&self, condition: &Condition) -> bool {
        let of_status = self.status.as_ref().and_then(|status| status.observed_generation);
        let observed = condition.observed_generation.or(of_status);
        observed.zip(self.metadata.generation).is_some_and(|(observed, current)| observed < current)
    }
}

impl Resource for Conditioned {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Reads the first conditions of a list. Null is an empty list.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Condition>, D::Error> {
    struct First;
    impl<'de> Visitor<'de> for First {
        type Value = Vec<Condition>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of conditions")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut conditions = Vec::new();
            while conditions.len() < MOST {
                let Some(condition) = list.next_element()? else { return Ok(conditions) };
                conditions.push(condition);
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(conditions)
        }
    }
    deserializer.deserialize_any(First)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(object: Value) -> Conditioned {
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn only_the_first_conditions_are_read() {
        let of = |number: usize| json!({"type": format!("C{number}"), "status": "True"});
        let many: Vec<Value> = (0..1000).map(of).collect();
        let object = read(json!({"spec": {"a": 1}, "status": {"conditions": many, "other": []}}));
        assert!(object.condition("C63").is_some() && object.condition("C64").is_none());
        assert_eq!(object.status.unwrap().conditions.len(), MOST);
    }

    #[test]
    fn an_object_without_conditions_is_read() {
        for object in [json!({}), json!({"status": null}), json!({"status": {"conditions": null}})] {
            assert_eq!(read(object).condition("Ready"), None);
        }
    }

    #[test]
    fn a_condition_of_an_earlier_generation_is_outdated() {
        let outdated = |object: Value| {
            let object = read(object);
            object.is_outdated(object.condition("Ready").unwrap())
        };
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let with =
            |generation: i64| json!([{"type": "Ready", "status": "True", "observedGeneration": generation}]);
        assert!(!outdated(json!({"metadata": {"generation": 2}, "status": {"conditions": ready}})));
        assert!(!outdated(json!({"metadata": {"generation": 2}, "status": {"conditions": with(2)}})));
        assert!(outdated(json!({"metadata": {"generation": 2}, "status": {"conditions": with(1)}})));
        assert!(outdated(
            json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1, "conditions": ready}})
        ));
        assert!(!outdated(
            json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1, "conditions": with(2)}})
        ));
    }
}
