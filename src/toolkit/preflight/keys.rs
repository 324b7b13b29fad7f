//! Keys that the toolkit ignores, since they are misspelled, although they decide on the run.

use serde_json::Value;

use crate::toolkit::lint::{is_experiment_key, nearest_key, shown};
use crate::toolkit::preflight::finding::{Findings, Kind};

/// The keys that decide on what a run does.
const DECIDE: [&str; 7] =
    ["steady-state-hypothesis", "method", "rollbacks", "runtime", "configuration", "secrets", "controls"];

/// How many unknown keys are compared with the known ones.
const MOST_COMPARED: usize = 1000;

/// Adds the misspelled keys at the top level.
pub(super) fn misspelled(experiment: &Value, found: &mut Findings) {
    let keys = experiment.as_object().into_iter().flat_map(serde_json::Map::keys);
    for key in keys.filter(|key| !is_experiment_key(key)).take(MOST_COMPARED) {
        if let Some(meant) = nearest_key(key).filter(|meant| DECIDE.contains(meant)) {
            let message = format!("the toolkit ignores the key {}; write {meant}", shown(key));
            found.add(Kind::KeyMisspelled, "the experiment", message);
        }
    }
}
