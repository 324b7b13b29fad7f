//! A run of an experiment.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words;
use chaostoolkit_journal::{RollbackState, SteadyStates};

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

impl Run {
    /// Whether a journal was written that is neither kept nor given up yet.
    #[must_use]
    pub fn is_journal_due(&self) -> bool {
        let is_due = |journal: &JournalRef| journal.config_map.is_none() && journal.problem.is_none();
        self.journal.as_ref().is_some_and(is_due)
    }
}
