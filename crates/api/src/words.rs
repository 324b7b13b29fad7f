//! Schemas of the words that the journal's crate has, which knows nothing of schemas.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use strum::VariantArray;

use chaostoolkit_journal::{
    HypothesisStrategy, Outcome, RollbackState, RollbackStrategy, SteadyState, Warning,
};

fn one_of(words: &[impl Serialize]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

fn nullable(mut schema: Schema) -> Schema {
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// An outcome.
pub fn outcome(_: &mut SchemaGenerator) -> Schema {
    one_of(Outcome::VARIANTS)
}

/// A list of warnings.
pub fn warnings(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": one_of(Warning::VARIANTS) })
}

/// The strategy of the rollbacks, if there is one.
pub fn rollback_strategy(_: &mut SchemaGenerator) -> Schema {
    nullable(one_of(RollbackStrategy::VARIANTS))
}

/// The strategy of the hypothesis, if there is one.
pub fn hypothesis_strategy(_: &mut SchemaGenerator) -> Schema {
    nullable(one_of(HypothesisStrategy::VARIANTS))
}

/// How the rollbacks went.
pub fn rollback_state(_: &mut SchemaGenerator) -> Schema {
    one_of(RollbackState::VARIANTS)
}

/// Whether the steady state held, by phase.
pub fn steady_states(_: &mut SchemaGenerator) -> Schema {
    let state = one_of(SteadyState::VARIANTS);
    json_schema!({ "type": "object", "properties": { "before": state, "during": state, "after": state } })
}
