//! Whether the namespaces of a run have opted in: those that are found for it (`spec.targets`), and, with
//! `--require-namespace-annotation`, all in which it has rights.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::resources::Resources;
use crate::experiment::context::Context;
use crate::experiment::decide::plan::Plan;
use crate::experiment::error::Error;
use crate::experiment::hold::Hold;
use crate::process::config::OptIn;
use chaostoolkit_api::reason::Reason;

/// After how long to look again. A namespace that opts in brings no pass.
const RETRY: Duration = Duration::from_secs(30);

/// Returns what keeps a run from starting, if a namespace has to opt in first.
pub async fn hold(context: &Context, plan: &Plan, resources: &Resources) -> Result<Option<Hold>, Error> {
    if let Some(selector) = &plan.targets
        && resources.targets.as_ref().is_none_or(|targets| targets.namespaces.is_empty())
    {
        let opt_in = context.config.opt_in.as_ref().map(|opt_in| format!(", and the annotation {opt_in}"));
        let message = format!("no namespace has {}{}", selector.words(), opt_in.unwrap_or_default());
        return Ok(Some(held(Reason::NoTargetNamespace, message)));
    }
    let Some(opt_in) = &context.config.opt_in else { return Ok(None) };
    let missing = missing(&context.cluster, opt_in, resources).await?;
    Ok(missing.map(|message| held(Reason::NamespaceNotOptedIn, message)))
}

fn held(reason: Reason, message: String) -> Hold {
    Hold { reason, message, until: None, again: Some(RETRY) }
}

/// Says which namespace has not opted in, if there is one. One that does not exist is no obstacle: the operator creates that of a
/// run with the annotation, and waits for the others.
async fn missing(cluster: &Cluster, opt_in: &OptIn, resources: &Resources) -> Result<Option<String>, Error> {
    if resources.owned.iter().any(|own| own.kind == Kind::ClusterRoleBinding) {
        return Ok(Some(format!(
            "the run would have rights in the whole cluster, and a namespace has to opt in by the annotation {opt_in}"
        )));
    }
    // Those that were found were just looked at.
    let owned =
        resources.owned.iter().map(Manifest::namespace).filter(|name| !resources.reached.contains(*name));
    let names: BTreeSet<&str> = owned.chain([resources.workload.namespace()]).collect();
    let api = cluster.namespaces();
    for name in names {
        let checked = api.name(name)?;
        let found = cluster.call(format!("look up Namespace {name}"), api.get_metadata_opt(&checked)).await?;
        if found.is_some_and(|found| !opt_in.is_met(found.metadata.annotations.as_ref())) {
            return Ok(Some(format!("namespace {name} has not opted in by the annotation {opt_in}")));
        }
    }
    Ok(None)
}

/// Puts the annotation on a namespace that the operator is about to create.
#[must_use]
pub fn opted_in(context: &Context, namespace: &Manifest) -> Manifest {
    let mut namespace = namespace.clone();
    if let Some(OptIn { key, value }) = &context.config.opt_in {
        namespace.map(&["metadata", "annotations"]).insert(key.clone(), value.clone().into());
    }
    namespace
}
