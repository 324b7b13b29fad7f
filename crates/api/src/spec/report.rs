//! How the operator learns the outcome of a run.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::schema;

/// How the operator learns the outcome of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ReportSpec {
    /// How the operator learns the outcome. With `runner`, a small program of the operator starts the toolkit in its
    /// container and reports the content of the journal. With `none`, the operator adds nothing to the pod, and derives the
    /// outcome from the exit code and the log, which is a guess. Defaults to `runner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable::<ReportMode>")]
    pub mode: Option<ReportMode>,
    /// How journals are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalSpec>,
    /// How many seconds the other containers of the pod may go on after that of the toolkit has ended and its end is
    /// recorded. Then the pod is ended, and its logs stay. From 0 to 3600. Defaults to 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub helper_grace_seconds: Option<i64>,
}

/// How the operator learns the outcome of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportMode {
    /// From the journal, by a program that starts the toolkit.
    #[default]
    Runner,
    /// From the exit code and the log: a guess.
    None,
}

/// How journals are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct JournalSpec {
    /// Where journals are kept. With `configMap`, each run has a ConfigMap beside the experiment with its whole journal,
    /// including the outputs of activities. With `none`, journals are not kept. Defaults to `configMap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable::<JournalStore>")]
    pub store: Option<JournalStore>,
    /// Number of the newest journals to keep, from 1 to 100. Older ones are deleted. Defaults to 10.
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
