//! A run of an experiment.

use chaostoolkit_api::{Activities, Trigger};
use chaostoolkit_journal::{Detail, Forbidden, Outcome, RunResult, SteadyStates, Warning};
use jiff::Timestamp;
use serde::Serialize;

use crate::model::activity::Activity;
use crate::model::declared::Declared;
use crate::model::evaluation::{Evaluations, MAX_BAD};
use crate::model::listed::Listed;
use crate::model::parts::{Rescue, RollbackSummary, Source, Toolkit};

/// A run, from its journal, from the status of its experiment, or from both.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The name of the experiment. Absent if the journal is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace of the experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The uid of the pod. It is the same on the status and on the `ConfigMap` of the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The number of the run, from 1. A run that was skipped has number 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    /// The number of the start of the toolkit, if the container started it more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_number: Option<u32>,
    /// Where the parts of this run are from.
    pub source: Source,
    /// What started the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// The user who asked for the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// When the run was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// When the run started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When the run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The duration in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// The phase of the run on the status, such as `Running`, `Blocked` or `Skipped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<chaostoolkit_api::Phase>,
    /// The outcome. Absent if the run has not ended or never started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The result in one word, which follows from the outcome and the warnings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    /// Whether the run answers the question that the experiment asks.
    pub conclusive: bool,
    /// The warnings that qualify the outcome.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Why the outcome is unknown, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// The activity that decided the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// The rights that activities lacked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<Forbidden>,
    /// The reason for the phase, in one CamelCase word. It also says what keeps the run from starting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A sentence that explains the phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The status of the run as the toolkit reports it: completed, failed, aborted or interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whether the toolkit reports that the system deviated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviated: Option<bool>,
    /// The kind of a dry run, such as `actions`. Absent if the run was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry: Option<String>,
    /// What interrupted the run, such as `SIGINT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interruption: Option<String>,
    /// The exit code of the container, on the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The pod of the run, with its namespace if that is known: `namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// What the author declares.
    pub experiment: Declared,
    /// The toolkit that ran the experiment.
    pub toolkit: Toolkit,
    /// Whether the steady state was met, by phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steady_state: Option<SteadyStates>,
    /// The evaluations of the hypothesis.
    pub hypothesis: Evaluations,
    /// The numbers of the activities of the method, on the status. They are there if there is no journal, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activities: Option<Activities>,
    /// The activities of the method.
    pub method: Listed<Activity>,
    /// The rollbacks that were played.
    pub rollbacks: Listed<Activity>,
    /// The rollbacks as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_summary: Option<RollbackSummary>,
    /// The pod that played the rollbacks in place of the pod of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescue: Option<Rescue>,
}

impl Run {
    /// The name of the run, for headings: `namespace/name@number`, or the file of the journal.
    #[must_use]
    pub fn label(&self) -> String {
        let start = self.start_number.map(|start| format!(" (start {start})")).unwrap_or_default();
        let Some(name) = &self.name else {
            return self.source.journal.clone().unwrap_or_else(|| "run".to_owned());
        };
        let namespace = self.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        match self.number {
            Some(number) if number > 0 => format!("{namespace}{name}@{number}{start}"),
            _ => format!("{namespace}{name}{start}"),
        }
    }

    /// Returns the activities whose outputs are shown, with their part of the run. An evaluation during the method counts only
    /// if it was not met.
    pub(crate) fn shown_activities(&self) -> impl Iterator<Item = (&'static str, &Activity)> {
        let during = self.hypothesis.during.items.iter().flat_map(|state| &state.probes.items);
        let during = during.filter(|probe| probe.is_bad()).take(MAX_BAD).map(|probe| ("during", probe));
        let before = self.hypothesis.before.iter().flat_map(|state| &state.probes.items);
        let before = before.map(|probe| ("before", probe));
        let after = self.hypothesis.after.iter().flat_map(|state| &state.probes.items);
        let after = after.map(|probe| ("after", probe));
        let method = self.method.items.iter().map(|activity| ("method", activity));
        before
            .chain(during)
            .chain(after)
            .chain(method)
            .chain(self.rollbacks.items.iter().map(|activity| ("rollbacks", activity)))
    }

    /// The title of the experiment, or the label of the run if it has none.
    #[must_use]
    pub fn title(&self) -> String {
        self.experiment.title.clone().filter(|title| !title.is_empty()).unwrap_or_else(|| self.label())
    }

    /// The word for the run: its result, or else its phase, or `Unknown`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.result, self.phase) {
            (Some(result), _) => result.into(),
            (None, Some(phase)) => phase.into(),
            (None, None) => "Unknown",
        }
    }
}
