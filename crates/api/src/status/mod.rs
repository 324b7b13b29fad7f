//! What the operator records.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

mod history;
mod phase;
mod resource;
mod run;
mod schedule;

pub use chaostoolkit_journal::{Outcome, SteadyStates, Warning};
pub use history::{Counters, PastRun};
pub use phase::Phase;
pub use resource::ResourceRef;
pub use run::{About, Activities, JournalRef, Rescue, Rollbacks, Run, Toolkit, Trigger};
pub use schedule::ScheduleStatus;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pod_address::PodAddress;
use crate::words;

/// Status of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ExperimentStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the experiment is in its life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What the last run found: Passed, Deviated, BaselineNotMet, ProbeError, Aborted, Interrupted, Invalid, Error or
    /// Unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::outcome")]
    pub outcome: Option<Outcome>,
    /// What that leaves open: ActivityFailed, RollbackFailed, RollbacksNotPlayed, NoHypothesis, DryRun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::warnings")]
    pub warnings: Vec<Warning>,
    /// Whether the outcome answers the question that the experiment asks: it is Passed or Deviated, there was a
    /// hypothesis, no activity of the method failed, and it was no dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusive: Option<bool>,
    /// Why the phase is what it is, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why the phase is what it is, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the names of all objects of this experiment end in; those of a rerun have its number after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// The namespace of the run, as it was when the run was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_namespace: Option<String>,
    /// The current or last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// The schedule, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleStatus>,
    /// The runs before that, or the last ones of a schedule: 10 at the most, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PastRun>,
    /// How many runs there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<Counters>,
    /// The value of the annotation `chaostoolkit.org/rerun` that the last run was started for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<String>,
    /// What was or is about to be created for the experiment besides the pod, in order. Deleting the experiment
    /// deletes these, whatever its spec says by then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceRef>,
    /// Conditions: Accepted, Permitted, Provisioned, Succeeded, Finished, RolledBack, Suspended, CleanupBlocked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl ExperimentStatus {
    /// Whether the run of an experiment without a schedule has ended. Such a status is final.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.schedule.is_none() && self.run.as_ref().is_some_and(|run| run.finished_at.is_some())
    }

    /// The pod of the recorded run, if the experiment has no schedule.
    #[must_use]
    pub fn run_pod(&self) -> Option<PodAddress> {
        if self.schedule.is_some() {
            return None;
        }
        // A run that was asked for and is not decided on yet has no name for its pod.
        let run = self.run.as_ref().filter(|run| !run.pod_name.is_empty())?;
        Some(PodAddress { namespace: self.run_namespace.clone()?, name: run.pod_name.clone() })
    }

    /// The pod that plays the rollbacks of the recorded run, if there is one.
    #[must_use]
    pub fn rescue_pod(&self) -> Option<PodAddress> {
        let rescue = self.run.as_ref()?.rescue.as_ref().filter(|rescue| !rescue.pod_name.is_empty())?;
        Some(PodAddress { namespace: self.run_namespace.clone()?, name: rescue.pod_name.clone() })
    }
}
