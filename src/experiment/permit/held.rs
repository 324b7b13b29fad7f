//! What the operator itself has to hold so that it can give it to a run.
//!
//! Kubernetes lets nobody give rights that they lack. So a message names what is missing, and has a command by which an
//! administrator gives it to the operator.

use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::posting;
use crate::experiment::build::resources::Resources;
use crate::experiment::context::Context;
use crate::experiment::decide::plan::{Generated, Plan};
use crate::experiment::error::Error;
use crate::experiment::permit::question::quoted;
use crate::experiment::permit::rules::Rule;
use chaostoolkit_api::{Status, names};

/// For how long an answer counts.
const AGE: Duration = Duration::from_secs(5);

/// What the operator does with the bindings of `ClusterRole`s in the whole cluster.
const VERBS: [&str; 3] = ["create", "get", "delete"];

const RBAC: &str = "rbac.authorization.k8s.io";

/// How the API server says that somebody gives rights that they lack.
const NOT_HELD: &str = "is attempting to grant RBAC permissions not currently held";

/// The longest command that a message has. A condition has room for 1024 bytes.
const LONGEST: usize = 560;

/// How many rights a message names.
const MAX_NAMED: usize = 4;

/// Fails with [`Error::NotHeld`] if the operator may not bind a `ClusterRole` in the whole cluster, and the run needs that. It
/// asks before anything is recorded, since it could not remove a binding either.
pub async fn bindings_in_cluster(
    context: &Context,
    resources: &Resources,
    status: &Status,
) -> Result<(), Error> {
    let is_new = |own: &Manifest| {
        let made = own.reference();
        own.kind == Kind::ClusterRoleBinding && !status.resources.iter().any(|known| known.is_same(&made))
    };
    if !resources.owned.iter().any(is_new) {
        return Ok(());
    }
    for verb in VERBS {
        if !may(context, verb).await? {
            return Err(no_component(verb));
        }
    }
    Ok(())
}

async fn may(context: &Context, verb: &str) -> Result<bool, Error> {
    let key = format!("own {verb} clusterrolebindings");
    if let Some(known) = context.answers.reviews.get(&key, AGE) {
        return Ok(known);
    }
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.to_owned()),
                group: Some(RBAC.to_owned()),
                resource: Some("clusterrolebindings".to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews = context.cluster.everywhere::<SelfSubjectAccessReview>();
    let doing = format!("ask whether the operator may {verb} ClusterRoleBindings");
    let answer = context.cluster.call(doing, reviews.create(&posting(), &review)).await?;
    let is_allowed = answer.status.is_some_and(|status| status.allowed);
    context.answers.reviews.put(key, is_allowed, AGE);
    Ok(is_allowed)
}

fn no_component(verb: &str) -> Error {
    Error::NotHeld {
        problem: format!(
            "the operator may not {verb} ClusterRoleBindings, which spec.role.clusterWide needs"
        ),
        remedy:
            "an administrator adds the component kustomize/components/cluster-wide to the operator's overlay"
                .to_owned(),
    }
}

/// Says what is missing in place of a refusal to create an object with rights that the spec chooses: [`Error::NotHeld`], or
/// [`Error::ClusterRoleMissing`]. Returns any other error as it is.
#[must_use]
pub fn explained(plan: &Plan, manifest: &Manifest, error: Error) -> Error {
    let Error::Cluster(source) = &error else { return error };
    if let Some(role) = &plan.rights.cluster_role
        && matches!(manifest.kind, Kind::RoleBinding | Kind::ClusterRoleBinding)
        && source.is_not_found()
        && !source.is_namespace_not_found()
    {
        return Error::ClusterRoleMissing(role.name.clone());
    }
    let Some(refusal) = source.refusal().filter(|refusal| refusal.contains(NOT_HELD)) else { return error };
    let place = match manifest.namespace() {
        "" => "in the whole cluster".to_owned(),
        namespace => format!("in namespace {namespace}"),
    };
    let is_written = plan.rights.generated.as_ref().is_some_and(|Generated { is_written, .. }| *is_written);
    match (manifest.kind, &plan.rights.cluster_role) {
        (Kind::Role, _) if is_written => {
            let missing = missing(refusal).unwrap_or_else(|| manifest.value["rules"].clone());
            Error::NotHeld {
                problem: format!(
                    "the operator cannot give the run what it does not hold itself {place}: {}",
                    words(&missing)
                ),
                remedy: remedy(names::GRANTABLE_LABEL, &missing),
            }
        }
        (Kind::RoleBinding | Kind::ClusterRoleBinding, Some(role)) => {
            let label = if role.is_wide { names::CLUSTER_WIDE_LABEL } else { names::GRANTABLE_LABEL };
            let bind = json!([{"apiGroups": [RBAC], "resources": ["clusterroles"],
                "resourceNames": [role.name], "verbs": ["bind"]}]);
            Error::NotHeld {
                problem: format!(
                    "the operator may not bind ClusterRole {} {place}: it has neither `bind` on it nor all of its rights",
                    role.name
                ),
                remedy: remedy(label, &bind),
            }
        }
        _ => error,
    }
}

