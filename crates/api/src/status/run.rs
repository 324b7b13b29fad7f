//! A run of an experiment.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::status::targets::Targets;
use crate::{lenient, words};
use chaostoolkit_journal::{Outcome, RollbackState, SteadyStates, Warning};

/// One run of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Number of the run. The first run has number 1. A run that was skipped has number 0.
    #[serde(deserialize_with = "lenient::field")]
    pub number: i32,
    /// What started the run: Created, Rerun, Schedule or Manual.
    #[serde(default, deserialize_with = "lenient::field")]
    pub trigger: Trigger,
    /// Name of the user who asked for the run, if it is known: who created the experiment or last changed its spec, or who
    /// asked for a rerun. At most 253 bytes.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Time when the run was requested: when the experiment was created or resumed, or when a rerun was requested. With a
    /// schedule, the time when the Job of the run was created.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Time>,
    /// For how many seconds something has kept the run from starting, such as a freeze. The start deadline is later by that.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub held_seconds: Option<i64>,
    /// Hash of the parts of the spec that describe the run, as they were when the run was planned.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub spec_hash: Option<String>,
    /// Name of the Job of the run, with a schedule.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// Name of the pod of the run. It is empty if the Job of the run never had a pod.
    #[serde(deserialize_with = "lenient::field")]
    pub pod_name: String,
    /// Uid of the pod of the run. It proves that the pod was created.
    #[serde(default, deserialize_with = "lenient::proof", skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// Node of the pod.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// Time when the container started.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// Time when the container ended.
    #[serde(default, deserialize_with = "lenient::end", skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Time when the operator saw the end, by its own clock. `finishedAt` is by the clock of the node. The operator waits for
    /// logs and for helpers from this time on.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Time>,
    /// Duration of the run in seconds.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i64>,
    /// Name of the mutex that the run holds from its record to its end.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub mutex: Option<String>,
    /// The namespaces that were found for the run, if `spec.targets` asks for some.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// Why the operator has stopped the run, if it did so without being asked by the author.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Exit code of the command of the container, which is the toolkit or starts it.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Number of the signal that ended the command, if a signal ended it.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The reason that Kubernetes reports for the end: `Completed`, `Error`, `OOMKilled`, `Evicted` and others.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub terminated_reason: Option<String>,
    /// Whether the toolkit was killed, or nobody saw its end. Unless something else says what became of its rollbacks, they
    /// count as missing.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "std::ops::Not::not")]
    pub killed: bool,
    /// The Chaos Toolkit that ran the experiment.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Toolkit::is_empty")]
    pub toolkit: Toolkit,
    /// The experiment that was run.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "About::is_empty")]
    pub experiment: About,
    /// Whether the steady state was met before, during and after the method: Met, NotMet, ProbeError, NotEvaluated or
    /// Unknown.
    #[serde(default, deserialize_with = "lenient::parts", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::steady_states")]
    pub steady_state: Option<SteadyStates>,
    /// The counts of the activities of the method.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub activities: Option<Activities>,
    /// The state and the counts of the rollbacks.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub rollbacks: Option<Rollbacks>,
    /// The journal, if the toolkit wrote one.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalRef>,
    /// The number of starts of the toolkit, if the container did not start it exactly once. The outcome is the worst one of
    /// all starts.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub starts: Option<Starts>,
    /// The runs of the toolkit, if the container started it more than once. At most 16 are listed. The one with the worst
    /// outcome is always in the list. The history has no such lists.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<StartedRun>,
    /// The last 2 KiB of the log, if there is no journal.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub log_tail: Option<String>,
    /// The pod that plays the rollbacks in place of the pod of this run, if there is one.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub rescue: Option<Rescue>,
}

/// Why the operator has stopped a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// The reason in one CamelCase word: Frozen or StopConditionMet.
    #[serde(deserialize_with = "lenient::field")]
    pub reason: String,
    /// What has stopped the run, in words. At most 256 bytes.
    #[serde(default, deserialize_with = "lenient::field")]
    pub message: String,
    /// The freeze that has stopped the run, as NAMESPACE/NAME.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub freeze: Option<String>,
    /// Time when the operator decided to stop the run.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// A pod that plays the rollbacks of a run that ended before it had played them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rescue {
    /// Name of the pod. It is empty if no pod could be created; `problem` has the cause.
    #[serde(default, deserialize_with = "lenient::field")]
    pub pod_name: String,
    /// Uid of the pod. It proves that the pod was created.
    #[serde(default, deserialize_with = "lenient::proof", skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// Time when the pod was requested.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Time>,
    /// Time when the pod ended.
    #[serde(default, deserialize_with = "lenient::end", skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// The rollbacks that the pod played.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub rollbacks: Option<Rollbacks>,
    /// The cause if the rollbacks were not played.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The cause of a run.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Trigger {
    /// The experiment was created.
    #[default]
    Created,
    /// The annotation `chaostoolkit.org/rerun` requested the run.
    Rerun,
    /// The run was due by the schedule.
    Schedule,
    /// Somebody created a Job from the CronJob of the schedule.
    Manual,
}

