//! What the operator records.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pod_address::PodAddress;
use crate::words;
use chaostoolkit_journal::RollbackState;
pub use chaostoolkit_journal::{Outcome, SteadyStates, Warning};

/// Where an experiment is in its life: for people.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
pub enum Phase {
    /// Accepted, and nothing was created yet.
    Pending,
    /// Waits for something that does not exist or is not allowed; `reason` and `message` say what.
    Blocked,
    /// The run is decided on; its container does not run yet.
    Starting,
    /// The container runs.
    Running,
    /// The run is being stopped: its rollbacks are played.
    Aborting,
    /// The run came to a verdict, whatever it is.
    Completed,
    /// The run ended without a verdict.
    Failed,
    /// The run was stopped before it came to a verdict.
    Aborted,
    /// Runs start by a schedule.
    Scheduled,
    /// A run, or runs by a schedule, would start, were they not suspended.
    Suspended,
    /// The experiment is being deleted.
    Terminating,
}

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

/// One run of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Number of the run, from 1.
    pub number: i32,
    /// What started it: Created, Rerun or Schedule.
    #[serde(default)]
    pub trigger: Trigger,
    /// When it was asked for: the experiment was created or resumed, or a rerun was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Time>,
    /// A hash of what the spec said of the run, when it was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_hash: Option<String>,
    /// Name of its pod.
    pub pod_name: String,
    /// Uid of its pod: proof that the pod was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// Node that its pod is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// When its container started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When its container ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Seconds between the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i64>,
    /// Exit code of the toolkit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Number of the signal that ended the toolkit, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Kubernetes' word for the end: `Completed`, `Error`, `OOMKilled`, `Evicted`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminated_reason: Option<String>,
    /// What ran the experiment.
    #[serde(default, skip_serializing_if = "Toolkit::is_empty")]
    pub toolkit: Toolkit,
    /// What was run.
    #[serde(default, skip_serializing_if = "About::is_empty")]
    pub experiment: About,
    /// Whether the steady state held before, during and after the method: Met, NotMet, ProbeError, NotEvaluated or
    /// Unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::steady_states")]
    pub steady_state: Option<SteadyStates>,
    /// The activities of the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activities: Option<Activities>,
    /// The rollbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollbacks: Option<Rollbacks>,
    /// The journal that the toolkit wrote, if it wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalRef>,
    /// The end of the log, 2 KiB at the most, where there is no journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_tail: Option<String>,
    /// The pod that plays the rollbacks in place of this run's, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescue: Option<Rescue>,
}

/// A pod that plays the rollbacks of a run that did not come to them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rescue {
    /// Name of the pod. Empty where there could be none; `problem` says why.
    #[serde(default)]
    pub pod_name: String,
    /// Uid of the pod: proof that it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// When it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What it played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollbacks: Option<Rollbacks>,
    /// Why the rollbacks were not played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What started a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Trigger {
    /// The experiment was created.
    #[default]
    Created,
    /// The annotation `chaostoolkit.org/rerun` asked for it.
    Rerun,
    /// It was due.
    Schedule,
}

/// What ran the experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Toolkit {
    /// Version of the Chaos Toolkit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Version of its library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lib: Option<String>,
}

impl Toolkit {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// Its title, as the toolkit has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where it came from: `configmap/NAME/KEY`, `url` or `inline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// SHA-256 of its text, in hex, when the run was decided on; where the operator could read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl About {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The activities of the method, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Activities {
    /// How many there are.
    pub total: i64,
    /// How many succeeded.
    pub succeeded: i64,
    /// How many failed.
    pub failed: i64,
}

/// The rollbacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rollbacks {
    /// When they are played: default, always, never or deviated; what is said on the command line goes before what the
    /// experiment says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// How they went: NoneDeclared, NotPlayed, Failed, Unfinished, Partial, Played or Unknown.
    #[schemars(schema_with = "words::rollback_state")]
    pub state: RollbackState,
    /// How many there are.
    pub total: i64,
    /// How many failed.
    pub failed: i64,
}

/// The journal of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalRef {
    /// ConfigMap beside the experiment that holds it, gzipped, under the key `journal.json.gz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<String>,
    /// SHA-256 of the file that the toolkit wrote, in hex.
    pub sha256: String,
    /// Length of that file.
    pub bytes: i64,
    /// Whether the outputs of activities were left out of the ConfigMap, since they did not fit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Why it is not in a ConfigMap, or cannot be read as a journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A schedule, as Kubernetes follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleStatus {
    /// When, in the form of cron.
    pub cron: String,
    /// Time zone of these times, if it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When a run was last started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_schedule_time: Option<Time>,
    /// When the next one is due. Absent while suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_schedule_time: Option<Time>,
    /// Pods of the runs that go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<String>,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastRun {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Completed, Failed or Aborted.
    pub phase: Phase,
    /// What it found.
    #[schemars(schema_with = "words::outcome")]
    pub outcome: Outcome,
    /// What that leaves open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::warnings")]
    pub warnings: Vec<Warning>,
    /// Whether it answers the question that the experiment asks.
    #[serde(default)]
    pub conclusive: bool,
    /// Why the phase is what it is, in one word.
    pub reason: String,
}

/// How many runs there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counters {
    /// Runs that have ended.
    pub runs: i32,
    /// Those of them whose outcome is Passed.
    pub passed: i32,
    /// Those whose outcome is Deviated.
    pub deviated: i32,
    /// Those that ended in phase Failed.
    pub failed: i32,
    /// Those that ended in phase Aborted.
    pub aborted: i32,
    /// Times at which a run was due by the schedule and none was started.
    #[serde(default)]
    pub skipped: i32,
}

/// An object that belongs to an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether the Python operator had created it: it has no label that says whose it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
}

impl ResourceRef {
    /// Whether the two are about the same object.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.kind, &self.namespace, &self.name) == (&other.kind, &other.namespace, &other.name)
    }
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

impl Run {
    /// Whether a journal was written that is neither kept nor given up yet.
    #[must_use]
    pub fn is_journal_due(&self) -> bool {
        let is_due = |journal: &JournalRef| journal.config_map.is_none() && journal.problem.is_none();
        self.journal.as_ref().is_some_and(is_due)
    }
}
