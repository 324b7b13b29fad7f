//! The settings of the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::process::extensions::Extensions;
use crate::process::key_list::Keys;
use crate::process::resources::SidecarResources;
use chaostoolkit_api::names;

/// The settings of the operator, from the command line and from discovery.
#[derive(Clone, Debug)]
pub struct Config {
    /// The operator's namespace. Templates are read there, and experiments are always watched there.
    pub namespace: String,
    /// The maximum number of experiments that are reconciled at the same time.
    pub concurrency: u16,
    /// The time limit of a call to the API server.
    pub call_limit: Duration,
    /// The time for which the deletion of an experiment may be blocked. After that, its finalizer is removed although objects
    /// are left.
    pub cleanup_limit: Duration,
    /// The runner that is added to pods and reports the outcomes of runs.
    pub runner: Runner,
    /// The lists of labels and annotations that have a meaning.
    pub keys: Keys,
    /// Further namespaces in which experiments are watched.
    pub watched: Watched,
    /// Whether runs start without a check of what their authors may do.
    pub unchecked_authors: bool,
    /// What happens to an experiment with fields that the operator does not know.
    pub unknown_fields: UnknownFields,
    /// The annotation that a namespace needs before a run has rights in it, if one is required.
    pub opt_in: Option<OptIn>,
    /// The extensions that images are known to have.
    pub extensions: Extensions,
}

/// An annotation by which a namespace opts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptIn {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl OptIn {
    /// Whether a namespace with these annotations has opted in.
    #[must_use]
    pub fn is_met(&self, annotations: Option<&BTreeMap<String, String>>) -> bool {
        annotations.and_then(|found| found.get(&self.key)) == Some(&self.value)
    }
}

impl FromStr for OptIn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err("must be KEY=VALUE".to_owned());
        };
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for OptIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// What happens to an experiment with fields that the operator does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum UnknownFields {
    /// It runs, and a warning names the fields.
    #[default]
    Warn,
    /// No run starts.
    Refuse,
}

impl Config {
    /// Returns whether the experiments in a namespace are watched.
    #[must_use]
    pub fn watches(&self, namespace: &str) -> bool {
        namespace == self.namespace
            || match &self.watched {
                Watched::None => false,
                Watched::Named(names) => names.contains(namespace),
                Watched::All => true,
            }
    }

    /// Returns whether an object in a namespace may be a child of an experiment in another one. The children of an experiment
    /// outside the operator's namespace are beside it.
    #[must_use]
    pub fn may_own(&self, experiment: &str, child: &str) -> bool {
        self.watches(experiment) && (experiment == self.namespace || experiment == child)
    }
}

/// Further namespaces in which experiments are watched, besides the operator's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Watched {
    /// None.
    #[default]
    None,
    /// These, without the operator's own.
    Named(BTreeSet<String>),
    /// All of them.
    All,
}

impl FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        match names[..] {
            [] => Ok(Self::None),
            ["all"] => Ok(Self::All),
            _ if names.contains(&"all") => Err("must be all alone, or names of namespaces".to_owned()),
            _ => {
                names.iter().try_for_each(|name| names::check_dns_label(name))?;
                Ok(Self::Named(names.into_iter().map(str::to_owned).collect()))
            }
        }
    }
}

/// How many bytes of journals are kept, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// Of one experiment.
    pub per_experiment: u64,
    /// Of all experiments.
    pub all: u64,
}

impl JournalLimits {
    /// The default limit for one experiment.
    pub const PER_EXPERIMENT: &str = "16Mi";
    /// The default limit for all experiments. By default, etcd stores 2 GiB.
    pub const ALL: &str = "512Mi";
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { per_experiment: 16 << 20, all: 512 << 20 }
    }
}

/// The default image of the [`Runner`]: the image of this release.
pub const RELEASED_IMAGE: &str = concat!("chaostoolkit/chaostoolkit-operator:", env!("CARGO_PKG_VERSION"));

/// How the runner is added to a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// The image that contains the runner.
    pub image: String,
    /// The pull policy of the image. `None` selects the default of Kubernetes.
    pub pull_policy: Option<String>,
    /// The Secrets in the namespace of the run that are used to pull the image.
    pub pull_secrets: Vec<String>,
    /// Whether a native sidecar provides the runner, which can print the journal too, or an init container, which cannot.
    pub sidecar: bool,
    /// Whether the sidecar prints the journal.
    pub journal: bool,
    /// The resources of the container that provides the runner.
    pub resources: SidecarResources,
}

impl Default for Runner {
    fn default() -> Self {
        Self {
            image: RELEASED_IMAGE.to_owned(),
            pull_policy: None,
            pull_secrets: Vec::new(),
            sidecar: true,
            journal: true,
            resources: SidecarResources::default(),
        }
    }
}
