//! What is wrong with an experiment, as far as that can be told before its run starts.
//!
//! The operator reads what it may read anyway. What it cannot see counts as given: the text of an experiment at a URL, the
//! keys of a Secret, the rights of a `ClusterRole`.

mod account;
mod container;
mod past;
mod subject;

use std::collections::BTreeSet;

use crate::experiment::build::resources::Resources;
use crate::experiment::children::references;
use crate::experiment::context::Context;
use crate::experiment::decide::plan::pod::DEFAULT_ENV;
use crate::experiment::decide::plan::{Facts, Plan};
use crate::experiment::error::Error;
use crate::experiment::permit;
use crate::experiment::preflight::account::{Account, question};
use crate::experiment::preflight::subject::Subject;
use crate::process::extensions::Extensions;
use crate::toolkit::preflight::{self as checks, Findings, Known};
use chaostoolkit_api::{Experiment, Status};
use tokio::time::Instant;

pub use container::Maps;

/// Looks for what is wrong. It asks the API server for no more than the experiment needs: nothing at all for one that needs
/// neither variables nor rights.
pub async fn findings(
    context: &Context,
    experiment: &Experiment,
    (plan, facts): (&Plan, &Facts),
    resources: &Resources,
    due: Instant,
) -> Result<Findings, Error> {
    let Some(subject) = Subject::of(plan, facts, resources) else { return Ok(Findings::default()) };
    let maps = if subject.needs_variables() { maps(context, resources, due).await? } else { Maps::new() };
    let mut account = Account::of(plan, resources, subject.rights());
    account.lacking = lacking(context, resources, account.lacking, account.name.as_deref()).await?;
    let status = experiment.status.clone().unwrap_or_default();
    Ok(judged(&subject, (resources, &maps), account, (&context.config.extensions, &status)))
}

/// Looks for what is wrong without a cluster. `maps` are the `ConfigMap`s that are known. The rights of an account that exists
/// are not.
#[must_use]
pub fn offline(
    (plan, facts): (&Plan, &Facts),
    (resources, maps): (&Resources, &Maps),
    extensions: &Extensions,
) -> Findings {
    let mut found = match Subject::of(plan, facts, resources) {
        Some(subject) => {
            let account = Account::of(plan, resources, subject.rights()).without_questions();
            // The run creates one only if there is none, which nobody has looked up.
            let is_created = !plan.env.own || maps.contains_key(&plan.env.config_map);
            let mut resources = resources.clone();
            resources.owned.retain(|own| is_created || !container::is_config_map(own, DEFAULT_ENV));
            judged(&subject, (&resources, maps), account, (extensions, &Status::default()))
        }
        None => Findings::default(),
    };
    container::missing_keys(resources, maps, &mut found);
    found
}

/// Returns the names of the `ConfigMap`s from which the pod of a run takes something.
#[must_use]
pub fn config_maps(resources: &Resources) -> BTreeSet<String> {
    let needed = references::needed(resources).into_iter().map(|needed| needed.name);
    container::config_maps(resources).into_iter().chain(needed).collect()
}

fn judged(
    subject: &Subject,
    (resources, maps): (&Resources, &Maps),
    account: Account,
    (extensions, status): (&Extensions, &Status),
) -> Findings {
    let image = resources.toolkit().and_then(|container| container["image"].as_str()).unwrap_or_default();
    let not_found = past::module_not_found(status, &subject.spec_hash);
    let known = Known {
        image,
        packages: extensions.of(image),
        not_found: not_found.as_deref(),
        variables: subject.needs_variables().then(|| container::variables(resources, maps)).flatten(),
        lacking: account.lacking,
        is_bounded: account.is_bounded,
    };
    checks::findings(&subject.experiment, &known)
}

/// Reads the `ConfigMap`s from which the toolkit gets variables. One that the operator may not read stays unknown.
async fn maps(context: &Context, resources: &Resources, due: Instant) -> Result<Maps, Error> {
    let reads = context.reads(due);
    let namespace = resources.workload.namespace();
    let mut maps = Maps::new();
    for name in container::config_maps(resources) {
        match reads.config_map(namespace, &name).await {
            Ok(found) => drop(maps.insert(name, found.map(|found| container::keys(&found)))),
            Err(error) if error.is_forbidden() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(maps)
}

/// Leaves those rights that an existing account does not have either. Without a name, the account has only what the run gives it.
async fn lacking(
    context: &Context,
    resources: &Resources,
    rights: account::Rights,
    name: Option<&str>,
) -> Result<account::Rights, Error> {
    let Some(name) = name.filter(|_| !rights.is_empty()) else { return Ok(rights) };
    let namespace = resources.workload.namespace();
    let asked = rights.iter().map(question).collect();
    match permit::lacked_by_account(context, (namespace, name), asked).await {
        Ok(lacking) => {
            let lacking: BTreeSet<_> = lacking.into_iter().collect();
            Ok(rights.into_iter().filter(|right| lacking.contains(&question(right))).collect())
        }
        Err(error) if error.is_forbidden() => Ok(account::Rights::new()),
        Err(error) => Err(error),
    }
}
