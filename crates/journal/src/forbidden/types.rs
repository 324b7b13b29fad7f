//! A right that an account lacked.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::cut;

/// A right that an account lacked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forbidden {
    /// The account, such as `system:serviceaccount:NAMESPACE:NAME`. At most 253 bytes.
    pub user: String,
    /// The verb, such as `list`.
    pub verb: String,
    /// The API group. The core group is the empty text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource, with its subresource: `pods` or `pods/log`.
    pub resource: String,
    /// The name of the object, if the request was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the request was.
    #[serde(default, rename = "in")]
    pub place: Scope,
}

/// Where a request was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// In this namespace.
    #[serde(rename = "namespace")]
    Namespace(String),
    /// In the whole cluster.
    #[serde(rename = "cluster")]
    Cluster,
    /// The text ends before it says so.
    #[default]
    #[serde(rename = "unknown")]
    Unknown,
}

impl fmt::Display for Forbidden {
    /// Writes what the account may not do: `patch deployments.apps "web" in namespace shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource, name, place, .. } = self;
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if let Some(name) = name {
            write!(f, " \"{}\"", cut(name, 63))?;
        }
        match place {
            Scope::Namespace(namespace) => write!(f, " in namespace {namespace}"),
            Scope::Cluster => f.write_str(" in the whole cluster"),
            Scope::Unknown => Ok(()),
        }
    }
}
