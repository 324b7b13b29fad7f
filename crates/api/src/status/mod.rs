//! The status of an experiment, which the operator writes.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

mod history;
mod hold;
pub(crate) mod phase;
pub mod progress;
mod resource;
mod run;
mod runs;
mod schedule;
mod targets;

pub use chaostoolkit_journal::{Outcome, RunResult, SteadyStates, Warning};
pub use history::{Counters, PastRun};
pub use hold::HoldStatus;
pub use phase::Phase;
pub use resource::ResourceRef;
pub use run::{
    About, Activities, JournalRef, Rescue, Rollbacks, Run, StartedRun, Starts, Stop, Toolkit, Trigger,
};
pub use schedule::{EndedPod, GivenUp, HeldMutex, ReleasedJob, ScheduleStatus, StoppedPod};
pub use targets::Targets;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pod_address::PodAddress;
use crate::{lenient, words};

/// The status of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ExperimentStatus {
    /// The generation of the spec that this status describes. It is -1 until the operator has seen the experiment.
    #[serde(default, deserialize_with = "lenient::generation", skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The phase of the experiment: Pending, Blocked, Starting, Running, Aborting, Completed, Failed, Aborted, Scheduled,
    /// Suspended or Terminating.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::phase")]
    pub phase: Option<Phase>,
    /// The result of the last run in one word: its outcome, or Inconclusive if nobody can rely on that, since an activity of
    /// the method failed or it was a dry run. Absent until the run has ended.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::result")]
    pub result: Option<RunResult>,
    /// The outcome of the last run: Passed, Deviated, BaselineNotMet, ProbeError, Aborted, Interrupted, Invalid, Error or
    /// Unknown.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::outcome")]
    pub outcome: Option<Outcome>,
    /// Warnings that qualify the outcome: ActivityFailed, RollbackFailed, RollbacksNotPlayed, NoHypothesis, DryRun,
    /// ProbeFailed or ActivityForbidden.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::warnings")]
    pub warnings: Vec<Warning>,
    /// Whether the outcome answers the question that the experiment asks. It does if the outcome is Passed or Deviated,
    /// there was a hypothesis, all its probes could be executed, no activity of the method failed, and the run was not a
    /// dry run.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub conclusive: Option<bool>,
    /// The reason for the phase, in one CamelCase word.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A sentence for people that explains the phase.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The suffix of the names of all objects of this experiment. In a rerun, the number of the run follows it.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// The namespace of the run. It is set when the run is planned, and later changes of the spec do not affect it.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub run_namespace: Option<String>,
    /// The current or last run.
    #[serde(default, deserialize_with = "run::ended_if_unreadable", skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// What keeps the run from starting for now, or the next run of a schedule, if something does that nobody has to correct.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldStatus>,
    /// The schedule, if there is one.
    #[serde(default, deserialize_with = "lenient::proof", skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleStatus>,
    /// The earlier runs, or the last runs of a schedule. The newest run is first. At most 10 runs are kept, and of a schedule 10
    /// more that were skipped.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PastRun>,
    /// The numbers of runs.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub counters: Option<Counters>,
    /// The last value of the annotation `chaostoolkit.org/rerun` for which a run was started.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub rerun: Option<String>,
    /// Random text that was drawn before the first object was created. The objects have marks that follow from it. An object
    /// with the name of a child and without its mark belongs to somebody else.
    #[serde(default, deserialize_with = "lenient::proof", skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The objects that were or will be created for the experiment besides the pod, in the order of their creation. They
    /// are recorded here so that the deletion of the experiment also deletes them after the spec has changed.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceRef>,
    /// The conditions of the experiment: Accepted, Permitted, Startable, Provisioned, Succeeded, Finished, RolledBack, Suspended, Authorized, CleanupBlocked, Reconciling, Stalled.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl ExperimentStatus {
    /// Returns whether the experiment has no schedule and its run has ended. Such a status is final.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.schedule.is_none() && self.run.as_ref().is_some_and(|run| run.finished_at.is_some())
    }

    /// Returns the pod of the recorded run. Returns `None` for a schedule, or if the run has no pod yet.
    #[must_use]
    pub fn run_pod(&self) -> Option<PodAddress> {
        if self.schedule.is_some() {
            return None;
        }
        // A run that was requested but not planned yet has no name for its pod.
        let run = self.run.as_ref().filter(|run| !run.pod_name.is_empty())?;
        Some(PodAddress { namespace: self.run_namespace.clone()?, name: run.pod_name.clone() })
    }

    /// Returns the pod that plays the rollbacks of the recorded run, if there is one.
    #[must_use]
    pub fn rescue_pod(&self) -> Option<PodAddress> {
        let rescue = self.run.as_ref()?.rescue.as_ref().filter(|rescue| !rescue.pod_name.is_empty())?;
        Some(PodAddress { namespace: self.run_namespace.clone()?, name: rescue.pod_name.clone() })
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test fails by a panic, also in its helpers")]
mod tests;
