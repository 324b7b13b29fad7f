//! The templates that children are made from: pure.
//!
//! Users edit them, so they are API. They stay untyped from YAML to the API server: a field that this operator has
//! never heard of arrives as it was written.

use std::collections::BTreeMap;

use serde_json::Value;

use super::resource::Kind;
use crate::reason::Reason;

/// The templates, as they stand in their `ConfigMap`.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    source: String,
    texts: BTreeMap<String, String>,
}

/// Templates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There are none.
    #[error(
        "ConfigMap {0} with the templates does not exist; apply the operator's manifests, or correct spec.template.name"
    )]
    Missing(String),
    /// One of them is not what it has to be.
    #[error("key {key} of ConfigMap {source_name} {problem}")]
    Invalid {
        /// `namespace/name` of the `ConfigMap`.
        source_name: String,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl TemplateError {
    /// The one word for it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Missing(_) => Reason::TemplatesMissing,
            Self::Invalid { .. } => Reason::TemplateInvalid,
        }
    }
}

impl Templates {
    /// The templates in the data of the `ConfigMap` called `source` (`namespace/name`).
    #[must_use]
    pub fn new(source: impl Into<String>, texts: BTreeMap<String, String>) -> Self {
        Self { source: source.into(), texts }
    }

    /// The object that a template describes. It is a mapping of the right kind that has a name.
    pub fn object(&self, kind: Kind) -> Result<Value, TemplateError> {
        let key = key(kind);
        let invalid =
            |problem: String| TemplateError::Invalid { source_name: self.source.clone(), key, problem };
        let text = self.texts.get(key).ok_or_else(|| invalid("is missing".to_owned()))?;
        let object: Value = serde_saphyr::from_str(text)
            .map_err(|error| invalid(format!("is not YAML: {}", one_line(&error))))?;
        if object.get("kind").and_then(Value::as_str) != Some(kind.as_str()) {
            return Err(invalid(format!("is not a {kind}: its `kind` is {}", shown(object.get("kind")))));
        }
        match object.pointer("/metadata/name").and_then(Value::as_str) {
            Some(name) if !name.is_empty() => Ok(object),
            _ => Err(invalid("has no `metadata.name`".to_owned())),
        }
    }

    /// An error about the content of the template of this kind.
    pub fn invalid(&self, kind: Kind, problem: impl Into<String>) -> TemplateError {
        TemplateError::Invalid { source_name: self.source.clone(), key: key(kind), problem: problem.into() }
    }
}

/// The key under which the template of a kind stands.
const fn key(kind: Kind) -> &'static str {
    match kind {
        Kind::Namespace => "chaostoolkit-ns.yaml",
        Kind::ServiceAccount => "chaostoolkit-sa.yaml",
        Kind::Role => "chaostoolkit-role.yaml",
        Kind::RoleBinding => "chaostoolkit-role-binding.yaml",
        Kind::ConfigMap => "chaostoolkit-env.yaml",
        Kind::Pod => "chaostoolkit-pod.yaml",
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), ToString::to_string)
}

/// The first line of an error: parsers like to draw pictures below it.
fn one_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rstest::rstest;

    /// The templates that are shipped.
    pub fn shipped() -> Templates {
        let text = include_str!("../../kustomize/base/templates.yaml");
        let config_map: Value = serde_saphyr::from_str(text).unwrap();
        let texts = serde_json::from_value(config_map["data"].clone()).unwrap();
        Templates::new("chaostoolkit-crd/chaostoolkit-resources-templates", texts)
    }

    impl Templates {
        /// The same templates, but one.
        #[must_use]
        pub fn with(mut self, kind: Kind, text: String) -> Self {
            self.texts.insert(key(kind).to_owned(), text);
            self
        }
    }

    fn pod_template(text: &str) -> Result<Value, TemplateError> {
        Templates::new("a/b", BTreeMap::from([(key(Kind::Pod).to_owned(), text.to_owned())]))
            .object(Kind::Pod)
    }

    #[test]
    fn unknown_fields_survive() {
        let pod = pod_template("{kind: Pod, metadata: {name: a}, spec: {fromTheFuture: {x: [1]}}}").unwrap();
        assert_eq!(pod["spec"]["fromTheFuture"]["x"][0], 1);
    }

    #[rstest]
    #[case("", "is not a Pod: its `kind` is absent")]
    #[case("hello", "is not a Pod")]
    #[case("kind: [", "is not YAML")]
    #[case("{kind: Role, metadata: {name: a}}", "is not a Pod: its `kind` is \"Role\"")]
    #[case("{kind: Pod, metadata: {}}", "has no `metadata.name`")]
    #[case("{kind: Pod, metadata: {name: 5}}", "has no `metadata.name`")]
    fn what_is_wrong_is_named(#[case] text: &str, #[case] problem: &str) {
        let error = pod_template(text).unwrap_err().to_string();
        assert!(error.starts_with("key chaostoolkit-pod.yaml of ConfigMap a/b"), "{error}");
        assert!(error.contains(problem), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = Templates::new("a/b", BTreeMap::new()).object(Kind::Role).unwrap_err();
        assert_eq!(error.to_string(), "key chaostoolkit-role.yaml of ConfigMap a/b is missing");
    }
}