/// Reads the rules that a refusal names. The API server writes them as `{APIGroups:["apps"], Verbs:["get" "list"]}`.
fn missing(refusal: &str) -> Option<Value> {
    let fields = [
        ("APIGroups:[", "apiGroups"),
        ("Resources:[", "resources"),
        ("ResourceNames:[", "resourceNames"),
        ("Verbs:[", "verbs"),
    ];
    let lines = refusal.lines().filter(|line| line.trim_start().starts_with('{'));
    let rules: Vec<Value> = lines
        .map(|line| {
            let mut rule = json!({});
            for (name, field) in fields {
                let Some((_, rest)) = line.split_once(name) else { continue };
                // The list ends where no text follows.
                let texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let texts: Vec<String> = texts.map_while(Result::ok).collect();
                if !texts.is_empty() {
                    rule[field] = json!(texts);
                }
            }
            rule
        })
        .collect();
    let is_whole = |rule: &Value| ["apiGroups", "resources", "verbs"].iter().all(|key| rule[key].is_array());
    (!rules.is_empty() && rules.iter().all(is_whole)).then(|| json!(rules))
}

/// Names the rights of these rules.
fn words(rules: &Value) -> String {
    let rules = Rule::of(&json!({"rules": rules}));
    let mut rights = rules.iter().flat_map(|rule| rule.questions("")).map(|right| right.to_string());
    let named: Vec<String> = rights.by_ref().take(MAX_NAMED).collect();
    match rights.count() {
        0 => named.join(", "),
        others => format!("{} and {others} more", named.join(", ")),
    }
}

