//! What a run takes from elsewhere: files, its way through a proxy, and the experiment.

use chaostoolkit_api::spec::{HeaderSpec, KeySpec};

/// The home of the toolkit in its images.
pub const HOME: &str = "/home/svc";

/// The name of the experiment's file if the spec names none.
pub const DEFAULT_FILE: &str = "experiment.json";

/// The variable that has the URL of an experiment.
pub const URL_VARIABLE: &str = "EXPERIMENT_URL";

/// The variable that has the path of an experiment.
pub const PATH_VARIABLE: &str = "EXPERIMENT_PATH";

/// A file of the container of the toolkit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The whole path.
    pub path: String,
    /// The key that has the content.
    pub origin: Origin,
    /// The permissions, if not 0644.
    pub mode: Option<i32>,
}

/// The key from which a file comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A key of a `ConfigMap`.
    ConfigMap(KeySpec),
    /// A key of a Secret.
    Secret(KeySpec),
}

impl Default for Origin {
    fn default() -> Self {
        Self::ConfigMap(KeySpec::default())
    }
}

/// The way of the toolkit through an HTTP proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    /// The URL of the proxy for `http`.
    pub http: Option<String>,
    /// The URL of the proxy for `https`.
    pub https: Option<String>,
    /// What goes without the proxy, besides the cluster.
    pub no_proxy: Vec<String>,
    /// The key of a `ConfigMap` with the certificates that the toolkit trusts.
    pub ca_bundle: Option<KeySpec>,
}

/// An experiment at a URL that the spec names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// The URL, or a path in the pod.
    pub url: String,
    /// The headers of the request.
    pub headers: Vec<HeaderSpec>,
    /// The SHA-256 of the experiment, as 64 lower case digits.
    pub sha256: Option<String>,
}

impl Remote {
    /// Whether the runner fetches the experiment. The toolkit itself knows neither headers nor a hash.
    #[must_use]
    pub const fn needs_runner(&self) -> bool {
        !self.headers.is_empty() || self.sha256.is_some()
    }
}

/// An experiment in an OCI artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The reference of the artifact.
    pub reference: String,
    /// The path of the experiment in it, without a slash in front.
    pub path: String,
    /// When it is pulled.
    pub pull_policy: Option<String>,
}

impl Artifact {
    /// Whether the reference has a digest, so that it is the same artifact each time.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.reference.contains("@sha256:") || self.reference.contains("@sha512:")
    }
}
