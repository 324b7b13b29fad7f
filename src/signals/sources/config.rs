//! The administrator's list of sources: pure.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use kube::core::ApiResource;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::signals::signal::SourceType;
use crate::signals::sources::base::Base;
use crate::yaml;
use chaostoolkit_api::names;

/// The maximum number of sources. Each one has metrics and requests of its own.
const MAX_SOURCES: usize = 64;

/// The maximum number of kinds of objects.
const MAX_RESOURCES: usize = 64;

/// The time limit of a request in seconds: by default, and the longest one. A pass waits for it.
const TIMEOUT: (u64, u64) = (5, 30);

/// The list of sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcesConfig {
    /// The sources, in the order of the file.
    pub sources: Vec<SourceConfig>,
    /// The kinds of objects whose conditions may be read.
    pub resources: Vec<Granted>,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceConfig {
    /// The name by which experiments refer to it.
    pub name: String,
    /// The type.
    pub kind: SourceType,
    /// Where it is.
    pub base: Base,
    /// The file with the certificates that it is checked with. Without one, those of the system count.
    pub ca_file: Option<PathBuf>,
    /// The file with the token that it gets.
    pub token_file: Option<PathBuf>,
    /// The namespaces whose experiments may use it.
    pub namespaces: Namespaces,
    /// The time limit of a request.
    pub limit: Duration,
}

/// Namespaces of experiments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// All of them.
    All,
    /// These.
    Named(BTreeSet<String>),
}

impl Namespaces {
    /// Whether a namespace is one of them.
    #[must_use]
    pub fn have(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(namespace),
        }
    }
}

/// A kind of object whose conditions may be read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Granted {
    /// The API group. It is empty for the core group.
    pub api_group: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The resource, such as `deployments`.
    pub resource: String,
}

impl Granted {
    /// Returns the resource of the API server in a version.
    #[must_use]
    pub fn at_version(&self, version: &str) -> ApiResource {
        let Self { api_group, kind, resource } = self;
        let api_version =
            if api_group.is_empty() { version.to_owned() } else { format!("{api_group}/{version}") };
        ApiResource {
            group: api_group.clone(),
            version: version.to_owned(),
            api_version,
            kind: kind.clone(),
            plural: resource.clone(),
        }
    }
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    sources: Vec<Value>,
    resources: Vec<Value>,
}

/// An entry for a source as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(rename = "type")]
    kind: SourceType,
    url: String,
    ca_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
    namespaces: Vec<String>,
    timeout_seconds: Option<u64>,
}

impl SourcesConfig {
    /// Reads the file. An error names the entry and the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value = yaml::parse(text).map_err(|error| error.to_string())?;
        let file: File = if value.is_null() { File::default() } else { typed("", value)? };
        for (field, length, most) in
            [("sources", file.sources.len(), MAX_SOURCES), ("resources", file.resources.len(), MAX_RESOURCES)]
        {
            if length > most {
                return Err(format!("{field}: has {length} entries; at most {most} are possible"));
            }
        }
        let mut config = Self::default();
        for (index, entry) in file.sources.into_iter().enumerate() {
            let name = entry["name"].as_str().map(|name| format!(" ({})", name.escape_debug()));
            let at = format!("sources[{index}]{}", name.unwrap_or_default());
            let source = source(typed(&at, entry)?).map_err(|problem| format!("{at}: {problem}"))?;
            if config.sources.iter().any(|other| other.name == source.name) {
                return Err(format!("{at}: name: another source has it, too"));
            }
            config.sources.push(source);
        }
        for (index, entry) in file.resources.into_iter().enumerate() {
            let at = format!("resources[{index}]");
            let granted: Granted = typed(&at, entry)?;
            check(&granted).map_err(|problem| format!("{at}: {problem}"))?;
            config.resources.push(granted);
        }
        Ok(config)
    }
}

/// Reads a value as a type. An error names the field.
fn typed<T: DeserializeOwned>(at: &str, value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let parts = [at, &path, &error.inner().to_string()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    })
}

fn source(entry: Entry) -> Result<SourceConfig, String> {
    let Entry { name, kind, url, ca_file, token_file, namespaces, timeout_seconds } = entry;
    names::check_dns_label(&name).map_err(|problem| format!("name: {problem}"))?;
    let base: Base = url.parse().map_err(|problem| format!("url: {problem}"))?;
    if ca_file.is_some() && !base.is_encrypted() {
        return Err("caFile: a url that begins with http:// needs no certificates".to_owned());
    }
    for (field, file) in [("caFile", &ca_file), ("tokenFile", &token_file)] {
        if file.as_ref().is_some_and(|file| !file.is_absolute()) {
            return Err(format!("{field}: is not an absolute path"));
        }
    }
    let limit = timeout_seconds.unwrap_or(TIMEOUT.0);
    if !(1..=TIMEOUT.1).contains(&limit) {
        return Err(format!("timeoutSeconds: is {limit}; it must be from 1 to {}", TIMEOUT.1));
    }
    let namespaces = self::namespaces(namespaces).map_err(|problem| format!("namespaces: {problem}"))?;
    Ok(SourceConfig { name, kind, base, ca_file, token_file, namespaces, limit: Duration::from_secs(limit) })
}

fn namespaces(names: Vec<String>) -> Result<Namespaces, String> {
    if names == ["*"] {
        return Ok(Namespaces::All);
    }
    if names.iter().any(|name| name == "*") {
        return Err("\"*\" must be the only entry".to_owned());
    }
    names.iter().try_for_each(|name| names::check_dns_label(name))?;
    Ok(Namespaces::Named(names.into_iter().collect()))
}

fn check(granted: &Granted) -> Result<(), String> {
    let Granted { api_group, kind, resource } = granted;
    if !api_group.is_empty() {
        names::check_dns_subdomain(api_group).map_err(|problem| format!("apiGroup: {problem}"))?;
    }
    if kind.is_empty() || !kind.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        return Err(format!("kind: {kind:?} must consist of letters and digits, as in Deployment"));
    }
    names::check_dns_label(resource).map_err(|problem| format!("resource: {problem}, as in deployments"))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
