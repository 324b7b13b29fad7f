//! Schemas of the words that the journal's crate has, which knows nothing of schemas.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use chaostoolkit_journal::{Outcome, RollbackState, SteadyState, Warning};

fn one_of(words: &[impl Serialize]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

/// An outcome.
pub fn outcome(_: &mut SchemaGenerator) -> Schema {
    one_of(&Outcome::ALL)
}

/// A list of warnings.
pub fn warnings(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": one_of(&Warning::ALL) })
}

/// How the rollbacks went.
pub fn rollback_state(_: &mut SchemaGenerator) -> Schema {
    one_of(&RollbackState::ALL)
}

/// Whether the steady state held, by phase.
pub fn steady_states(_: &mut SchemaGenerator) -> Schema {
    let state = one_of(&SteadyState::ALL);
    json_schema!({ "type": "object", "properties": { "before": state, "during": state, "after": state } })
}
