//! Reads from the cluster what the plan has to know.

use std::collections::BTreeMap;

use crate::cluster::Cluster;
use crate::cluster::manifest::Kind;
use crate::experiment::decide::plan::Facts;
use crate::experiment::decide::plan::pod::{DEFAULT_ENV, env_config_map};
use crate::experiment::decide::plan::source::{URL_VARIABLE, experiment_file, lists_url};
use crate::experiment::decide::templates::Templates;
use crate::experiment::error::{Error, TemplateError};
use crate::process::config::Config;
use chaostoolkit_api::{Experiment, ResourceRef, Spec, Text, names};

/// Reads the templates that the spec names. They come from the operator's own namespace alone, since whoever may edit
/// them decides what the operator creates.
pub async fn templates(cluster: &Cluster, namespace: &str, spec: &Spec) -> Result<Templates, Error> {
    let name = spec.template.as_ref().and_then(|template| template.name.as_deref());
    let name = name.filter(|name| !name.is_empty()).unwrap_or(names::TEMPLATES);
    let api = cluster.config_maps(namespace)?;
    match cluster.find(&api, Kind::ConfigMap.as_str(), name).await? {
        Some(found) => {
            let texts: BTreeMap<String, String> = found.data.unwrap_or_default();
            Ok(Templates::new(format!("{namespace}/{name}"), texts))
        }
        None => Err(TemplateError::Missing(format!("{namespace}/{name}")).into()),
    }
}

/// Reads the facts about the namespace of the run. If a run was once given its own `ConfigMap` of variables, it keeps
/// that, even if the author adds the default one later.
pub async fn facts(
    cluster: &Cluster,
    config: &Config,
    experiment: &Experiment,
    spec: &Spec,
    namespace: &str,
) -> Result<Facts, Error> {
    let own = names::child(DEFAULT_ENV, &names::suffix(experiment.uid()));
    let is_own = |recorded: &ResourceRef| Kind::ConfigMap.is_of(recorded) && recorded.name == own;
    let is_own_recorded =
        experiment.status.as_ref().is_some_and(|status| status.resources.iter().any(is_own));
    let maps = cluster.config_maps(namespace)?;
    let name = env_config_map(spec);
    let env = cluster.find(&maps, Kind::ConfigMap.as_str(), &name).await?;
    let has_url = lists_url(spec)
        || env.as_ref().and_then(|env| env.data.as_ref()).is_some_and(|data| data.contains_key(URL_VARIABLE));
    let experiment = match experiment_file(spec) {
        Some((name, file)) => {
            let found = cluster.find(&maps, Kind::ConfigMap.as_str(), &name).await?;
            found.map(|map| map.data.and_then(|mut data| data.remove(&file)))
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
