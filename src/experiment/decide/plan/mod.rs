//! Second step of a pass, pure: from what was observed to what shall be. After this, nobody reads the raw spec again.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::experiment::intent::Control;
pub use crate::process::config::Runner;
use crate::toolkit::options::options;
pub use crate::toolkit::options::spec_hash;
use crate::yaml;
use chaostoolkit_api::spec::{
    InvalidSpec, JournalStore, Parsed, PodSpec, ReportMode, ReportSpec, ScheduleSpec,
};
use chaostoolkit_api::{About, Experiment, Spec, names};

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

/// The `ConfigMap` of the experiment, where the spec names none.
pub const DEFAULT_EXPERIMENT: &str = "chaostoolkit-experiment";

/// More would not fit into what an admission policy may compute.
const MOST_BOUND_NAMESPACES: usize = 8;

/// Name of the experiment's file, where the spec names none.
pub const DEFAULT_FILE: &str = "experiment.json";

/// The `ConfigMap` of variables, where the spec names none.
pub const DEFAULT_ENV: &str = "chaostoolkit-env";

/// The namespace that a spec wants its run in, checked like the other names that the facts are looked up by.
pub fn run_namespace(spec: &Spec, operator_namespace: &str) -> Result<String, InvalidSpec> {
    let namespace = spec.namespace.as_deref().unwrap_or(names::DEFAULT_RUN_NAMESPACE);
    check_namespace("spec.namespace".to_owned(), namespace, operator_namespace)?;
    check_looked_up(spec)?;
    Ok(namespace.to_owned())
}

/// Whether what is looked up by name can have such a name at all.
fn check_looked_up(spec: &Spec) -> Result<(), InvalidSpec> {
    let pod = spec.pod.clone().unwrap_or_default();
    let templates = given(spec.template.as_ref().and_then(|template| template.name.clone()));
    let env = given(pod.env.and_then(|env| env.config_map_name));
    let older_env = given(pod.config_map_name).filter(|_| env.is_none());
    let experiment = experiment_file(spec).map(|(config_map, _)| config_map);
    for (path, name) in [
        ("spec.template.name", templates),
        ("spec.pod.env.configMapName", env),
        ("spec.pod.configMapName", older_env),
        ("spec.pod.experiment.configMapName", experiment),
    ] {
        if let Some(name) = name {
            names::check_dns_subdomain(&name).map_err(|problem| InvalidSpec::new(path, problem))?;
        }
    }
    Ok(())
}

fn check_namespace(path: String, namespace: &str, operator_namespace: &str) -> Result<(), InvalidSpec> {
    names::check_dns_label(namespace).map_err(|problem| InvalidSpec::new(path.clone(), problem))?;
    if namespace == operator_namespace || namespace.starts_with("kube-") {
        let problem = format!(
            "{namespace:?} is not for experiments: a run there could reach the cluster's or the operator's own parts"
        );
        return Err(InvalidSpec::forbidden(path, problem));
    }
    Ok(())
}

/// The variable that has the URL of an experiment.
pub const URL_VARIABLE: &str = "EXPERIMENT_URL";

/// Whether a spec lists the URL of the experiment among its variables.
#[must_use]
pub fn lists_url(spec: &Spec) -> bool {
    let env = spec.pod.as_ref().and_then(|pod| pod.env.as_ref());
    env.is_some_and(|env| env.variables.iter().any(|variable| variable["name"] == URL_VARIABLE))
}

/// The file that a spec names as the experiment, if it may be one of a `ConfigMap`: its name, and its key.
#[must_use]
pub fn experiment_file(spec: &Spec) -> Option<(String, String)> {
    let pod = spec.pod.clone().unwrap_or_default();
    let source = pod.experiment.unwrap_or_default();
    let is_elsewhere = spec.experiment.is_some()
        || source.as_file == Some(false)
        || pod.template.as_ref().is_some_and(|template| !is_empty(template));
    (!is_elsewhere).then(|| {
        (
            given(source.config_map_name).unwrap_or_else(|| DEFAULT_EXPERIMENT.to_owned()),
            given(source.config_map_experiment_file_name).unwrap_or_else(|| DEFAULT_FILE.to_owned()),
        )
    })
}

/// The `ConfigMap` of variables that a spec names, in the newer or the older place.
#[must_use]
pub fn env_config_map(spec: &Spec) -> String {
    let pod = spec.pod.clone().unwrap_or_default();
    let named = given(pod.env.and_then(|env| env.config_map_name)).or_else(|| given(pod.config_map_name));
    named.unwrap_or_else(|| DEFAULT_ENV.to_owned())
}

