//! The experiment that is looked at: pure.

use serde_json::Value;

use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::source::DEFAULT_FILE;
use crate::experiment::decide::plan::{Facts, Plan, Source};
use crate::experiment::preflight::account::Rights;
use crate::experiment::preflight::container;
use crate::toolkit::{lint, preflight};

/// Options of the toolkit that replace variables, or skip their check.
const OVERRIDES: [&str; 2] = ["--var", "--no-validation"];

/// An experiment whose text is known.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The experiment.
    pub experiment: Value,
    /// The hash of the spec that the run follows.
    pub spec_hash: String,
    is_overridden: bool,
}

impl Subject {
    /// Returns the experiment of a run. Returns nothing if its text is not known, or if the container may run another one.
    pub(super) fn of(plan: &Plan, facts: &Facts, resources: &Resources) -> Option<Self> {
        if !container::runs_chaos(resources) {
            return None;
        }
        let experiment = match (&plan.source, &facts.text) {
            _ if plan.pod.is_some() => return None,
            (Source::Inline(inline), _) => lint::parsed(DEFAULT_FILE, &inline.to_string()),
            (Source::File { file, .. }, Some(text)) => lint::parsed(file, text),
            _ => None,
        };
        let arguments = plan.arguments.as_deref().unwrap_or_default();
        let is_overridden =
            arguments.iter().any(|argument| OVERRIDES.iter().any(|option| argument.contains(option)));
        Some(Self { experiment: experiment?, spec_hash: plan.spec_hash.clone(), is_overridden })
    }

    /// Whether the environment has to give a variable.
    pub(super) fn needs_variables(&self) -> bool {
        !self.is_overridden && !preflight::asked(&self.experiment).is_empty()
    }

    /// The rights that the activities need.
    pub(super) fn rights(&self) -> Rights {
        preflight::needed(&self.experiment, self.is_overridden)
    }
}
