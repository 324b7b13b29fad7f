//! The evaluations of the hypothesis.

use serde_json::Value;

use crate::journal::activity::{MAX_ITEMS, Reader};
use crate::journal::field::Fields;
use crate::model::{Evaluation, Evaluations, Listed};

/// Reads the evaluations of all phases.
pub(crate) fn read(states: &Value, reader: &Reader) -> Evaluations {
    let during = states.items("during");
    let items: Vec<Evaluation> =
        during.iter().take(MAX_ITEMS).filter_map(|state| evaluation(state, reader)).collect();
    Evaluations {
        before: evaluation(&states["before"], reader),
        during: Listed { omitted: during.len().saturating_sub(MAX_ITEMS), items },
        after: evaluation(&states["after"], reader),
    }
}

/// A phase that was not evaluated is `null`.
fn evaluation(state: &Value, reader: &Reader) -> Option<Evaluation> {
    state.is_object().then(|| Evaluation {
        met: state.get("steady_state_met").and_then(Value::as_bool),
        probes: reader.list(&state["probes"]),
    })
}
