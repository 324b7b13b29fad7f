//! From the plan and the templates to the objects of a run: pure.
//!
//! There is one file for each kind. What all children have in common (owner and namespace) is set last, so that no template
//! and no label of an author can replace it.

mod config_map;
mod cron_job;
mod eviction;
mod files;
mod injection;
mod json;
mod namespace;
mod nodes;
mod objects;
mod patched;
mod pod;
mod proxy;
pub mod pull_secrets;
mod rbac;
mod remote;
pub mod resources;
mod restarts;
pub mod targets;

use crate::cluster::manifest::Kind;
use crate::experiment::build::objects::{mark, placed};
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::Plan;
use crate::experiment::decide::templates::Templates;
use crate::experiment::error::TemplateError;
use chaostoolkit_api::names;

/// Builds all objects of a run.
pub fn build(plan: &Plan, templates: &Templates) -> Result<Resources, TemplateError> {
    let Plan { owner, namespace, rights, .. } = plan;
    let mut owned = Vec::new();
    owned.extend(rbac::service_account(plan, templates)?.map(|account| placed(account, namespace)));
    for namespace in std::iter::once(namespace).chain(&rights.namespaces) {
        owned.extend(rbac::role(plan, templates, namespace)?.map(|role| placed(role, namespace)));
        owned.extend(
            rbac::role_binding(plan, templates, namespace)?.map(|binding| placed(binding, namespace)),
        );
    }
    owned.extend(rbac::cluster_role_binding(plan, templates)?);
    owned.extend(config_map::env(plan).map(|env| placed(env, namespace)));
    owned.extend(config_map::experiment(plan).map(|experiment| placed(experiment, namespace)));
    let mut in_targets = Vec::new();
    if plan.targets.is_some() {
        // In a namespace that is found, the role is that of the run's own namespace.
        in_targets.extend(rbac::role(plan, templates, namespace)?);
        in_targets.extend(rbac::role_binding(plan, templates, namespace)?);
    }
    for manifest in owned.iter_mut().chain(&mut in_targets) {
        mark(manifest, owner);
    }
    let mut pod = placed(pod::pod(plan, templates)?, namespace);
    if plan.is_rescue {
        let name = names::rescue(pod.name());
        pod.map(&["metadata"]).insert("name".to_owned(), name.into());
    }
    let mut workload = match &plan.schedule {
        None => pod,
        Some(schedule) => placed(cron_job::cron_job(plan, schedule, templates, pod)?, namespace),
    };
    mark(&mut workload, owner);
    match workload.kind {
        Kind::CronJob => cron_job::mark(&mut workload, owner),
        _ => pod::mark(&mut workload, owner.number),
    }
    let namespace = namespace::namespace(plan, templates)?;
    Ok(Resources { in_targets, ..Resources::new(namespace, owned, workload) })
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod elsewhere_tests;

#[cfg(test)]
mod targets_tests;
