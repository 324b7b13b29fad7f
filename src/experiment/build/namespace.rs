//! The namespace of a run. Other runs share it, so it has no owner and is never deleted.

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::decide::plan::Plan;
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;

/// The namespace, with the name from the plan.
pub fn namespace(plan: &Plan, templates: &Templates) -> Result<Manifest, TemplateError> {
    let mut manifest = Manifest::new(Kind::Namespace, templates.object(Template::Namespace)?);
    manifest.map(&["metadata"]).insert("name".to_owned(), plan.namespace.clone().into());
    Ok(manifest)
}
