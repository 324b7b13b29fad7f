//! The schedule of an experiment.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lenient;
use crate::status::run::{Stop, Trigger};
use crate::status::targets::Targets;

/// The state of a schedule, as its CronJob has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleStatus {
    /// The schedule in cron format.
    #[serde(deserialize_with = "lenient::field")]
    pub cron: String,
    /// Time zone of the schedule, if it is set.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Time when the schedule last started a run.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub last_schedule_time: Option<Time>,
    /// Time when the next run is due. Absent while the schedule is suspended.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub next_schedule_time: Option<Time>,
    /// Names of the pods of the active runs.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<String>,
    /// Name of the newest Job whose run cannot start, if there is one.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub stalled_job: Option<String>,
    /// Time up to which missed runs were counted before a later run showed them.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub missed_until: Option<Time>,
    /// Uids of the CronJobs of this schedule, the newest first. Only Jobs that one of them controls are runs. At most 10.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub cron_job_uids: Vec<String>,
    /// Uids of the Jobs whose runs have not been recorded yet. Their pods count even after the Jobs are gone.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub job_uids: Vec<String>,
    /// Pods that have ended and that still wait for their logs, or for their helpers. At most 100, the newest.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<EndedPod>,
    /// The Jobs that the operator deletes before their runs have started. A Job stays here until its run is in the history.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<GivenUp>,
    /// The Jobs that the operator has let go in the name of a known user, or with namespaces that were found for their runs. A Job stays here until its run is in the history.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<ReleasedJob>,
    /// The pods that the operator has stopped. A pod stays here until its run is in the history. At most 100.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<StoppedPod>,
    /// The mutex that the run holds that was let go last, until its run is in the history.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub mutex: Option<HeldMutex>,
}

/// A mutex that a run of a schedule holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldMutex {
    /// Name of the mutex.
    #[serde(deserialize_with = "lenient::field")]
    pub name: String,
    /// Uid of the Job of the run.
    #[serde(deserialize_with = "lenient::field")]
    pub job_uid: String,
}

/// A pod that the operator has stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoppedPod {
    /// Uid of the pod.
    #[serde(deserialize_with = "lenient::field")]
    pub pod_uid: String,
    /// Why it was stopped.
    #[serde(flatten)]
    pub stop: Stop,
}

/// A Job that the operator has let go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleasedJob {
    /// Uid of the Job.
    #[serde(deserialize_with = "lenient::field")]
    pub job_uid: String,
    /// Name of the user who asked for the run, if it is known. At most 253 bytes.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// The namespaces that were found for the run, if `spec.targets` asks for some.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
}

/// A Job that the operator deletes before its run has started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenUp {
    /// Name of the Job.
    #[serde(deserialize_with = "lenient::field")]
    pub job_name: String,
    /// The reason for the deletion: StartTimeout, Replaced, AbortRequested, Skipped, or the reason of a refusal such as
    /// AuthorForbidden.
    #[serde(deserialize_with = "lenient::field")]
    pub reason: String,
    /// A sentence for people that explains why the run is skipped. At most 256 bytes.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What started the run.
    #[serde(default, deserialize_with = "lenient::field")]
    pub trigger: Trigger,
    /// Time when the Job was created.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Time>,
}

/// A pod that has ended and still waits for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndedPod {
    /// Uid of the pod.
    pub pod_uid: String,
    /// Time when the operator saw the end, by its own clock.
    pub seen_at: Time,
}
