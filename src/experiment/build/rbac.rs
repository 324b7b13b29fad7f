//! Service account, role and binding of a run.

use serde_json::{Value, json};

use super::{Manifest, Plan, TemplateError, Templates, child};
use crate::experiment::resource::Kind;

/// Name of the account that the pod runs as and that gets the rights.
pub struct Account(pub String);

impl Account {
    /// The account of the author's choice, or the one that is made for the run.
    pub fn of(plan: &Plan, templates: &Templates) -> Result<Self, TemplateError> {
        match &plan.service_account {
            Some(name) => Ok(Self(name.clone())),
            None => {
                child(templates, Kind::ServiceAccount, &plan.owner).map(|made| Self(made.name().to_owned()))
            }
        }
    }
}

/// The service account, unless the author names one.
pub fn service_account(plan: &Plan, templates: &Templates) -> Result<Option<Manifest>, TemplateError> {
    if plan.service_account.is_some() {
        return Ok(None);
    }
    child(templates, Kind::ServiceAccount, &plan.owner).map(Some)
}

/// The role, unless the author names one.
pub fn role(plan: &Plan, templates: &Templates) -> Result<Option<Manifest>, TemplateError> {
    if plan.rights.role.is_some() {
        return Ok(None);
    }
    child(templates, Kind::Role, &plan.owner).map(Some)
}

/// The binding of the role to the account that the run really uses (0.14.0 bound an account that did not exist when
/// the author named one), unless the author names a binding.
pub fn role_binding(
    plan: &Plan,
    templates: &Templates,
    account: &Account,
) -> Result<Option<Manifest>, TemplateError> {
    if !plan.rights.bind {
        return Ok(None);
    }
    let mut binding = child(templates, Kind::RoleBinding, &plan.owner)?;
    let role = match &plan.rights.role {
        Some(name) => name.clone(),
        None => child(templates, Kind::Role, &plan.owner)?.name().to_owned(),
    };
    binding.map(&["roleRef"]).insert("name".to_owned(), role.into());
    let Some(subject) = binding.value.pointer_mut("/subjects/0").and_then(Value::as_object_mut) else {
        return Err(templates.invalid(Kind::RoleBinding, "has no `subjects`"));
    };
    subject.insert("name".to_owned(), json!(account.0));
    subject.insert("namespace".to_owned(), json!(plan.namespace));
    Ok(Some(binding))
}
