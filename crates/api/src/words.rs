//! Schemas of enums.
//!
//! The journal's crate knows nothing of schemas, so the schemas of its enums are here.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use strum::VariantArray;

use crate::status::phase::Phase;
use chaostoolkit_journal::{
    HypothesisStrategy, Outcome, RollbackState, RollbackStrategy, RunResult, SteadyState, Warning,
};

fn one_of(words: &[impl Serialize]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

fn nullable(mut schema: Schema) -> Schema {
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// Returns the schema of an optional phase.
pub fn phase(_: &mut SchemaGenerator) -> Schema {
    nullable(one_of(Phase::VARIANTS))
}

/// Returns the schema of an outcome.
pub fn outcome(_: &mut SchemaGenerator) -> Schema {
    one_of(Outcome::VARIANTS)
}

/// Returns the schema of an optional result.
pub fn result(_: &mut SchemaGenerator) -> Schema {
    nullable(one_of(RunResult::VARIANTS))
}

/// Returns the schema of an optional list of results.
pub fn results(_: &mut SchemaGenerator) -> Schema {
    let items = one_of(RunResult::VARIANTS);
    nullable(
        json_schema!({ "type": "array", "items": items, "minItems": 1, "maxItems": RunResult::VARIANTS.len() }),
    )
}

/// Returns the schema of a list of warnings.
pub fn warnings(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": one_of(Warning::VARIANTS) })
}

/// Returns the schema of an optional strategy of the rollbacks.
pub fn rollback_strategy(_: &mut SchemaGenerator) -> Schema {
    nullable(one_of(RollbackStrategy::VARIANTS))
}

/// Returns the schema of an optional strategy of the hypothesis.
pub fn hypothesis_strategy(_: &mut SchemaGenerator) -> Schema {
    nullable(one_of(HypothesisStrategy::VARIANTS))
}

/// Returns the schema of the state of the rollbacks.
pub fn rollback_state(_: &mut SchemaGenerator) -> Schema {
    one_of(RollbackState::VARIANTS)
}

/// Returns the schema of the states of the hypothesis, by phase of the run.
pub fn steady_states(_: &mut SchemaGenerator) -> Schema {
    let state = one_of(SteadyState::VARIANTS);
    json_schema!({ "type": "object", "properties": { "before": state, "during": state, "after": state } })
}
