//! Service account, role and binding of a run.

use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::objects::{child, named};
use crate::experiment::decide::plan::{ClusterRole, Plan};
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;
use chaostoolkit_api::{Text, names};

/// The service account, unless the author names one.
pub fn service_account(plan: &Plan, templates: &Templates) -> Result<Option<Manifest>, TemplateError> {
    if plan.service_account.is_some() {
        return Ok(None);
    }
    child(templates, Template::ServiceAccount, &plan.owner).map(Some)
}

/// The role for a namespace, unless the author names one. A generated role has the rules that the experiment needs there, and
/// those that the author writes.
pub fn role(plan: &Plan, templates: &Templates, namespace: &str) -> Result<Option<Manifest>, TemplateError> {
    if plan.rights.role.is_some() || plan.rights.cluster_role.is_some() {
        return Ok(None);
    }
    let Some(generated) = &plan.rights.generated else {
        return child(templates, Template::Role, &plan.owner).map(Some);
    };
    let Some(rules) = generated.rules.get(namespace) else { return Ok(None) };
    let mut role = with_hash(templates, Template::Role, plan, &json!(rules))?;
    role.value["rules"] = json!(rules);
    Ok(Some(role))
}

/// Builds the object of a template with a hash of its content in its name. Objects are created once and never changed, so other
/// content gets another object.
fn with_hash(
    templates: &Templates,
    template: Template,
    plan: &Plan,
    content: &Value,
) -> Result<Manifest, TemplateError> {
    let mut manifest = Manifest::new(template.kind(), templates.object(template)?);
    let name = names::child(manifest.name(), &names::suffix(&content.to_string()));
    manifest.map(&["metadata"]).insert("name".to_owned(), name.into());
    Ok(named(manifest, &plan.owner))
}

/// The binding of the role in a namespace to the account that the run uses, unless the author names a binding, or a
/// `ClusterRole` for the whole cluster. If the author named an account, 0.14.0 bound one that did not exist.
pub fn role_binding(
    plan: &Plan,
    templates: &Templates,
    namespace: &str,
) -> Result<Option<Manifest>, TemplateError> {
    if !plan.rights.bind {
        return Ok(None);
    }
    let binding = if let Some(role) = &plan.rights.cluster_role {
        if role.is_wide {
            return Ok(None);
        }
        bound(templates, plan, &json!(["ClusterRole", role.name]), &cluster_role(role))?
    } else if let Some(generated) = &plan.rights.generated {
        let Some(rules) = generated.rules.get(namespace) else { return Ok(None) };
        let role = with_hash(templates, Template::Role, plan, &json!(rules))?;
        let reference = json!({"apiGroup": GROUP, "kind": "Role", "name": role.name()});
        bound(templates, plan, &json!(rules), &reference)?
    } else {
        let mut binding = child(templates, Template::RoleBinding, &plan.owner)?;
        let role = binding.map(&["roleRef"]);
        let name = match (&plan.rights.role, role.get("name").and_then(Value::as_str)) {
            (Some(name), _) => name.clone(),
            (None, Some(name)) => names::child(name, &plan.owner.suffix()),
            (None, None) => return Err(templates.invalid(Template::RoleBinding, "has no `roleRef.name`")),
        };
        role.insert("name".to_owned(), name.into());
        binding
    };
    with_account(binding, plan, templates).map(Some)
}

/// The binding of a `ClusterRole` in the whole cluster, if the author asks for it. Its name is that of no other experiment's
/// binding, since the suffix follows from the uid.
pub fn cluster_role_binding(plan: &Plan, templates: &Templates) -> Result<Option<Manifest>, TemplateError> {
    let Some(role) = plan.rights.cluster_role.as_ref().filter(|role| role.is_wide) else { return Ok(None) };
    let mut binding = bound(templates, plan, &json!(["ClusterRole", role.name]), &cluster_role(role))?;
    binding.kind = Kind::ClusterRoleBinding;
    binding.value["kind"] = json!(Kind::ClusterRoleBinding.as_str());
    binding.map(&["metadata"]).remove("namespace");
    with_account(binding, plan, templates).map(Some)
}

const GROUP: &str = "rbac.authorization.k8s.io";

fn cluster_role(role: &ClusterRole) -> Value {
    json!({"apiGroup": GROUP, "kind": "ClusterRole", "name": role.name})
}

/// Builds a binding of this role. Its name has a hash of the content of the role and of the account.
fn bound(
    templates: &Templates,
    plan: &Plan,
    content: &Value,
    role: &Value,
) -> Result<Manifest, TemplateError> {
    let content = json!([content, plan.namespace, plan.service_account]);
    let mut binding = with_hash(templates, Template::RoleBinding, plan, &content)?;
    binding.value["roleRef"] = role.clone();
    Ok(binding)
}

/// Has a binding give its role to the account that the run uses.
fn with_account(
    mut binding: Manifest,
    plan: &Plan,
    templates: &Templates,
) -> Result<Manifest, TemplateError> {
    let Some(subject) = binding.value.pointer_mut("/subjects/0").and_then(Value::as_object_mut) else {
        return Err(templates.invalid(Template::RoleBinding, "has no `subjects`"));
    };
    let account = match (&plan.service_account, subject.get("name").and_then(Value::as_str)) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => names::child(name, &plan.owner.suffix()),
        (None, None) => return Err(templates.invalid(Template::RoleBinding, "has no `subjects[0].name`")),
    };
    subject.insert("name".to_owned(), account.into());
    subject.insert("namespace".to_owned(), json!(plan.namespace));
    Ok(binding)
}