/// What an administrator does so that the operator holds these rules.
fn remedy(label: &str, rules: &Value) -> String {
    let name = format!("{}-{}", names::GRANTABLE_ROLE, names::suffix(&rules.to_string()));
    let role = json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole",
        "metadata": {"name": name, "labels": {label: "true"}}, "rules": rules});
    let command = format!("printf %s {} | kubectl apply -f -", quoted(&role.to_string()));
    if command.len() > LONGEST {
        return format!(
            "an administrator adds these rights to a ClusterRole with the label {label}: \"true\" (docs/reference.md, More rights for runs)"
        );
    }
    format!("an administrator gives it to the operator, for all runs, by: {command}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster;
    use crate::experiment::decide::plan::{Facts, plan};
    use chaostoolkit_api::reason::Reason;
    use chaostoolkit_api::{Experiment, Spec};

    /// What the API server of Kubernetes 1.36 says.
    const REFUSAL: &str = "roles.rbac.authorization.k8s.io \"chaostoolkit-experiment-1-2\" is forbidden: user \
        \"system:serviceaccount:home:home\" (groups=[\"system:serviceaccounts\" \"system:authenticated\"]) is attempting to grant \
        RBAC permissions not currently held:\n{APIGroups:[\"apps\"], Resources:[\"deployments\" \"deployments/scale\"], \
        ResourceNames:[\"web\"], Verbs:[\"get\" \"patch\"]}\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}";

    fn planned(role: Value) -> Plan {
        let experiment = Experiment { spec: Some(json!({"role": role})), ..Experiment::default() };
        let facts = Facts { operator_namespace: "home".into(), ..Facts::default() };
        plan(&experiment, &Spec::parse(experiment.spec.as_ref()).unwrap(), &facts).unwrap()
    }

    fn refused(role: Value, kind: Kind, namespace: &str, message: &str) -> Error {
        let status = json!({"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": message});
        let source = Box::new(kube::Error::Api(serde_json::from_value(status).unwrap()));
        let error = Error::Cluster(cluster::Error::Api { doing: "create it".to_owned(), source });
        let object = json!({"metadata": {"namespace": namespace, "name": "x"}, "rules": [
            {"apiGroups": ["apps"], "resources": ["daemonsets"], "verbs": ["get"]}]});
        explained(&planned(role), &Manifest::new(kind, object), error)
    }

    /// The role that the command of a message makes.
    fn role_of(message: &str) -> Value {
        let (_, command) = message.split_once("printf %s '").unwrap_or_else(|| panic!("{message}"));
        let (role, rest) = command.split_once('\'').unwrap();
        assert_eq!(rest, " | kubectl apply -f -");
        serde_json::from_str(role).unwrap()
    }

    fn rules() -> Value {
        json!({"rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]})
    }

    #[test]
    fn the_rules_that_are_missing_can_be_added_by_one_command() {
        let error = refused(rules(), Kind::Role, "shop", REFUSAL);
        assert_eq!(error.reason(), Reason::RightsMissing);
        let message = error.describe();
        let words = "the operator cannot give the run what it does not hold itself in namespace shop: get deployments.apps \"web\", \
            patch deployments.apps \"web\", get deployments/scale.apps \"web\", patch deployments/scale.apps \"web\" and 1 more; an \
            administrator gives it to the operator, for all runs, by: printf";
        assert!(message.starts_with(words), "{message}");
        let role = role_of(&message);
        let missing = json!([
            {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "resourceNames": ["web"], "verbs": ["get", "patch"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
        ]);
        assert_eq!(role["rules"], missing);
        assert_eq!(role["metadata"]["labels"], json!({"chaostoolkit.org/aggregate-to-grantable": "true"}));
        assert!(message.len() < 1024, "{}", message.len());
    }

    #[test]
    fn a_refusal_in_other_words_leads_to_all_rules_of_the_role() {
        for message in [NOT_HELD.to_owned(), format!("{NOT_HELD}:\n{{Verbs:[\"get\"]}}\n{{odd")] {
            let told = refused(rules(), Kind::Role, "shop", &message).describe();
            assert_eq!(role_of(&told)["rules"][0]["resources"], json!(["daemonsets"]), "{told}");
        }
    }

    #[test]
    fn very_many_rules_are_named_by_the_label_alone() {
        let many: Vec<String> = (0..40)
            .map(|at| format!("{{APIGroups:[\"apps\"], Resources:[\"r{at}\"], Verbs:[\"get\"]}}"))
            .collect();
        let message =
            refused(rules(), Kind::Role, "shop", &format!("{NOT_HELD}:\n{}", many.join("\n"))).describe();
        assert!(message.contains("get r0.apps") && message.contains("and 36 more"), "{message}");
        assert!(
            message.contains("the label chaostoolkit.org/aggregate-to-grantable: \"true\"")
                && message.len() < 1024,
            "{message}"
        );
    }

    #[test]
    fn a_cluster_role_needs_the_right_to_bind_it_where_it_is_bound() {
        let bind = json!([{"apiGroups": [RBAC], "resources": ["clusterroles"], "resourceNames": ["view"], "verbs": ["bind"]}]);
        for (is_wide, kind, namespace, place, label) in [
            (
                false,
                Kind::RoleBinding,
                "shop",
                "in namespace shop",
                "chaostoolkit.org/aggregate-to-grantable",
            ),
            (
                true,
                Kind::ClusterRoleBinding,
                "",
                "in the whole cluster",
                "chaostoolkit.org/aggregate-to-cluster-wide",
            ),
        ] {
            let role = json!({"clusterRole": "view", "clusterWide": is_wide});
            let message = refused(role, kind, namespace, REFUSAL).describe();
            assert!(
                message.starts_with(&format!("the operator may not bind ClusterRole view {place}: ")),
                "{message}"
            );
            let made = role_of(&message);
            assert_eq!((&made["rules"], &made["metadata"]["labels"]), (&bind, &json!({label: "true"})));
        }
    }

    /// The API server names the `ClusterRole` as if it were a binding.
    #[test]
    fn a_cluster_role_that_does_not_exist_is_named() {
        let of = |role: Value, kind, details: Value| {
            let status = json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound",
                "message": "rolebindings.rbac.authorization.k8s.io \"nowhere\" not found", "details": details});
            let source = Box::new(kube::Error::Api(serde_json::from_value(status).unwrap()));
            let error = cluster::Error::Api { doing: "create it".to_owned(), source }.of_creation();
            let object = json!({"metadata": {"namespace": "shop", "name": "x"}});
            explained(&planned(role), &Manifest::new(kind, object), Error::Cluster(error))
        };
        let role = json!({"clusterRole": "nowhere"});
        let rolebindings = json!({"kind": "rolebindings", "name": "nowhere"});
        let missing = of(role.clone(), Kind::RoleBinding, rolebindings.clone());
        assert_eq!(missing.reason(), Reason::RoleMissing);
        assert!(missing.describe().starts_with("ClusterRole nowhere, to which"), "{}", missing.describe());
        let of_namespace = of(role.clone(), Kind::RoleBinding, json!({"kind": "namespaces", "name": "shop"}));
        assert_eq!(of_namespace.reason(), Reason::NamespaceMissing);
        assert_eq!(of(role, Kind::ServiceAccount, json!({})).reason(), Reason::ObjectInvalid);
        assert_eq!(of(json!({}), Kind::RoleBinding, rolebindings).reason(), Reason::ObjectInvalid);
    }

    #[test]
    fn any_other_refusal_has_the_words_of_the_api_server() {
        let quota = refused(rules(), Kind::Role, "shop", "exceeded quota");
        assert_eq!(quota.describe(), "cannot create it: exceeded quota");
        for role in [json!({}), json!({"name": "theirs"}), json!({"rules": []})] {
            for kind in [Kind::Role, Kind::RoleBinding] {
                assert_eq!(
                    refused(role.clone(), kind, "shop", REFUSAL).reason(),
                    Reason::Forbidden,
                    "{role}"
                );
            }
        }
    }
}
