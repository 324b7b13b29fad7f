//! Reads from the cluster what the plan has to know.

use crate::cluster::manifest::Kind;
use crate::cluster::reads::Reads;
use crate::experiment::decide::plan::Facts;
use crate::experiment::decide::plan::pod::{DEFAULT_ENV, env_config_map};
use crate::experiment::decide::plan::source::{URL_VARIABLE, experiment_file, lists_url};
use crate::experiment::decide::templates::Templates;
use crate::experiment::error::{Error, TemplateError};
use crate::process::config::Config;
use chaostoolkit_api::{Experiment, ResourceRef, Spec, names};

/// Reads the templates that the spec names. They come from the operator's own namespace alone, since whoever may edit
/// them decides what the operator creates.
pub async fn templates(reads: Reads<'_>, namespace: &str, spec: &Spec) -> Result<Templates, Error> {
    let name = spec.template.as_ref().and_then(|template| template.name.as_deref());
    let name = name.filter(|name| !name.is_empty()).unwrap_or(names::TEMPLATES);
    match reads.config_map(namespace, name).await? {
        Some(found) => {
            Ok(Templates::new(format!("{namespace}/{name}"), found.data.clone().unwrap_or_default()))
        }
        None => Err(TemplateError::Missing(format!("{namespace}/{name}")).into()),
    }
}

/// Reads the facts about the namespace of the run. If a run was once given its own `ConfigMap` of variables, it keeps
/// that, even if the author adds the default one later.
pub async fn facts(
    reads: Reads<'_>,
    config: &Config,
    experiment: &Experiment,
    spec: &Spec,
    namespace: &str,
) -> Result<Facts, Error> {
    let own = names::child(DEFAULT_ENV, &names::suffix(experiment.uid()));
    let is_own = |recorded: &ResourceRef| Kind::ConfigMap.is_of(recorded) && recorded.name == own;
    let is_own_recorded =
        experiment.status.as_ref().is_some_and(|status| status.resources.iter().any(is_own));
    let name = env_config_map(spec);
    let env = reads.config_map(namespace, &name).await?;
    let has_url = lists_url(spec)
        || env.as_ref().and_then(|env| env.data.as_ref()).is_some_and(|data| data.contains_key(URL_VARIABLE));
    let experiment = match experiment_file(spec) {
        Some((name, file)) => {
            let found = reads.config_map(namespace, &name).await?;
            found.map(|map| map.data.as_ref().and_then(|data| data.get(&file).cloned()))
        }
        None => None,
    };
    Ok(Facts {
        operator_namespace: config.namespace.clone(),
        has_default_env: !is_own_recorded && name == DEFAULT_ENV && env.is_some(),
        has_url,
        experiment_exists: experiment.is_some(),
        text: experiment.flatten(),
        runner: config.runner.clone(),
        template_schedule: None,
        excluded_labels: config.keys.excluded_labels.clone(),
    })
}
