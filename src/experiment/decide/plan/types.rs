//! What a plan consists of, and the facts that it is made from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::experiment::decide::plan::elsewhere::{Artifact, DEFAULT_FILE, Mounted, Proxy, Remote};
use crate::experiment::decide::plan::grace;
use crate::experiment::decide::plan::targets::Selector;
use crate::process::config::Runner;
use crate::process::key_list::KeyList;
use crate::signals::gate::Gate;
use crate::toolkit::preflight::Findings;
use chaostoolkit_api::spec::CalendarSpec;
use chaostoolkit_api::spec::options::Preflight;
use chaostoolkit_api::{About, Experiment, names};

/// All that is decided for one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The experiment that the run belongs to.
    pub owner: Owner,
    /// The namespace of the run.
    pub namespace: String,
    /// An existing service account. Without one, the run gets its own.
    pub service_account: Option<String>,
    /// How the account gets its rights.
    pub rights: Rights,
    /// The environment of the pod.
    pub env: Env,
    /// The Secret with the toolkit's settings, if it is mounted.
    pub settings: Option<String>,
    /// Where the experiment comes from.
    pub source: Source,
    /// The image, if not that of the template.
    pub image: Option<String>,
    /// The arguments, if not those of the template.
    pub arguments: Option<Vec<String>>,
    /// The path of `chaos`, if not that of the template.
    pub command: Option<String>,
    /// Whether `chaos` runs verbosely.
    pub verbose: bool,
    /// What is merged into the pod after all other options.
    pub patches: Patches,
    /// The author's own pod. It replaces the template and all options of the pod.
    pub pod: Option<Value>,
    /// The schedule, if there is one.
    pub schedule: Option<Schedule>,
    /// When the run may start. It was checked, but for the files that it names.
    pub calendar: Option<CalendarSpec>,
    /// What has to hold before the run starts.
    pub gates: Vec<Gate>,
    /// Selects the namespaces that the run acts on, each time that it starts.
    pub targets: Option<Selector>,
    /// The mutex that the run needs.
    pub mutex: Option<String>,
    /// What happens to the run if something is known to be wrong with its experiment.
    pub preflight: Preflight,
    /// What is known to be wrong. It takes more than the spec to know, so it is filled in once the objects are known.
    pub findings: Findings,
    /// The experiment, as the status describes it.
    pub about: About,
    /// A hash of all fields that decide on the run.
    pub spec_hash: String,
    /// The value of the rerun annotation, if there is one.
    pub rerun: Option<String>,
    /// Options of `chaos run`, as `--option=value`.
    pub options: Vec<String>,
    /// How many seconds the run may take.
    pub active_deadline: Option<i64>,
    /// Whether the run only plays the rollbacks of a run that has ended.
    pub is_rescue: bool,
    /// How the runner is put into the pod, unless the author does not want it.
    pub runner: Option<Runner>,
    /// The files of the container of the toolkit.
    pub files: Vec<Mounted>,
    /// The way of the toolkit through a proxy.
    pub proxy: Option<Proxy>,
}

/// The experiment that the children belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `namespace/name`.
    pub key: String,
    /// Its uid.
    pub uid: String,
    /// Its labels that the pod gets too.
    pub labels: BTreeMap<String, String>,
    /// The number of the run, from 1. It is 1 for all runs of a schedule.
    pub number: i32,
}

/// How many labels of an experiment its objects get, the first ones by their names. Each object gets all of them.
const MOST_LABELS: usize = 64;

impl Owner {
    /// Takes an experiment as the owner. These labels do not count.
    #[must_use]
    pub fn of(experiment: &Experiment, excluded: &KeyList) -> Self {
        let mut labels = experiment.metadata.labels.clone().unwrap_or_default();
        labels.retain(|label, _| !excluded.has(label));
        let labels = labels.into_iter().take(MOST_LABELS).collect();
        Self { key: experiment.key(), uid: experiment.uid().to_owned(), labels, number: 1 }
    }

    /// The end of the names of the children. It differs from run to run, so that a late removal of one run's objects by
    /// name does not hit the objects of another run.
    #[must_use]
    pub fn suffix(&self) -> String {
        names::numbered(&names::suffix(&self.uid), self.number)
    }
}

/// How a service account gets its rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// An existing Role. Without one, the run gets its own.
    pub role: Option<String>,
    /// Whether a `RoleBinding` is created. It is not if the author names an existing one.
    pub bind: bool,
    /// Further namespaces in which the account gets the role.
    pub namespaces: Vec<String>,
    /// The rules that take the place of those of the template.
    pub generated: Option<Generated>,
    /// An existing `ClusterRole`, in place of a Role.
    pub cluster_role: Option<ClusterRole>,
}

