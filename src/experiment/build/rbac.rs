//! Service account, role and binding of a run.

use serde_json::{Value, json};

use crate::cluster::manifest::Manifest;
use crate::experiment::build::objects::child;
use crate::experiment::decide::plan::Plan;
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;
use chaostoolkit_api::names;

/// The service account, unless the author names one.
pub fn service_account(plan: &Plan, templates: &Templates) -> Result<Option<Manifest>, TemplateError> {
    if plan.service_account.is_some() {
        return Ok(None);
    }
    child(templates, Template::ServiceAccount, &plan.owner).map(Some)
}

/// The role, unless the author names one.
pub fn role(plan: &Plan, templates: &Templates) -> Result<Option<Manifest>, TemplateError> {
    if plan.rights.role.is_some() {
        return Ok(None);
    }
    child(templates, Template::Role, &plan.owner).map(Some)
}

/// The binding of the role to the account that the run uses, unless the author names a binding. If the author named an
/// account, 0.14.0 bound one that did not exist.
pub fn role_binding(plan: &Plan, templates: &Templates) -> Result<Option<Manifest>, TemplateError> {
    if !plan.rights.bind {
        return Ok(None);
    }
    let mut binding = child(templates, Template::RoleBinding, &plan.owner)?;
    let suffix = plan.owner.suffix();
    let role = binding.map(&["roleRef"]);
    let name = match (&plan.rights.role, role.get("name").and_then(Value::as_str)) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => names::child(name, &suffix),
        (None, None) => return Err(templates.invalid(Template::RoleBinding, "has no `roleRef.name`")),
    };
    role.insert("name".to_owned(), name.into());
    let Some(subject) = binding.value.pointer_mut("/subjects/0").and_then(Value::as_object_mut) else {
        return Err(templates.invalid(Template::RoleBinding, "has no `subjects`"));
    };
    let account = match (&plan.service_account, subject.get("name").and_then(Value::as_str)) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => names::child(name, &suffix),
        (None, None) => return Err(templates.invalid(Template::RoleBinding, "has no `subjects[0].name`")),
    };
    subject.insert("name".to_owned(), account.into());
    subject.insert("namespace".to_owned(), json!(plan.namespace));
    Ok(Some(binding))
}
