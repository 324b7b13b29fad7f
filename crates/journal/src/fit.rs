//! Writes a summary as JSON within a limit of bytes.

use serde::Serialize;

use crate::step::{Step, StepStatus};
use crate::summary::{Experiment, Summary};

/// The maximum length of a termination message, in bytes. The kubelet keeps no more.
pub const MAX_BYTES: usize = 4096;

/// The length of the list of steps without its items.
const LIST_OVERHEAD: usize = r#","steps":[]"#.len();

impl Summary {
    /// Returns one line of JSON of at most `limit` bytes, and never more than [`MAX_BYTES`].
    ///
    /// If the summary does not fit, parts are left out in this order:
    /// 1. the steps that succeeded
    /// 2. the other steps
    /// 3. the title
    /// 4. the rights that activities lacked, except for the first one
    /// 5. the detail
    /// 6. the first of those rights
    /// 7. everything but the outcome, the warnings and whether the run is conclusive
    /// 8. everything but the outcome
    ///
    /// If even the outcome does not fit, this returns `{}`. A limit below 2 counts as 2.
    #[must_use]
    pub fn to_json(&self, limit: usize) -> String {
        let limit = limit.min(MAX_BYTES);
        let bare = Self { steps: Vec::new(), steps_omitted: self.omitted_beyond(0), ..self.clone() };
        let untitled = Self { experiment: Experiment::default(), ..bare.clone() };
        let one_right =
            Self { forbidden: self.forbidden.iter().take(1).cloned().collect(), ..untitled.clone() };
        let undetailed = Self { detail: None, ..one_right.clone() };
        let plain = Self { forbidden: Vec::new(), ..undetailed.clone() };
        let room = limit.checked_sub(json(&bare).len()).and_then(|room| room.checked_sub(LIST_OVERHEAD));
        let steps = room.map(|room| self.select_steps(room)).unwrap_or_default();
        let full = Self { steps_omitted: self.omitted_beyond(steps.len()), steps, ..bare.clone() };
        let verdict = VerdictOnly {
            outcome: &self.outcome,
            warnings: Some(&self.warnings),
            conclusive: Some(self.conclusive),
        };
        let outcome = VerdictOnly { outcome: &self.outcome, warnings: None, conclusive: None };
        let shorter: [&dyn Fn() -> String; 8] = [
            &|| json(&full),
            &|| json(&bare),
            &|| json(&untitled),
            &|| json(&one_right),
            &|| json(&undetailed),
            &|| json(&plain),
            &|| json(&verdict),
            &|| json(&outcome),
        ];
        let fitting = shorter.iter().map(|text| text()).find(|text| text.len() <= limit);
        fitting.unwrap_or_else(|| "{}".to_owned())
    }

    /// Returns the summary without the steps that do not fit into [`MAX_BYTES`].
    #[must_use]
    pub fn shortened(&self) -> Self {
        serde_json::from_str(&self.to_json(MAX_BYTES)).unwrap_or_else(|_| self.clone())
    }

    fn omitted_beyond(&self, kept: usize) -> usize {
        self.steps_omitted.saturating_add(self.steps.len()).saturating_sub(kept)
    }

    /// Selects the steps that fit into `room` bytes, and keeps their order. Steps that did not succeed take precedence.
    fn select_steps(&self, mut room: usize) -> Vec<Step> {
        let mut kept = vec![false; self.steps.len()];
        for succeeded in [false, true] {
            for (step, kept) in self.steps.iter().zip(&mut kept) {
                if (step.status == StepStatus::Succeeded) != succeeded {
                    continue;
                }
                // One byte for the comma.
                let Some(rest) = room.checked_sub(json(step).len() + 1) else { break };
                room = rest;
                *kept = true;
            }
        }
        self.steps.iter().zip(kept).filter(|(_, kept)| *kept).map(|(step, _)| step.clone()).collect()
    }
}

/// The part of a summary that remains if little else fits.
#[derive(Serialize)]
struct VerdictOnly<'a> {
    outcome: &'a crate::Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<&'a [crate::Warning]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusive: Option<bool>,
}

/// Writes a value as JSON. This cannot fail for the types of this crate, since all their keys are strings.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Warning};
    use rstest::rstest;

    fn summary(steps: usize) -> Summary {
        let step = |index| Step {
            name: format!("step {index} \u{1}ä"),
            status: if index == steps - 1 { StepStatus::Failed } else { StepStatus::Succeeded },
        };
        Summary {
            outcome: Outcome::Deviated,
            warnings: vec![Warning::ActivityFailed],
            experiment: Experiment { title: Some("title".into()) },
            steps: (0..steps).map(step).collect(),
            ..Summary::default()
        }
    }

    #[test]
    fn a_summary_that_fits_is_complete() {
        let summary = summary(20);
        assert_eq!(serde_json::from_str::<Summary>(&summary.to_json(MAX_BYTES)).unwrap(), summary);
    }

    #[test]
    fn names_of_successes_are_dropped_first() {
        let text = summary(500).to_json(usize::MAX);
        assert!((MAX_BYTES - 100..=MAX_BYTES).contains(&text.len()), "{}", text.len());
        let back: Summary = serde_json::from_str(&text).unwrap();
        assert_eq!(back.steps.len() + back.steps_omitted, 500);
        assert_eq!(back.steps.last().unwrap().status, StepStatus::Failed);
        assert_eq!(back.experiment.title.unwrap(), "title");
    }

    #[rstest]
    #[case(80, r#"{"outcome":"Deviated","warnings":["ActivityFailed"],"conclusive":false}"#)]
    #[case(30, r#"{"outcome":"Deviated"}"#)]
    #[case(3, "{}")]
    #[case(0, "{}")]
    fn the_outcome_is_dropped_last(#[case] limit: usize, #[case] expected: &str) {
        assert_eq!(summary(1).to_json(limit), expected);
    }

    #[test]
    fn no_limit_is_exceeded() {
        for limit in 2..700 {
            let text = summary(9).to_json(limit);
            assert!(text.len() <= limit, "{} > {limit}", text.len());
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }
}
