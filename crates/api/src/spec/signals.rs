//! What has to hold before a run starts, and while it goes on.
//!
//! A gate and a stop condition hold the same kind of signal. `expect` says in both what has to hold for chaos to be
//! acceptable, so the block of a signal can be copied from one to the other.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::schema;
use crate::status::RunResult;
use crate::{lenient, words};

/// The maximum number of gates, and of stop conditions.
pub const MAX_SIGNALS: usize = 16;

/// Something that has to hold before a run starts. It has exactly one of `prometheus`, `alertmanager`, `http`, `resource`
/// and `experiment`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GateSpec {
    /// Name of the gate, which messages use. It differs from those of the other gates.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The answer to a query of Prometheus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusSignal>,
    /// The alerts of Alertmanager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alertmanager: Option<AlertmanagerSignal>,
    /// The response of an HTTP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSignal>,
    /// A condition of an object in the namespace of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceSignal>,
    /// The end of another experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentSignal>,
    /// What happens while the gate is closed. With `Wait`, the run starts once the gate is open. With `Skip`, it does not take
    /// place. With `Fail`, it ends as failed. Defaults to `Wait`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable::<OnClosed>")]
    pub on_closed: Option<OnClosed>,
    /// Whether the gate is `Closed` or `Open` if the signal cannot be read. Defaults to `Closed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable::<GateOnError>")]
    pub on_error: Option<GateOnError>,
    /// Seconds after which a run that waits for this gate fails. 0 means never. Defaults to 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub timeout_seconds: Option<i64>,
}

/// Something that has to hold while a run goes on. If it does not, the run is stopped, and the toolkit plays the rollbacks. It
/// has exactly one of `prometheus`, `alertmanager`, `http` and `resource`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct StopConditionSpec {
    /// Name of the stop condition, which messages use. It differs from those of the other stop conditions.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The answer to a query of Prometheus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusSignal>,
    /// The alerts of Alertmanager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alertmanager: Option<AlertmanagerSignal>,
    /// The response of an HTTP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSignal>,
    /// A condition of an object in the namespace of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceSignal>,
    /// Seconds between two readings of the signal, from 5 to 3600. Defaults to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 3600))]
    pub interval_seconds: Option<i64>,
    /// How many times in a row the signal has to be read and not hold before the run is stopped, from 1 to 100. Defaults to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub failure_threshold: Option<i64>,
    /// What a signal means that cannot be read. With `Ignore`, it counts as not read. With `Stop`, it counts as one that does
    /// not hold. Defaults to `Ignore`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable::<StopOnError>")]
    pub on_error: Option<StopOnError>,
}

/// The answer to a query of Prometheus, or of a server with the same API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct PrometheusSignal {
    /// Name of the source, as the administrator of the operator has chosen it.
    pub source: String,
    /// The query, in PromQL. It has to return one series or a scalar, unless `expect` is `empty` or `not empty`.
    #[schemars(length(min = 1, max = 4096))]
    pub query: String,
    /// What has to hold of the value: a comparison such as `>= 0.99`, `> 0`, `== 0`, `!= 1`, `< 0.05` or `<= 3`, or `empty` or
    /// `not empty`. Write it in quotes.
    #[schemars(length(min = 1, max = 256))]
    pub expect: String,
}

/// The alerts of Alertmanager. The signal holds while no alert is active that matches all matchers. An alert that is silenced or
/// inhibited is not active.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AlertmanagerSignal {
    /// Name of the source, as the administrator of the operator has chosen it.
    pub source: String,
    /// Matchers of labels, at least one and at most 16, such as `severity="critical"`, `team=~"a|b"`, `env!="test"` or
    /// `job!~"dev-.*"`.
    #[schemars(length(min = 1, max = 16))]
    pub matchers: Vec<String>,
}

/// The response of an HTTP server to a GET request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct HttpSignal {
    /// Name of the source, as the administrator of the operator has chosen it.
    pub source: String,
    /// Path below the URL of the source, such as `/health` or `/status?service=pay`.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
    /// What has to hold of the response: a status such as `200` or `2xx`, or a comparison of a field of its JSON such as
    /// `/status == "ok"`, `/ready == true` or `/errors < 3`. The field is a JSON pointer.
    #[serde(deserialize_with = "lenient::text_or_number")]
    #[schemars(schema_with = "schema::text_or_number")]
    pub expect: String,
}

/// A condition of an object. The administrator of the operator decides on the kinds that can be read, and the author of the run
/// needs the right to get the object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ResourceSignal {
    /// API version of the object, such as `apps/v1`.
    pub api_version: String,
    /// Kind of the object, such as `Deployment`.
    pub kind: String,
    /// Namespace of the object. It can only be the namespace of the run, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of the object.
    pub name: String,
    /// The condition that has to be true, such as `Available`, or a condition and its status, such as `Progressing=False`.
    pub condition: String,
}

/// The end of another experiment in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ExperimentSignal {
    /// Name of the experiment.
    pub name: String,
    /// The results of its last run that are accepted, as in `status.result`. Defaults to `Passed` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::results")]
    pub outcome: Option<Vec<RunResult>>,
}

/// What happens while a gate is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnClosed {
    /// The run waits.
    #[default]
    Wait,
    /// The run does not take place.
    Skip,
    /// The run ends as failed.
    Fail,
}

/// What a gate is whose signal cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GateOnError {
    /// It is closed.
    #[default]
    Closed,
    /// It is open.
    Open,
}

/// What a stop condition does whose signal cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StopOnError {
    /// Nothing.
    #[default]
    Ignore,
    /// It counts as a signal that does not hold.
    Stop,
}
