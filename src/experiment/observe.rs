//! First step of a pass: what only the cluster knows, read live.

use std::collections::BTreeMap;

use super::Context;
use super::error::Error;
use super::plan::{DEFAULT_ENV, Facts};
use super::resource::Kind;
use super::templates::{TemplateError, Templates};
use crate::api::{Experiment, ResourceRef, Spec};
use crate::names;

/// The templates that the spec names. They are read in the operator's own namespace alone: who may edit them decides
/// what the operator creates.
pub async fn templates(context: &Context, spec: &Spec) -> Result<Templates, Error> {
    let namespace = &context.config.namespace;
    let name = spec.template.as_ref().and_then(|template| template.name.as_deref());
    let name = name.filter(|name| !name.is_empty()).unwrap_or(names::TEMPLATES);
    let api = context.cluster.config_maps(namespace);
    match context.cluster.find(&api, Kind::ConfigMap.as_str(), name).await? {
        Some(found) => {
            let texts: BTreeMap<String, String> = found.data.unwrap_or_default();
            Ok(Templates::new(format!("{namespace}/{name}"), texts))
        }
        None => Err(TemplateError::Missing(format!("{namespace}/{name}")).into()),
    }
}

/// What the plan has to know of the namespace that the run goes to. A `ConfigMap` of variables that was once decided to
/// be the run's own stays so, also when the author adds the default one later.
pub async fn facts(context: &Context, experiment: &Experiment, namespace: &str) -> Result<Facts, Error> {
    let own = ResourceRef {
        kind: Kind::ConfigMap.as_str().to_owned(),
        namespace: namespace.to_owned(),
        name: names::child(DEFAULT_ENV, &names::suffix(experiment.uid())),
    };
    let recorded = experiment.status.as_ref().is_some_and(|status| status.resources.contains(&own));
    let default_env_exists = !recorded && {
        let doing = format!("look up ConfigMap {namespace}/{DEFAULT_ENV}");
        let api = context.cluster.config_maps(namespace);
        context.cluster.call(doing, api.get_metadata_opt(DEFAULT_ENV)).await?.is_some()
    };
    Ok(Facts { operator_namespace: context.config.namespace.clone(), default_env_exists })
}
