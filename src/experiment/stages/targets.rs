//! `spec.targets`: finds the namespaces of a run right before it starts, and takes its rights there away when it has ended.
//!
//! The rights are recorded before they are given, as all that a run gets. The mark `target` on a record says that it is for a
//! namespace that was found. So it goes with the run, whatever the spec says by then.

use crate::experiment::build::resources::Resources;
use crate::experiment::children::{delete, namespaces};
use crate::experiment::decide::plan::Plan;
use crate::experiment::decide::targets::draw;
use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use crate::experiment::stages::make;
use crate::process::clock;
use chaostoolkit_api::{ResourceRef, Status};

/// Adds what the run gets in the namespaces that are found for it now, if the spec asks for some. `run` tells the run from the
/// others of its experiment.
pub async fn reaching(
    pass: &Pass<'_>,
    plan: &Plan,
    resources: &Resources,
    run: &str,
) -> Result<Option<Resources>, Error> {
    let Some(selector) = &plan.targets else { return Ok(None) };
    let context = pass.context;
    let opt_in = context.config.opt_in.as_ref();
    let mut found = namespaces::find(&context.cluster, selector, opt_in).await?;
    let now = clock::of_server();
    let place = pass.place();
    found.retain(|name| place.may_reach(name) && !context.freezes.holds_in(name, now));
    Ok(Some(resources.clone().reaching(draw(pass.live.uid(), run, found))))
}

/// Gives a run of a schedule its rights in the namespaces that were found for it. They are on record.
pub async fn give(pass: &mut Pass<'_>, plan: &Plan, resources: &Resources) -> Result<(), Error> {
    let rights: Vec<_> = resources.of_targets().cloned().collect();
    for right in &rights {
        make::make(pass, plan, (resources, right), false).await?;
    }
    Ok(())
}

/// Takes away the rights of a run without a schedule that has ended.
pub async fn take_away(pass: &mut Pass<'_>) -> Result<(), Error> {
    if !is_due(&pass.draft.status) {
        return Ok(());
    }
    remove(pass, |_| true).await?;
    pass.write().await
}

/// Whether rights are left that go with the end of the run.
#[must_use]
pub fn is_due(status: &Status) -> bool {
    status.is_finished() && status.resources.iter().any(|recorded| recorded.target)
}

/// Takes away the rights of the runs of a schedule that have ended. `next`: the uid of a Job that is about to go, and what its run
/// gets.
pub async fn take_away_scheduled(pass: &mut Pass<'_>, next: Option<(&str, &Resources)>) -> Result<(), Error> {
    let status = &pass.draft.status;
    if !status.resources.iter().any(|recorded| recorded.target) {
        return Ok(());
    }
    let released = status.schedule.iter().flat_map(|schedule| &schedule.released);
    let others = released.filter(|job| next.is_none_or(|(uid, _)| job.job_uid != uid));
    let used: Vec<String> = others
        .filter_map(|job| job.targets.as_ref())
        .flat_map(|targets| targets.namespaces.clone())
        .collect();
    let wanted = next.map(|(_, resources)| resources.references()).unwrap_or_default();
    let is_wanted = |recorded: &ResourceRef| {
        used.contains(&recorded.namespace) || wanted.iter().any(|one| one.is_same(recorded))
    };
    remove(pass, |recorded| !is_wanted(recorded)).await
}

async fn remove(pass: &mut Pass<'_>, is_over: impl Fn(&ResourceRef) -> bool) -> Result<(), Error> {
    let is_gone = |recorded: &ResourceRef| recorded.target && is_over(recorded);
    let over: Vec<ResourceRef> =
        pass.draft.status.resources.iter().filter(|recorded| is_gone(recorded)).cloned().collect();
    delete::resources(&pass.context.cluster, &over, &pass.parent()).await?;
    pass.draft.status.resources.retain(|recorded| !is_gone(recorded));
    Ok(())
}
