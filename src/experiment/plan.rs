//! Second step of a pass, pure: from what was observed to what shall be. After this, nobody reads the raw spec again.

use std::collections::BTreeMap;

use crate::api::spec::{InvalidSpec, Parsed};
use crate::api::{Experiment, Spec};
use crate::names;

/// What is decided for one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose run it is.
    pub owner: Owner,
    /// Number of the run, from 1.
    pub number: i32,
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
}

impl Owner {
    /// The owner that this experiment is.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        Self {
            key: experiment.key(),
            uid: experiment.uid().to_owned(),
            labels: experiment.metadata.labels.clone().unwrap_or_default(),
        }
    }

    /// What the names of its children end in.
    #[must_use]
    pub fn suffix(&self) -> String {
        names::suffix(&self.uid)
    }
}

/// What gives a service account its rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// This existing Role, or else one of the run's own.
    pub role: Option<String>,
    /// Whether a `RoleBinding` is made; not where the author names one that is there already.
    pub bind: bool,
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
}

/// The `ConfigMap` of variables, where the spec names none.
pub const DEFAULT_ENV: &str = "chaostoolkit-env";

/// The namespace that a spec wants its run in, checked. Needed before the facts can be looked up.
pub fn run_namespace(spec: &Spec, operator_namespace: &str) -> Result<String, InvalidSpec> {
    let namespace = spec.namespace.as_deref().unwrap_or(names::DEFAULT_RUN_NAMESPACE);
    let at_field = |problem: String| InvalidSpec::new("spec.namespace", problem);
    names::check_dns_label(namespace).map_err(at_field)?;
    if namespace == operator_namespace || namespace.starts_with("kube-") {
        return Err(at_field(format!(
            "{namespace:?} is not for experiments: a run there could reach the cluster's or the operator's own parts"
        )));
    }
    Ok(namespace.to_owned())
}

/// Decides on a run.
pub fn plan(experiment: &Experiment, parsed: &Parsed, facts: &Facts) -> Result<Plan, InvalidSpec> {
    let spec = &parsed.spec;
    let namespace = run_namespace(spec, &facts.operator_namespace)?;
    let pod = spec.pod.clone().unwrap_or_default();
    let role = spec.role.clone().unwrap_or_default();
    let env = pod.env.unwrap_or_default();
    let settings = pod.settings.unwrap_or_default();
    let source = pod.experiment.unwrap_or_default();
    let config_map = given(env.config_map_name).unwrap_or_else(|| DEFAULT_ENV.to_owned());
    Ok(Plan {
        owner: Owner::of(experiment),
        number: 1,
        namespace,
        service_account: given(spec.serviceaccount.clone().and_then(|account| account.name)),
        rights: Rights { bind: given(role.bind).is_none(), role: given(role.name) },
        env: Env {
            enabled: env.enabled.unwrap_or(true),
            own: config_map == DEFAULT_ENV && !facts.default_env_exists,
            config_map,
            secret: given(env.secret_name),
        },
        settings: settings
            .enabled
            .unwrap_or(false)
            .then(|| given(settings.secret_name).unwrap_or_else(|| "chaostoolkit-settings".to_owned())),
        source: if source.as_file.unwrap_or(true) {
            Source::File {
                config_map: given(source.config_map_name)
                    .unwrap_or_else(|| "chaostoolkit-experiment".to_owned()),
                file: given(source.config_map_experiment_file_name)
                    .unwrap_or_else(|| "experiment.json".to_owned()),
            }
        } else {
            Source::Url
        },
        image: given(pod.image),
        arguments: pod.chaos_args.filter(|arguments| !arguments.is_empty()),
        command: given(pod.chaos_command_path),
        verbose: spec.verbose.unwrap_or(false),
    })
}

/// A text that says something: an empty one is as good as none.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn planned(spec: Value) -> Result<Plan, InvalidSpec> {
        let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        let facts = Facts { operator_namespace: "the-operators".into(), default_env_exists: false };
        plan(&experiment, &Spec::parse(experiment.spec.as_ref())?, &facts)
    }

    #[test]
    fn an_empty_spec_is_the_documented_default() {
        let plan = planned(json!({})).unwrap();
        assert_eq!(plan.namespace, "chaostoolkit-run");
        assert_eq!(plan.service_account, None);
        assert_eq!(plan.rights, Rights { role: None, bind: true });
        assert_eq!(plan.env, Env { enabled: true, config_map: DEFAULT_ENV.into(), own: true, secret: None });
        assert_eq!(
            plan.source,
            Source::File { config_map: "chaostoolkit-experiment".into(), file: "experiment.json".into() }
        );
        assert_eq!((plan.settings, plan.image, plan.arguments, plan.command), (None, None, None, None));
    }

    #[rstest]
    #[case("")]
    #[case("No")]
    #[case("kube-system")]
    #[case("kube-anything")]
    #[case("the-operators")]
    fn namespaces_that_are_refused(#[case] namespace: &str) {
        assert_eq!(planned(json!({"namespace": namespace})).unwrap_err().path, "spec.namespace");
    }

    #[test]
    fn a_config_map_that_the_author_names_is_never_replaced_by_an_empty_one() {
        let plan = planned(json!({"pod": {"env": {"configMapName": "mine"}}})).unwrap();
        assert_eq!((plan.env.config_map.as_str(), plan.env.own), ("mine", false));
    }
}
