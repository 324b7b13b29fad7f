//! What a plan consists of, and the facts that it is made from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::process::config::Runner;
use chaostoolkit_api::{About, Experiment, names};

/// What is decided for one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose run it is.
    pub owner: Owner,
    /// Where it runs.
    pub namespace: String,
    /// Its service account: this existing one, or else one of its own.
    pub service_account: Option<String>,
    /// What gives the account its rights.
    pub rights: Rights,
    /// The environment of the pod.
    pub env: Env,
    /// The Secret with the toolkit's settings, if it is mounted.
    pub settings: Option<String>,
    /// Where the experiment comes from.
    pub source: Source,
    /// Image in place of the template's.
    pub image: Option<String>,
    /// Arguments in place of the template's.
    pub arguments: Option<Vec<String>>,
    /// Path of `chaos` in place of the template's.
    pub command: Option<String>,
    /// Whether `chaos` runs verbosely.
    pub verbose: bool,
    /// The author's own pod, in place of the template and all options of the pod.
    pub pod: Option<Value>,
    /// When to run, if not once.
    pub schedule: Option<Schedule>,
    /// What is run, for the record.
    pub about: About,
    /// A hash of all that decides on the run.
    pub spec_hash: String,
    /// The rerun that is asked for, if one is.
    pub rerun: Option<String>,
    /// Options of `chaos run`, as `--option=value`.
    pub options: Vec<String>,
    /// Seconds that the run may take.
    pub active_deadline: Option<i64>,
    /// Whether it is about nothing but the rollbacks of a run that has ended.
    pub is_rescue: bool,
    /// What is put into the pod to learn what the run found; not where the author wants the pod left alone.
    pub runner: Option<Runner>,
}

/// The experiment that children belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `namespace/name`.
    pub key: String,
    /// Its uid.
    pub uid: String,
    /// Its labels, which its pod gets too.
    pub labels: BTreeMap<String, String>,
    /// Number of the run that they are for, from 1; 1 for all runs of a schedule.
    pub number: i32,
}

impl Owner {
    /// The owner that this experiment is.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        Self {
            key: experiment.key(),
            uid: experiment.uid().to_owned(),
            labels: experiment.metadata.labels.clone().unwrap_or_default(),
            number: 1,
        }
    }

    /// What the names of its children end in. Those of one run are not those of another: whoever is late with the
    /// removal of the ones, and who asks by name, must not meet the others.
    #[must_use]
    pub fn suffix(&self) -> String {
        names::numbered(&names::suffix(&self.uid), self.number)
    }
}

/// What gives a service account its rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// This existing Role, or else one of the run's own.
    pub role: Option<String>,
    /// Whether a `RoleBinding` is made; not where the author names one that is there already.
    pub bind: bool,
    /// Further namespaces in which the account gets the role.
    pub namespaces: Vec<String>,
}

/// When a run is due, again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// In the form of cron.
    pub cron: String,
    /// Time zone of `cron`.
    pub time_zone: Option<String>,
    /// What the author says of the other fields of a `CronJob`, by their names there.
    pub fields: BTreeMap<&'static str, Value>,
}

/// The environment of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Env {
    /// Whether the pod refers to the `ConfigMap`.
    pub enabled: bool,
    /// Name of the `ConfigMap` in the template and, unless `own`, in the pod.
    pub config_map: String,
    /// Whether the run gets an empty one of its own, since the default does not exist.
    pub own: bool,
    /// A Secret whose keys become variables too.
    pub secret: Option<String>,
    /// Further variables, as they stand in a container.
    pub variables: Vec<Value>,
}

/// Where the experiment comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file in a `ConfigMap`.
    File {
        /// Name of the `ConfigMap`.
        config_map: String,
        /// Key in it, and name of the file.
        file: String,
    },
    /// In the spec itself: a file in a `ConfigMap` of the run's own.
    Inline(Value),
    /// The URL in the variable `EXPERIMENT_URL`.
    Url,
}

/// What only the cluster can tell before a run is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The operator's own namespace, where nothing is run.
    pub operator_namespace: String,
    /// Whether the default `ConfigMap` of variables exists in the namespace of the run.
    pub default_env_exists: bool,
    /// Whether the variables of the run have the URL of the experiment.
    pub has_url: bool,
    /// Whether the `ConfigMap` of the experiment exists there.
    pub experiment_exists: bool,
    /// The text of the experiment, where it could be read.
    pub text: Option<String>,
    /// How the runner gets into pods here.
    pub runner: Runner,
}
