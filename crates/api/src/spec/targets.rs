//! The namespaces that a run acts on.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The namespaces that a run acts on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct TargetsSpec {
    /// Selects namespaces of the cluster each time that a run starts. The run gets its role in each of them until its end. It
    /// finds their names, separated by commas, in the variable CHAOSTOOLKIT_TARGET_NAMESPACES, and one of them, drawn, in
    /// CHAOSTOOLKIT_TARGET_NAMESPACE. Of more than 50 namespaces, 50 are drawn. Only for experiments in the operator's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<NamespaceSelectorSpec>,
}

/// Selects namespaces. A namespace is selected if it has all of these labels and annotations. At least one is needed. Those that
/// begin with `kube-`, that of the operator, and those that are being deleted or frozen are never selected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct NamespaceSelectorSpec {
    /// Labels and their exact values, at most 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Annotations and their exact values, at most 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_annotations: Option<BTreeMap<String, String>>,
}
