//! Makes what a run needs, and replaces rights that differ from what the spec asks for by now.

use kube::core::DynamicObject;

use crate::cluster::manifest::Manifest;
use crate::experiment::build::resources::Resources;
use crate::experiment::children::{delete, rights};
use crate::experiment::decide::plan::Plan;
use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use crate::experiment::permit;

/// Makes one of the objects of a run, unless it is there as wanted. It is on record.
pub async fn make(
    pass: &mut Pass<'_>,
    plan: &Plan,
    (resources, wanted): (&Resources, &Manifest),
    is_resumed: bool,
) -> Result<(), Error> {
    let explained = |error| permit::held::explained(plan, wanted, error);
    let found = pass.create(wanted, is_resumed).await.map_err(explained)?;
    let found = if rights::differ(wanted, &found.data) {
        replace_rights(pass, resources, wanted).await.map_err(explained)?
    } else {
        found
    };
    pass.draft.created(&wanted.reference(), found.metadata.uid);
    Ok(())
}

/// Asks whether the author may have runs with these objects, and puts the answer on the draft of the status.
pub async fn ask(pass: &mut Pass<'_>, resources: &Resources) -> Result<(), Error> {
    let permit = permit::may_start(pass.context, &pass.live, resources).await?;
    pass.draft.permitted(permit.reason, permit.requested_by);
    Ok(())
}

/// Makes one of the objects of a rescue, whose author was just asked about it. It is on record.
pub async fn make_asked(pass: &mut Pass<'_>, wanted: &Manifest) -> Result<(), Error> {
    let found = pass.create(wanted, true).await?;
    let found = if rights::differ(wanted, &found.data) { replace_asked(pass, wanted).await? } else { found };
    pass.draft.created(&wanted.reference(), found.metadata.uid);
    Ok(())
}

/// Replaces a Role or a binding that gives other rights than the spec asks for by now. A run that goes on gets the new rights, so
/// the author is asked first.
async fn replace_rights(
    pass: &mut Pass<'_>,
    resources: &Resources,
    wanted: &Manifest,
) -> Result<DynamicObject, Error> {
    ask(pass, resources).await?;
    replace_asked(pass, wanted).await
}

async fn replace_asked(pass: &mut Pass<'_>, wanted: &Manifest) -> Result<DynamicObject, Error> {
    pass.fence(wanted.kind).await?;
    delete::resources(&pass.context.cluster, &[wanted.reference()], &pass.parent()).await?;
    pass.create(wanted, false).await
}
