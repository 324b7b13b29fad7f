//! How the operator learns the outcome of a run.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
