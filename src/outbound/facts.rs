//! What is told of a run.

use chaostoolkit_api::{Outcome, Phase, RunResult, Trigger, Warning};
use chaostoolkit_journal::RollbackState;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

/// A run, as its experiment has it on the status. The names are those of the status.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFacts {
    /// The name of the experiment.
    pub experiment: String,
    /// Its namespace.
    pub namespace: String,
    /// Its uid.
    pub uid: String,
    /// What tells the run from all others of the experiment: the uid of its pod, the name of its Job, or its number.
    #[serde(rename = "runId")]
    pub id: String,
    /// The number of the run.
    pub run: i32,
    /// What started it.
    pub trigger: Trigger,
    /// The title of the experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The namespace of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_namespace: Option<String>,
    /// The Job of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// The pod of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,
    /// The uid of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// The node of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// When the run started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// How it ended. Absent while it goes on.
    #[serde(flatten)]
    pub end: Option<EndFacts>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndFacts {
    /// The phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The outcome.
    pub outcome: Outcome,
    /// The outcome, or Inconclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    /// The reason for the phase.
    pub reason: String,
    /// A sentence for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What qualifies the outcome.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// The state of the rollbacks, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollbacks: Option<RollbackState>,
}

/// What happened to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It has started.
    Started,
    /// Its end is recorded.
    Finished,
    /// Rollbacks were not played, or failed, and no pod is going to play them.
    RollbacksMissing,
}

/// A run, and what happened to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What happened.
    pub what: What,
    /// The run.
    pub run: RunFacts,
}
