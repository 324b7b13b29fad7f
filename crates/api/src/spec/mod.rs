//! What an author writes.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

pub mod options;

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
    #[schemars(schema_with = "untyped")]
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
    #[schemars(schema_with = "mapping")]
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
    #[schemars(schema_with = "untyped")]
    pub keep_resources_on_delete: Option<bool>,
}

/// Which templates the objects of the run are made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct TemplateSpec {
    /// Name of the ConfigMap that holds the templates, in the operator's namespace. Defaults to
    /// `chaostoolkit-resources-templates`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Service account of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ServiceAccountSpec {
    /// An existing service account in the namespace of the run. Without it, one is created for the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Rights of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct RoleSpec {
    /// An existing Role in the namespace of the run to bind. Without it, one is created from the templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An existing RoleBinding that already gives the service account its rights: none is created then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// Namespaces, 8 at the most, in which the service account gets the role too. They have to exist.
    #[serde(
        default,
        rename = "binds_to_namespaces",
        deserialize_with = "lenient::arguments",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "untyped")]
    pub binds_to_namespaces: Option<Vec<String>>,
}

/// When to run, again and again: a CronJob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ScheduleSpec {
    /// `cronJob`, the only kind there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// When, in the form of cron: minute, hour, day of month, month, day of week. For example `*/5 * * * *`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Time zone of the times, by its name, such as `Europe/Paris`. Defaults to that of the controller manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What happens when a run is due while the one before goes on: `Forbid` (the default), `Allow` or `Replace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_policy: Option<String>,
    /// Seconds that a run may start late before it is left out. Defaults to 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_deadline_seconds: Option<i64>,
    /// Starts no more runs while true. Defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// How many pods of completed runs are kept. Defaults to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successful_runs_history_limit: Option<i32>,
    /// How many pods of failed runs are kept. Defaults to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_runs_history_limit: Option<i32>,
}

/// The pod of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct PodSpec {
    /// Image with the Chaos Toolkit: its name, or the older form `{name: …}`. Defaults to the template's,
    /// `chaostoolkit/chaostoolkit`.
    #[serde(default, deserialize_with = "lenient::image", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "untyped")]
    pub image: Option<String>,

    /// The whole pod, as YAML text or as a mapping, in place of the template. With it, the options below are not used,
    /// except for the name of the service account. It has a container called `chaostoolkit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "untyped")]
    pub template: Option<Value>,

    /// Environment variables of the run: where they come from, or a list of name and value.
    #[serde(default, deserialize_with = "lenient::env", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "env_or_list")]
    pub env: Option<EnvSpec>,

    /// Older place of `env.configMapName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_name: Option<String>,

    /// Settings of the Chaos Toolkit, from a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsSpec>,

    /// Where the experiment is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentSpec>,

    /// Arguments of `chaos`, all of them, in place of `run $(EXPERIMENT_PATH)`. Null and empty ones are dropped. Use
    /// `$(NAME)` for environment variables.
    #[serde(default, deserialize_with = "lenient::arguments", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "untyped")]
    pub chaos_args: Option<Vec<String>>,

    /// Path of `chaos` in the image. Defaults to `chaos`, found on the image's PATH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chaos_command_path: Option<String>,
}

/// Environment variables of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct EnvSpec {
    /// Boolean. Whether the variables of the ConfigMap are set. Defaults to true.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "untyped")]
    pub enabled: Option<bool>,
    /// ConfigMap in the namespace of the run whose keys become variables. Defaults to `chaostoolkit-env`; an empty one
    /// is created for the experiment if that does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_name: Option<String>,
    /// Secret in the namespace of the run whose keys become variables too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// Variables that were given as a list.
    #[serde(skip)]
    pub variables: Vec<Value>,
}

/// Settings of the Chaos Toolkit, mounted at `/home/svc/.chaostoolkit/`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct SettingsSpec {
    /// Boolean. Whether the Secret is mounted. Defaults to false.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "untyped")]
    pub enabled: Option<bool>,
    /// Secret in the namespace of the run with a key `settings.yaml`. Defaults to `chaostoolkit-settings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
}

/// Where the experiment is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ExperimentSpec {
    /// Boolean. Whether the experiment is a file from a ConfigMap. When false it is fetched from the URL in the
    /// environment variable `EXPERIMENT_URL`. Defaults to true.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "untyped")]
    pub as_file: Option<bool>,
    /// ConfigMap in the namespace of the run that holds the experiment. Defaults to `chaostoolkit-experiment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_name: Option<String>,
    /// Key of the ConfigMap, and name of the file in `/home/svc`. Its ending says how it is read: `.json`, `.yaml` or
    /// `.yml`. Defaults to `experiment.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_experiment_file_name: Option<String>,
}

/// How the operator gets to know what the run found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ReportSpec {
    /// `runner` (the default): a small program of the operator's starts the toolkit in its container and reports what
    /// the journal says. `none`: the pod is left as the template has it, and the outcome is a guess from the exit code
    /// and the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ReportMode>,
    /// What becomes of the journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalSpec>,
}

/// How the outcome of a run is found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportMode {
    /// From the journal, by a program that starts the toolkit.
    #[default]
    Runner,
    /// From the exit code and the log: a guess.
    None,
}

/// What becomes of the journals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct JournalSpec {
    /// `configMap` (the default): the journal of each run is kept in a ConfigMap beside the experiment, whole, with the
    /// outputs of its activities. `none`: it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<JournalStore>,
    /// How many journals are kept, the newest. Defaults to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub history_limit: Option<i32>,
}

/// Where a journal is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum JournalStore {
    /// In a ConfigMap beside the experiment.
    #[default]
    ConfigMap,
    /// Nowhere.
    None,
}

/// A mapping of whatever keys.
fn mapping(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// A value of any type: fields that 0.14.0 took in several forms.
fn untyped(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "x-kubernetes-preserve-unknown-fields": true, "nullable": true })
}

/// The fields of the mapping, for `kubectl explain`, without saying that it is one.
fn env_or_list(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = EnvSpec::json_schema(generator);
    schema.remove("type");
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// A spec that was understood.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The typed spec.
    pub spec: ChaosToolkitExperimentSpec,
    /// Paths of the fields that nobody reads, such as `spec.pod.imagee`.
    pub unknown: Vec<String>,
}

/// A spec that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct InvalidSpec {
    /// Path of the field, such as `spec.pod.env.configMapName`.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
    /// Whether it was understood, and is not allowed.
    pub is_forbidden: bool,
}

impl InvalidSpec {
    /// The field at this path is wrong.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into(), is_forbidden: false }
    }

    /// The field at this path asks for what no author gets.
    pub fn forbidden(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { is_forbidden: true, ..Self::new(path, problem) }
    }
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
