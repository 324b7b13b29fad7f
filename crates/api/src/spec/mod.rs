//! What an author writes.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

mod env;
mod invalid;
pub mod options;
mod pod;
mod report;
mod rights;
mod schedule;
mod schema;
mod template;

pub use env::EnvSpec;
pub use invalid::InvalidSpec;
pub use pod::{ExperimentSpec, PodSpec, SettingsSpec};
pub use report::{JournalSpec, JournalStore, ReportMode, ReportSpec};
pub use rights::{RoleSpec, ServiceAccountSpec};
pub use schedule::ScheduleSpec;
pub use template::TemplateSpec;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::status::ExperimentStatus;
use crate::{depth, lenient, words};
use options::{CleanupSpec, DryRun, HypothesisStrategy, RollbackStrategy};

/// A Chaos Toolkit experiment to run in a pod. Everything is optional: an empty spec runs `experiment.json` of the
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
        description = "Where the experiment is in its life"
    ),
    printcolumn(
        name = "Outcome",
        type_ = "string",
        json_path = ".status.outcome",
        description = "What the last run found"
    ),
    printcolumn(
        name = "Schedule",
        type_ = "string",
        json_path = ".status.schedule.cron",
        description = "When runs start, if not once"
    ),
    printcolumn(
        name = "Runs",
        type_ = "integer",
        json_path = ".status.counters.runs",
        description = "How many runs of the schedule have ended"
    ),
    printcolumn(
        name = "Last Run",
        type_ = "date",
        json_path = ".status.run.startedAt",
        description = "When the last run started"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Duration",
        type_ = "integer",
        json_path = ".status.run.durationSeconds",
        priority = 1,
        description = "Seconds that the last run took"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.reason",
        priority = 1,
        description = "Why the phase is what it is"
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
        description = "When the next run is due"
    ),
    printcolumn(
        name = "Rollback",
        type_ = "string",
        json_path = ".status.run.rollbacks.state",
        priority = 1,
        description = "How the rollbacks of the last run went"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ChaosToolkitExperimentSpec {
    /// Namespace of the run: where the pod, its service account and the ConfigMaps and Secrets it refers to are.
    /// Created if it does not exist, never deleted. Defaults to `chaostoolkit-run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,

    /// Boolean. Runs `chaos --verbose`. Defaults to false.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub verbose: Option<bool>,

    /// Which templates the objects of the run are made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateSpec>,

    /// Service account of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serviceaccount: Option<ServiceAccountSpec>,

    /// Rights of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleSpec>,

    /// The pod of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodSpec>,

    /// When to run, again and again. Without it the experiment runs once, at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleSpec>,

    /// The experiment itself, as it would stand in a file: `title`, `method` and so on. It is kept in a ConfigMap of its
    /// own then, and `pod.experiment` has to be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::mapping")]
    pub experiment: Option<Value>,

    /// How the operator gets to know what the run found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportSpec>,

    /// Stops the run: the toolkit is asked to end, plays the rollbacks, and the outcome is recorded. A run that has not
    /// started never does. With a schedule, runs that go on are stopped and no others start for as long as it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<bool>,

    /// Starts no run while it is true. It does not stop one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// Starts one more pod if the run ends before its rollbacks were played, which plays them and nothing else. Defaults
    /// to false. Not for schedules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescue: Option<bool>,

    /// Seconds that a run may take. After that it is stopped, and its rollbacks are played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub active_deadline_seconds: Option<i64>,

    /// Seconds after which a run that has not started is given up, whatever it waits for. 0: never. Defaults to 3600. Not
    /// for schedules: those have `schedule.startingDeadlineSeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub start_deadline_seconds: Option<i64>,

    /// Seconds after the end of its run at which the experiment is deleted, with everything that belongs to it. Without
    /// it, the experiment stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ttl_seconds_after_finished: Option<i64>,

    /// When rollbacks are played: `default`, `always`, `never` or `deviated`. Goes before what the experiment and the
    /// settings say. Without any of them: `always`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::rollback_strategy")]
    pub rollback_strategy: Option<RollbackStrategy>,

    /// When the steady state is evaluated: `default`, `before-method-only`, `after-method-only`, `during-method-only` or
    /// `continuously`. Needs Chaos Toolkit 1.7 or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::hypothesis_strategy")]
    pub hypothesis_strategy: Option<HypothesisStrategy>,

    /// Runs without these: `probes`, `actions`, `activities` or `pause`. Needs Chaos Toolkit 1.10 or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRun>,

    /// What becomes of what was created, once the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<CleanupSpec>,

    /// Boolean. Leaves the pod and everything else that was created when the experiment is deleted. Defaults to false.
    #[serde(
        default,
        rename = "keep_resources_on_delete",
        deserialize_with = "lenient::truth",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "schema::untyped")]
    pub keep_resources_on_delete: Option<bool>,
}

/// A spec that was understood.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The typed spec.
    pub spec: ChaosToolkitExperimentSpec,
    /// Paths of the fields that nobody reads, such as `spec.pod.imagee`.
    pub unknown: Vec<String>,
}

impl ChaosToolkitExperimentSpec {
    /// Reads a spec as it was stored. An absent one is an empty one.
    pub fn parse(raw: Option<&Value>) -> Result<Parsed, InvalidSpec> {
        let empty = json!({});
        let raw = raw.filter(|value| !value.is_null()).unwrap_or(&empty);
        if !raw.is_object() {
            return Err(InvalidSpec::new("spec", "is not a mapping"));
        }
        if let Some(path) = depth::cut_at(raw) {
            let problem = format!("the object is nested deeper than {} levels", depth::DEEPEST);
            return Err(InvalidSpec::new(format!("spec{path}"), problem));
        }
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let spec = {
            let tracked = serde_path_to_error::Deserializer::new(raw, &mut track);
            let mut note = |path: serde_ignored::Path| unknown.push(format!("spec.{path}"));
            Self::deserialize(serde_ignored::Deserializer::new(tracked, &mut note))
        };
        match spec {
            Ok(spec) => {
                Ok(Parsed { spec, unknown: unknown.iter().map(|path| path.replace(".?", "")).collect() })
            }
            Err(problem) => Err(InvalidSpec::new(at(&track.path()), problem.to_string())),
        }
    }
}

/// `spec`, and below it the path of a field.
fn at(path: &serde_path_to_error::Path) -> String {
    match path.to_string().as_str() {
        "." => "spec".to_owned(),
        path => format!("spec.{path}"),
    }
}

#[cfg(test)]
mod tests;
