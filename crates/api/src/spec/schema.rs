//! Schemas of fields that the derive cannot describe.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Returns the schema of a mapping with any keys.
pub(super) fn mapping(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// Returns the schema of a mapping with any keys, or null.
pub(super) fn nullable_mapping(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true, "nullable": true })
}

/// Returns the schema of a list of mappings with any keys, or null.
pub(super) fn mappings(_: &mut SchemaGenerator) -> Schema {
    let item = json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json_schema!({ "type": "array", "items": item, "nullable": true })
}

/// Returns the schema of a value of any type. Version 0.14.0 accepted several forms of such fields.
pub(super) fn untyped(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-preserve-unknown-fields": true, "nullable": true })
}

/// Returns the schema of a text that may look like a number.
pub(super) fn text_or_number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-int-or-string": true })
}

/// Returns the schema of an optional enum without the description of the enum. Otherwise that description replaces the one
/// of the field in the definition.
pub(super) fn nullable<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = T::json_schema(generator);
    schema.remove("description");
    schema.insert("nullable".to_owned(), true.into());
    schema
}
