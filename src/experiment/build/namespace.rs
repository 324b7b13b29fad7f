//! The namespace of a run: shared with other runs, so it carries no name of an owner and is never deleted.

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::decide::plan::Plan;
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;

/// The namespace, with the name that the plan wants.
pub fn namespace(plan: &Plan, templates: &Templates) -> Result<Manifest, TemplateError> {
    let mut manifest = Manifest::new(Kind::Namespace, templates.object(Template::Namespace)?);
    manifest.map(&["metadata"]).insert("name".to_owned(), plan.namespace.clone().into());
    Ok(manifest)
}
