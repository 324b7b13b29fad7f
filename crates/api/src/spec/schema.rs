//! Schemas of fields that take more than one type.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A mapping of whatever keys.
pub(super) fn mapping(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// A value of any type: fields that 0.14.0 took in several forms.
pub(super) fn untyped(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-preserve-unknown-fields": true, "nullable": true })
}
