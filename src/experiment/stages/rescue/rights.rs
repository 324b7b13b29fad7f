//! Takes the rights of a run away that its rescue is not to have.
//!
//! The account of the run stays bound to all that the run got. The spec may ask for less by now, and its author was not asked
//! about the rest: another user may have got it for the run.

use crate::cluster::manifest::Kind;
use crate::experiment::build::resources::Resources;
use crate::experiment::children::delete;
use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use chaostoolkit_api::ResourceRef;

const RIGHTS: [Kind; 3] = [Kind::Role, Kind::RoleBinding, Kind::ClusterRoleBinding];

/// Deletes the recorded rights that are not among the objects of the rescue. Those of the Python operator go too, since nobody
/// has compared them with the spec. They are made again as the spec asks.
pub async fn take(pass: &mut Pass<'_>, resources: &Resources) -> Result<(), Error> {
    let wanted = resources.references();
    let is_outdated = |recorded: &&ResourceRef| {
        let is_right = RIGHTS.iter().any(|kind| kind.is_of(recorded));
        is_right && (recorded.adopted || !wanted.iter().any(|wanted| wanted.is_same(recorded)))
    };
    let outdated: Vec<ResourceRef> =
        pass.draft.status.resources.iter().filter(is_outdated).cloned().collect();
    if outdated.is_empty() {
        return Ok(());
    }
    pass.fence(Kind::RoleBinding).await?;
    delete::resources(&pass.context.cluster, &outdated, &pass.parent()).await?;
    pass.draft.rights_taken(&outdated, &wanted);
    Ok(())
}