/// Decides on a run.
pub fn plan(experiment: &Experiment, parsed: &Parsed, facts: &Facts) -> Result<Plan, InvalidSpec> {
    let spec = &parsed.spec;
    let namespace = run_namespace(spec, &facts.operator_namespace)?;
    let pod = spec.pod.clone().unwrap_or_default();
    let role = spec.role.clone().unwrap_or_default();
    let env = pod.env.clone().unwrap_or_default();
    let settings = pod.settings.clone().unwrap_or_default();
    let config_map = env_config_map(spec);
    let source = source(spec, &pod, facts)?;
    // What a pod of the author's own runs is not known.
    let about = match &pod.template {
        Some(own) if !is_empty(own) => About::default(),
        _ => about(&source, facts.text.as_deref()),
    };
    let schedule = wanted_schedule(experiment, spec)?;
    let recorded =
        experiment.status.as_ref().filter(|status| status.schedule.is_none() && schedule.is_none());
    let run = recorded.and_then(|status| status.run.as_ref());
    Ok(Plan {
        owner: Owner { number: run.map_or(1, |run| run.number.max(1)), ..Owner::of(experiment) },
        spec_hash: spec_hash(experiment.spec.as_ref()),
        rerun: Control::of(experiment).rerun,
        options: options(spec, &pod)?,
        active_deadline: spec.active_deadline_seconds,
        is_rescue: false,
        service_account: given(spec.serviceaccount.clone().and_then(|account| account.name)),
        rights: Rights {
            bind: given(role.bind).is_none(),
            role: given(role.name),
            namespaces: bound_namespaces(role.binds_to_namespaces, &namespace, &facts.operator_namespace)?,
        },
        namespace,
        env: Env {
            enabled: env.enabled.unwrap_or(true),
            own: config_map == DEFAULT_ENV && !facts.default_env_exists,
            config_map,
            secret: given(env.secret_name),
            variables: env.variables,
        },
        settings: settings
            .enabled
            .unwrap_or(false)
            .then(|| given(settings.secret_name).unwrap_or_else(|| "chaostoolkit-settings".to_owned())),
        image: given(pod.image),
        arguments: pod.chaos_args.filter(|arguments| !arguments.is_empty()),
        command: given(pod.chaos_command_path),
        verbose: spec.verbose.unwrap_or(false),
        pod: pod.template.filter(|template| !is_empty(template)).map(own_pod).transpose()?,
        schedule,
        about,
        source,
        runner: runner(spec.report.as_ref(), &facts.runner),
    })
}

/// When to run, if not once.
fn wanted_schedule(experiment: &Experiment, spec: &Spec) -> Result<Option<Schedule>, InvalidSpec> {
    // An empty mapping was none for 0.14.0.
    let Some(when) = spec.schedule.as_ref().filter(|_| !is_empty_mapping(experiment, "/schedule")) else {
        return Ok(None);
    };
    let mut schedule = schedule(when)?;
    if spec.suspend == Some(true) || spec.abort == Some(true) {
        schedule.fields.insert("suspend", true.into());
    }
    Ok(Some(schedule))
}

/// Where the experiment comes from and what it is, for the record.
fn about(source: &Source, text: Option<&str>) -> About {
    let (place, inline) = match source {
        Source::File { config_map, file } => (format!("configmap/{config_map}/{file}"), None),
        Source::Inline(inline) => ("inline".to_owned(), Some(inline.to_string())),
        Source::Url => ("url".to_owned(), None),
    };
    let text = inline.as_deref().or(text);
    let sha256 = text.map(|text| format!("{:x}", Sha256::digest(text)));
    About { title: None, source: Some(place), sha256 }
}

/// The runner, unless the author does not want it.
fn runner(report: Option<&ReportSpec>, here: &Runner) -> Option<Runner> {
    let report = report.cloned().unwrap_or_default();
    let journal = here.journal && journals_are_kept(Some(&report));
    (report.mode.unwrap_or_default() == ReportMode::Runner).then(|| Runner { journal, ..here.clone() })
}

/// Whether the author wants the journals.
#[must_use]
pub fn journals_are_kept(report: Option<&ReportSpec>) -> bool {
    let journal = report.and_then(|report| report.journal.as_ref());
    journal.and_then(|journal| journal.store).unwrap_or_default() == JournalStore::ConfigMap
}

/// The further namespaces, each once, without that of the run, which has its binding anyway.
fn bound_namespaces(
    listed: Option<Vec<String>>,
    run_namespace: &str,
    operator_namespace: &str,
) -> Result<Vec<String>, InvalidSpec> {
    let mut namespaces: Vec<String> = Vec::new();
    for (index, namespace) in listed.into_iter().flatten().enumerate() {
        check_namespace(format!("spec.role.binds_to_namespaces[{index}]"), &namespace, operator_namespace)?;
        if namespace != run_namespace && !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
    }
    if namespaces.len() > MOST_BOUND_NAMESPACES {
        let problem =
            format!("names {} namespaces; at most {MOST_BOUND_NAMESPACES} are possible", namespaces.len());
        return Err(InvalidSpec::new("spec.role.binds_to_namespaces", problem));
    }
    Ok(namespaces)
}