/// A `ClusterRole` that the run gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRole {
    /// Its name.
    pub name: String,
    /// Whether it is bound in the whole cluster. Otherwise it is bound in each namespace of the run.
    pub is_wide: bool,
}

/// The rules that an experiment needs, and those that its author writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// The rules by namespace. A namespace without rules gets no Role.
    pub rules: BTreeMap<String, Vec<Value>>,
    /// What cannot be derived from the experiment.
    pub problems: Vec<String>,
    /// Whether the experiment was there to be read.
    pub is_known: bool,
    /// Whether the author wrote some of the rules.
    pub is_written: bool,
}

/// When runs are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The times, as a cron expression.
    pub cron: String,
    /// Time zone of `cron`.
    pub time_zone: Option<String>,
    /// The other fields of the `CronJob` that the author sets, by their names there.
    pub fields: BTreeMap<&'static str, Value>,
    /// Why the schedule starts no more runs, if its last ones stop it.
    pub stopped: Option<String>,
}

/// The environment of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Env {
    /// Whether the pod refers to the `ConfigMap`.
    pub enabled: bool,
    /// The name of the `ConfigMap` in the template. Unless `own`, it is the name in the pod too.
    pub config_map: String,
    /// Whether the run gets an empty `ConfigMap` of its own, since the default one does not exist.
    pub own: bool,
    /// A Secret whose keys become variables too.
    pub secret: Option<String>,
    /// Further variables, in the form that a container has them.
    pub variables: Vec<Value>,
}

/// Where the experiment comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file in a `ConfigMap`.
    File {
        /// Name of the `ConfigMap`.
        config_map: String,
        /// The key in it, which is also the name of the file.
        file: String,
    },
    /// The spec itself. The run gets a `ConfigMap` of its own with the file.
    Inline(Value),
    /// The URL in the variable `EXPERIMENT_URL`.
    Url,
    /// The URL in the spec.
    Remote(Remote),
    /// A file of an OCI artifact.
    Artifact(Artifact),
}

impl Source {
    /// The name of the experiment's file in the home of the toolkit, if it is there.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::File { file, .. } => Some(file),
            Self::Inline(_) => Some(DEFAULT_FILE),
            Self::Url | Self::Remote(_) | Self::Artifact(_) => None,
        }
    }
}

/// What is merged into the pod once the other options were applied, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patches {
    /// The patch that the short forms make.
    pub short: Option<Value>,
    /// Further sources of variables. Kubernetes would replace the list, so they are no patch.
    pub env_from: Vec<Value>,
    /// The author's own patch.
    pub own: Option<Value>,
}

impl Patches {
    /// Returns all patches, in their order.
    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.short.iter().chain(&self.own)
    }

    /// Returns the grace period that they set, or null if they remove it.
    #[must_use]
    pub fn grace(&self) -> Option<&Value> {
        self.own.as_ref().and_then(|patch| patch.get("spec")?.get(grace::FIELD))
    }
}

/// What the cluster tells before a run is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The operator's own namespace, in which nothing runs.
    pub operator_namespace: String,
    /// Whether the default `ConfigMap` of variables exists in the namespace of the run, and the run was not given one of its
    /// own before.
    pub has_default_env: bool,
    /// Whether the variables of the run contain the URL of the experiment.
    pub has_url: bool,
    /// Whether the `ConfigMap` of the experiment exists in the namespace of the run.
    pub experiment_exists: bool,
    /// The text of the experiment, if it could be read.
    pub text: Option<String>,
    /// How the runner gets into pods in this cluster.
    pub runner: Runner,
    /// The schedule that the template of the `CronJob` has, if the spec takes that one.
    pub template_schedule: Option<TemplateSchedule>,
    /// The labels of the experiment that its objects do not get.
    pub excluded_labels: KeyList,
}

/// The schedule of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateSchedule {
    /// The times, as a cron expression.
    pub cron: String,
    /// Time zone of `cron`.
    pub time_zone: Option<String>,
}

impl Facts {
    /// The facts before anything is read from the cluster. What could make a spec valid counts as given.
    #[must_use]
    pub fn before_any(operator_namespace: &str) -> Self {
        Self {
            operator_namespace: operator_namespace.to_owned(),
            template_schedule: Some(TemplateSchedule::default()),
            ..Self::default()
        }
    }
}
