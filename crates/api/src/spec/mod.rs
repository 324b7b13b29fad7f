//! The spec of an experiment.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

mod calendar;
mod env;
mod files;
mod invalid;
pub mod options;
mod pod;
pub mod read;
mod report;
mod rights;
mod schedule;
mod schema;
mod signals;
mod source;
mod targets;
mod template;

pub use calendar::{CalendarSpec, ExclusionSpec, HolidaysSpec, WindowSpec};
pub use env::EnvSpec;
pub use files::{FileSpec, KeySpec, ProxySpec};
pub use invalid::{InvalidSpec, Mistakes};
pub use pod::{PodSpec, SettingsSpec};
pub use report::{JournalSpec, JournalStore, ReportMode, ReportSpec};
pub use rights::{RoleSpec, RuleSpec, ServiceAccountSpec};
pub use schedule::{ScheduleSpec, StopAfterSpec};
pub use signals::{
    AlertmanagerSignal, ExperimentSignal, GateOnError, GateSpec, HttpSignal, MAX_SIGNALS, OnClosed,
    PrometheusSignal, ResourceSignal, StopConditionSpec, StopOnError,
};
pub use source::{ArtifactSpec, ExperimentSpec, HeaderSpec};
pub use targets::{NamespaceSelectorSpec, TargetsSpec};
pub use template::TemplateSpec;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::status::ExperimentStatus;
use crate::{lenient, words};
use options::{CleanupSpec, DryRun, HypothesisStrategy, Preflight, RollbackStrategy};