/// Where the experiment is: in a file, unless the spec says otherwise. An older form of the documentation had users
/// set `EXPERIMENT_URL` alone: that counts where there is no file.
fn source(spec: &Spec, pod: &PodSpec, facts: &Facts) -> Result<Source, InvalidSpec> {
    if let Some(inline) = &spec.experiment {
        return inline_source(inline, pod);
    }
    let source = pod.experiment.clone().unwrap_or_default();
    let is_silent = source.as_file.is_none() && given(source.config_map_name.clone()).is_none();
    if source.as_file == Some(false) || (is_silent && facts.has_url && !facts.experiment_exists) {
        return Ok(Source::Url);
    }
    let (config_map, file) =
        experiment_file(spec).unwrap_or_else(|| (DEFAULT_EXPERIMENT.to_owned(), DEFAULT_FILE.to_owned()));
    Ok(Source::File { config_map, file })
}

/// An experiment in the spec itself: then nothing else may say where it is.
fn inline_source(inline: &Value, pod: &PodSpec) -> Result<Source, InvalidSpec> {
    let invalid = |problem: &str| Err(InvalidSpec::new("spec.experiment", problem));
    if !inline.is_object() {
        return invalid("is not a mapping; it holds the experiment itself: title, method and so on");
    }
    if pod.experiment.is_some() {
        return invalid(
            "holds the experiment, and spec.pod.experiment says that it is elsewhere: take one away",
        );
    }
    if pod.template.as_ref().is_some_and(|template| !is_empty(template)) {
        return invalid(
            "cannot be mounted into a pod of your own (spec.pod.template): put it into a ConfigMap that the pod mounts",
        );
    }
    Ok(Source::Inline(inline.clone()))
}

fn is_empty_mapping(experiment: &Experiment, pointer: &str) -> bool {
    let value = experiment.spec.as_ref().and_then(|spec| spec.pointer(pointer)).and_then(Value::as_object);
    value.is_some_and(serde_json::Map::is_empty)
}

fn is_empty(template: &Value) -> bool {
    template.is_null() || template.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The author's own pod: a mapping, or text that is one.
fn own_pod(template: Value) -> Result<Value, InvalidSpec> {
    let invalid = |problem: String| InvalidSpec::new("spec.pod.template", problem);
    let pod = match template {
        Value::String(text) => {
            yaml::parse(&text).map_err(|error| invalid(format!("is not YAML: {error}")))?
        }
        template => template,
    };
    if pod.get("kind").and_then(Value::as_str) != Some("Pod") {
        return Err(invalid("is not a pod: its `kind` is not Pod".to_owned()));
    }
    if pod.pointer("/metadata/name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(invalid("has no `metadata.name`".to_owned()));
    }
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let mut containers = containers.into_iter().flatten();
    if !containers.any(|container| container.get("name") == Some(&Value::from(names::CONTAINER))) {
        return Err(invalid(format!("has no container called {:?}", names::CONTAINER)));
    }
    Ok(pod)
}

/// The schedule, complete. 0.14.0 ran chaos every minute when the value was missing, and never when the kind was
/// unknown.
fn schedule(spec: &ScheduleSpec) -> Result<Schedule, InvalidSpec> {
    let missing = |field: &str, problem: &str| InvalidSpec::new(format!("spec.schedule.{field}"), problem);
    match spec.kind.as_deref() {
        Some(kind) if kind.eq_ignore_ascii_case("cronjob") => {}
        Some(kind) => return Err(missing("kind", &format!("{kind:?} is not known; there is cronJob"))),
        None => return Err(missing("kind", "is missing; there is cronJob")),
    }
    let cron = given(spec.value.clone())
        .ok_or_else(|| missing("value", "is missing, for example \"*/5 * * * *\""))?;
    let fields = [
        ("timeZone", spec.time_zone.clone().map(Value::from)),
        ("concurrencyPolicy", spec.concurrency_policy.clone().map(Value::from)),
        ("startingDeadlineSeconds", spec.starting_deadline_seconds.map(Value::from)),
        ("suspend", spec.suspend.map(Value::from)),
        ("successfulJobsHistoryLimit", spec.successful_runs_history_limit.map(Value::from)),
        ("failedJobsHistoryLimit", spec.failed_runs_history_limit.map(Value::from)),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    Ok(Schedule { cron, time_zone: spec.time_zone.clone(), fields })
}

/// A text that says something: an empty one is as good as none.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