/// The Chaos Toolkit that ran the experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Toolkit {
    /// Version of the Chaos Toolkit.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Version of `chaostoolkit-lib`, its library.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub lib: Option<String>,
}

impl Toolkit {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The experiment that was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// Title of the experiment, as the toolkit reports it.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Source of the experiment: `configmap/NAME/KEY`, `url` or `inline`.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// SHA-256 hash of the text of the experiment when the run was planned, in hexadecimal. Absent if the operator could
    /// not read the text.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl About {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The counts of the activities of the method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Activities {
    /// Number of activities.
    #[serde(deserialize_with = "lenient::field")]
    pub total: i64,
    /// Number of activities that succeeded.
    #[serde(deserialize_with = "lenient::field")]
    pub succeeded: i64,
    /// Number of activities that failed.
    #[serde(deserialize_with = "lenient::field")]
    pub failed: i64,
}

/// The state and the counts of the rollbacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rollbacks {
    /// The strategy: default, always, never or deviated. A strategy on the command line overrides that of the experiment.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// The state of the rollbacks as a whole: NoneDeclared, NotPlayed, Failed, Unfinished, Partial, Played or Unknown.
    #[serde(deserialize_with = "lenient::field")]
    #[schemars(schema_with = "words::rollback_state")]
    pub state: RollbackState,
    /// Number of rollbacks.
    #[serde(deserialize_with = "lenient::field")]
    pub total: i64,
    /// Number of rollbacks that failed.
    #[serde(deserialize_with = "lenient::field")]
    pub failed: i64,
}

/// The number of starts of the toolkit in one container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Starts {
    /// Number of starts of `chaos run` that were observed.
    #[serde(deserialize_with = "lenient::field")]
    pub total: i64,
    /// Number of starts that could not be observed.
    #[serde(default, deserialize_with = "lenient::field")]
    pub unobserved: i64,
}

/// One of several runs of the toolkit in one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedRun {
    /// Number of the start. The journal has the key `journal-NUMBER.json.gz` in the ConfigMap, or `journal.json.gz` if this
    /// start decides the outcome.
    #[serde(deserialize_with = "lenient::field")]
    pub number: i64,
    /// The outcome of this run.
    #[serde(deserialize_with = "lenient::field")]
    #[schemars(schema_with = "words::outcome")]
    pub outcome: Outcome,
    /// Warnings that qualify the outcome.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::warnings")]
    pub warnings: Vec<Warning>,
    /// Exit code of the toolkit. Absent if nobody saw its end.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The state of the rollbacks: NoneDeclared, NotPlayed, Failed, Unfinished, Partial, Played or Unknown.
    #[serde(default, deserialize_with = "lenient::field")]
    #[schemars(schema_with = "words::rollback_state")]
    pub rollbacks: RollbackState,
    /// Title of the experiment, as the toolkit reports it.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// The journal of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalRef {
    /// Name of the ConfigMap in the namespace of the experiment that holds the journal. The key is `journal.json.gz`.
    /// The journals of other starts of the toolkit in the same container have the keys `journal-NUMBER.json.gz`.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub config_map: Option<String>,
    /// SHA-256 hash of the file that the toolkit wrote, in hexadecimal.
    #[serde(deserialize_with = "lenient::field")]
    pub sha256: String,
    /// Length of that file in bytes.
    #[serde(deserialize_with = "lenient::field")]
    pub bytes: i64,
    /// Whether the ConfigMap lacks the outputs of activities, since they did not fit.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The cause if the journal is not in a ConfigMap, or cannot be read.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Reads a run. One that cannot be read at all counts as ended, so that nothing is started again.
pub(super) fn ended_if_unreadable<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Run>, D::Error> {
    let ended = || Run { finished_at: Some(Time(Timestamp::UNIX_EPOCH)), ..Run::default() };
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        run => Some(Run::deserialize(run).unwrap_or_else(|_| ended())),
    })
}

impl Run {
    /// Returns the run as the history keeps it: without the list of its starts and with few of its targets, which would be long
    /// for several runs.
    #[must_use]
    pub fn in_history(self) -> Self {
        Self { runs: Vec::new(), targets: self.targets.map(Targets::in_history), ..self }
    }

    /// Returns whether the toolkit wrote a journal that is not stored yet and may still be stored.
    #[must_use]
    pub fn is_journal_due(&self) -> bool {
        let is_due = |journal: &JournalRef| journal.config_map.is_none() && journal.problem.is_none();
        self.journal.as_ref().is_some_and(is_due)
    }
}