/// A Chaos Toolkit experiment to run in a pod. All fields are optional. An empty spec runs `experiment.json` of the
/// ConfigMap `chaostoolkit-experiment` in the namespace `chaostoolkit-run`.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "chaostoolkit.org",
    version = "v1",
    kind = "ChaosToolkitExperiment",
    plural = "chaosexperiments",
    singular = "chaosexperiment",
    shortname = "ctk",
    shortname = "ctks",
    namespaced,
    status = "ExperimentStatus",
    doc = "ChaosToolkitExperiment runs a Chaos Toolkit experiment in a pod and reports how it ended.",
    printcolumn(
        name = "Phase",
        type_ = "string",
        json_path = ".status.phase",
        description = "Phase of the experiment"
    ),
    printcolumn(
        name = "Result",
        type_ = "string",
        json_path = ".status.result",
        description = "Result of the last run: its outcome, or Inconclusive if nobody can rely on that"
    ),
    printcolumn(
        name = "Schedule",
        type_ = "string",
        json_path = ".status.schedule.cron",
        description = "Schedule of the runs, if there is one"
    ),
    printcolumn(
        name = "Runs",
        type_ = "integer",
        json_path = ".status.counters.runs",
        description = "Number of runs of the schedule that have ended"
    ),
    printcolumn(
        name = "Last Run",
        type_ = "date",
        json_path = ".status.run.startedAt",
        description = "Time when the last run started"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Outcome",
        type_ = "string",
        json_path = ".status.outcome",
        priority = 1,
        description = "Outcome of the last run"
    ),
    printcolumn(
        name = "Warnings",
        type_ = "string",
        json_path = ".status.warnings",
        priority = 1,
        description = "Warnings that qualify the outcome"
    ),
    printcolumn(
        name = "Duration",
        type_ = "integer",
        json_path = ".status.run.durationSeconds",
        priority = 1,
        description = "Duration of the last run in seconds"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.reason",
        priority = 1,
        description = "Reason for the phase"
    ),
    printcolumn(
        name = "Run-NS",
        type_ = "string",
        json_path = ".status.runNamespace",
        priority = 1,
        description = "Namespace of the run"
    ),
    printcolumn(
        name = "Pod",
        type_ = "string",
        json_path = ".status.run.podName",
        priority = 1,
        description = "Pod of the last run"
    ),
    printcolumn(
        name = "Next",
        type_ = "string",
        json_path = ".status.schedule.nextScheduleTime",
        priority = 1,
        description = "Time when the next run is due"
    ),
    printcolumn(
        name = "Rollback",
        type_ = "string",
        json_path = ".status.run.rollbacks.state",
        priority = 1,
        description = "State of the rollbacks of the last run"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ChaosToolkitExperimentSpec {
    /// Namespace of the run. It holds the pod, its service account, and the ConfigMaps and Secrets that the pod refers to.
    /// The operator creates the namespace if it does not exist, and never deletes it. Defaults to `chaostoolkit-run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,

    /// Whether to run `chaos --verbose`. A boolean. Defaults to false.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub verbose: Option<bool>,

    /// The templates from which the objects of the run are created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateSpec>,

    /// The service account of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serviceaccount: Option<ServiceAccountSpec>,

    /// The permissions of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleSpec>,

    /// The pod of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodSpec>,

    /// The schedule on which the experiment runs. If it is absent, the experiment runs once, immediately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleSpec>,

    /// When a run may start, with a schedule or without. If it is absent, a run may start at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarSpec>,

    /// What has to hold before a run starts, at most 16 gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub gates: Option<Vec<GateSpec>>,

    /// What has to hold while a run goes on, at most 16 conditions. If one does not hold, the run is stopped, and the toolkit
    /// plays the rollbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub stop_conditions: Option<Vec<StopConditionSpec>>,

    /// The namespaces that a run acts on, found each time that a run starts. If it is absent, the run gets its role where `role`
    /// says, and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<TargetsSpec>,

    /// The experiment itself, with the content that a file would have: `title`, `method` and so on. The operator stores it
    /// in a ConfigMap of its own. If it is set, `pod.experiment` and `pod.template` must be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::mapping")]
    pub experiment: Option<Value>,

    /// How the operator learns the outcome of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportSpec>,

    /// Whether to stop the run. The toolkit receives a signal, plays the rollbacks and ends, and the outcome is recorded. A
    /// run that has not started never starts. With a schedule, active runs are stopped, and no run starts while this is
    /// true. Defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<bool>,

    /// Whether to suspend the experiment. No run starts while this is true. An active run continues. Defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// Name of a mutex. Of all experiments in the namespace of this one that name the same mutex, one runs at a time, and the
    /// others wait. If it is absent, the run waits for no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub mutex: Option<String>,

    /// What happens to a run if something is known to be wrong with its experiment, such as a module that the image lacks, a
    /// variable that nothing gives, or a right that the account lacks. With `Warn` the run starts, and the condition Accepted
    /// has the warning. With `Fail` it does not start. Defaults to `Warn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable::<Preflight>")]
    pub preflight: Option<Preflight>,

    /// Whether to start another pod if the run ends before its rollbacks were played. That pod plays the rollbacks and
    /// nothing else. Not supported with a schedule. Defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescue: Option<bool>,

    /// Maximum duration of a run in seconds. After that, the run is stopped and its rollbacks are played. With a schedule, it
    /// applies to each run. At least 1. If it is absent, the duration is not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub active_deadline_seconds: Option<i64>,

    /// Seconds after which a run that has not started fails, whatever it waits for. 0 means never. Defaults to 3600. Not
    /// supported with a schedule: use `schedule.startingDeadlineSeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub start_deadline_seconds: Option<i64>,

    /// Seconds between the end of the run and the deletion of the experiment with everything that belongs to it. 0 deletes
    /// it as soon as the run has ended. If it is absent, the experiment is not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ttl_seconds_after_finished: Option<i64>,

    /// When the toolkit plays the rollbacks: `default`, `always`, `never` or `deviated`. Overrides the strategy of the
    /// experiment and of the settings. If none of them has a strategy, `always` is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::rollback_strategy")]
    pub rollback_strategy: Option<RollbackStrategy>,

    /// When the toolkit evaluates the steady-state hypothesis: `default`, `before-method-only`, `after-method-only`,
    /// `during-method-only` or `continuously`. Requires Chaos Toolkit 1.7 or later. If it is absent, the toolkit decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::hypothesis_strategy")]
    pub hypothesis_strategy: Option<HypothesisStrategy>,

    /// Makes the run a dry run, which leaves out `probes`, `actions`, `activities` (both) or `pause` (the pauses). Requires
    /// Chaos Toolkit 1.10 or later. If it is absent, nothing is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable::<DryRun>")]
    pub dry_run: Option<DryRun>,

    /// What happens to the created objects when the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<CleanupSpec>,

    /// Whether the pod and all other created objects stay when the experiment is deleted. A boolean. Defaults to false.
    #[serde(
        default,
        rename = "keep_resources_on_delete",
        deserialize_with = "lenient::truth",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "schema::untyped")]
    pub keep_resources_on_delete: Option<bool>,
}

#[cfg(test)]
mod tests;
