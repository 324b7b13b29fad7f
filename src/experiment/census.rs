//! How many experiments wait, by the reason: pure.

use std::collections::BTreeMap;

use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, Phase, Text};

/// Counts the experiments whose run, or whose next run, does not start for now.
#[must_use]
pub fn waiting<'a>(experiments: impl Iterator<Item = &'a Experiment>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for reason in experiments.filter_map(reason) {
        *counts.entry(reason.as_str()).or_default() += 1;
    }
    counts
}

/// Why the run of an experiment does not start, if something keeps it from that. A word that this version does not know
/// counts as none, since anybody who may write the status could bring more of them.
fn reason(experiment: &Experiment) -> Option<Reason> {
    let status = experiment.status.as_ref()?;
    let hold = status.hold.as_ref().map(|hold| hold.reason.as_str());
    let blocked = status.reason.as_deref().filter(|_| status.phase == Some(Phase::Blocked));
    hold.or(blocked)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn those_that_wait_are_counted_by_their_reasons() {
        let of = |status| -> Experiment {
            serde_json::from_value(json!({"metadata": {"name": "e"}, "status": status})).unwrap()
        };
        let all = [
            of(json!({"phase": "Blocked", "reason": "ConfigMapMissing"})),
            of(json!({"phase": "Blocked", "reason": "Frozen", "hold": {"reason": "Frozen"}})),
            of(json!({"phase": "Scheduled", "reason": "Scheduled", "hold": {"reason": "Frozen"}})),
            of(json!({"phase": "Scheduled", "reason": "Scheduled"})),
            of(json!({"phase": "Blocked", "reason": "Something"})),
            of(json!({"phase": "Completed", "reason": "Passed"})),
        ];
        let expected = BTreeMap::from([("ConfigMapMissing", 1), ("Frozen", 2)]);
        assert_eq!(waiting(all.iter()), expected);
    }
}
