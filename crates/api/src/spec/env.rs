//! The environment variables of a run.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::lenient;
use crate::spec::schema;

/// The sources of the environment variables of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct EnvSpec {
    /// Whether to use the ConfigMap and the Secret. A boolean. Defaults to true.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub enabled: Option<bool>,
    /// Name of a ConfigMap in the namespace of the run whose keys become variables. Defaults to `chaostoolkit-env`. If the
    /// default does not exist, the operator creates an empty ConfigMap for the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_name: Option<String>,
    /// Name of a Secret in the namespace of the run whose keys become variables too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// The variables of the list form.
    #[serde(skip)]
    pub variables: Vec<Value>,
}

/// Returns the schema of both forms: the fields of the mapping, which `kubectl explain` prints, but no type.
pub(super) fn either_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = EnvSpec::json_schema(generator);
    schema.remove("type");
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// Reads a mapping with the sources of variables, or the older list of names and values.
pub(super) fn either<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EnvSpec>, D::Error> {
    deserializer.deserialize_any(Env)
}

/// Reads both forms in place, so that an error has the path of the field that is wrong.
struct Env;

impl<'de> Visitor<'de> for Env {
    type Value = Option<EnvSpec>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping, or a list of variables with name and value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        EnvSpec::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut variables = Vec::new();
        while let Some(variable) = items.next_element::<Value>()? {
            if variable.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(A::Error::custom(format!("entry {} has no `name`", variables.len())));
            }
            variables.push(variable);
        }
        Ok(Some(EnvSpec { variables, ..EnvSpec::default() }))
    }
}
