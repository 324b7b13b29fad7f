//! Files of the container of the toolkit, and its way through a proxy.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file of the container of the toolkit. It has either `configMap` or `secret`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct FileSpec {
    /// Path of the file. A relative path is below `/home/svc`.
    pub path: String,
    /// The key of a ConfigMap that has the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<KeySpec>,
    /// The key of a Secret that has the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<KeySpec>,
    /// Permissions of the file, such as 0400 in YAML or 256 in JSON. Defaults to 0644.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 511))]
    pub mode: Option<i32>,
}

/// A key of a ConfigMap or of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct KeySpec {
    /// Name of the ConfigMap or of the Secret, in the namespace of the run.
    pub name: String,
    /// The key.
    pub key: String,
}

/// The HTTP proxy of a run, and the certificates that it trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ProxySpec {
    /// URL of the proxy for `http`. It becomes the variable `HTTP_PROXY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// URL of the proxy for `https`. It becomes the variable `HTTPS_PROXY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<String>,
    /// Hosts, domains and addresses that are reached without the proxy, besides those of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_proxy: Option<Vec<String>>,
    /// The key of a ConfigMap with certificates in PEM format. Python and OpenSSL trust these instead of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<KeySpec>,
}
