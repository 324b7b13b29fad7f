//! Each right of a run is asked for by itself.

use crate::cast::Cast;
use crate::common::install::documents;
use crate::request::{Answered, Ask, central};
use crate::{ROOT, install, judging, wait_until_judged};
use serde_json::{Value, json};

/// Verb, group and resource of each right of the shipped Role.
fn of_the_role() -> Vec<[String; 3]> {
    let text = std::fs::read_to_string(format!("{ROOT}/kustomize/base/templates.yaml")).unwrap();
    let role = documents(&text)[0]["data"]["chaostoolkit-role.yaml"].as_str().unwrap().to_owned();
    let mut rights = Vec::new();
    for rule in documents(&role)[0]["rules"].as_array().unwrap() {
        let texts = |key: &str| rule[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        for group in texts("apiGroups") {
            for resource in texts("resources") {
                rights.extend(texts("verbs").map(|verb| [verb, group, resource].map(str::to_owned)));
            }
        }
    }
    assert_eq!(rights.len(), 17, "four verbs on four resources, and one on events");
    rights
}

fn rule([verb, group, resource]: &[String; 3]) -> Value {
    json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]})
}

/// The right in the words of kubectl.
fn shown([verb, group, resource]: &[String; 3]) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    format!("kubectl auth can-i {verb} {resource}{dot}{group} -n")
}

/// Gives a user these rights in the whole cluster, by an object with the name of the user.
fn grant_everywhere(cast: &Cast, user: &str, rights: &[[String; 3]]) -> [Value; 2] {
    let name = cast.name(user);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": name}, "rules": rights.iter().map(rule).collect::<Vec<_>>()});
    [role, cast.binding("", user, &format!("ClusterRole/{name}"))]
}

/// A `ClusterRole` is bound by whoever may bind it where the run gets it.
/// What follows the right to escalate in a refusal.
const OF_RULES: &str = " (spec.role.rules needs it in a cluster that does not stamp requests)";

#[tokio::test]
#[ignore = "needs an API server"]
async fn whoever_lacks_a_right_to_bind_a_cluster_role_is_told_which() {
    let cast = Cast::new("authors").await;
    let policies = install(&cast, judging());
    wait_until_judged(&cast).await;
    let owned = |verb: &str, group: &str, resource: &str| [verb, group, resource].map(str::to_owned);
    let rbac = "rbac.authorization.k8s.io";
    let pods = owned("create", "", "pods");
    let bind = owned("bind", rbac, "clusterroles");
    let there = [owned("create", rbac, "rolebindings"), bind.clone()];
    let everywhere = [owned("create", rbac, "clusterrolebindings"), bind];
    let mut objects = Vec::new();
    let mut in_cluster = Vec::new();
    for (user, of_team, of_shop, of_cluster) in [
        ("no-binding", &there[1..], &there[..], &[][..]),
        ("no-bind", &there[..1], &there[..], &[]),
        ("no-binding-there", &there[..], &there[1..], &[]),
        ("no-bind-there", &there[..], &there[..1], &[]),
        ("all", &there[..], &there[..], &[]),
        ("no-wide-binding", &there[..], &there[..], &everywhere[1..]),
        ("no-wide-bind", &there[..], &there[..], &everywhere[..1]),
        ("wide", &[], &[], &everywhere[..]),
    ] {
        let mut binding = cast.binding("@home", user, "Role/experiments");
        binding["metadata"]["name"] = json!(user);
        objects.push(binding);
        objects.extend(grant(&cast, "@team", user, &[std::slice::from_ref(&pods), of_team].concat(), None));
        objects.extend(grant(&cast, "@shop", user, of_shop, None));
        if !of_cluster.is_empty() {
            in_cluster.extend(grant_everywhere(&cast, user, of_cluster));
        }
    }
    cast.apply(&[&objects[..], &in_cluster].concat());
    let bound =
        json!({"namespace": "@team", "role": {"clusterRole": "view", "binds_to_namespaces": ["@shop"]}});
    let wide = json!({"namespace": "@team", "role": {"clusterRole": "view", "clusterWide": true}});
    for (user, spec, expected) in [
        ("no-binding", &bound, Some("create rolebindings.rbac.authorization.k8s.io -n @team")),
        ("no-bind", &bound, Some("bind clusterroles.rbac.authorization.k8s.io/view -n @team")),
        ("no-binding-there", &bound, Some("create rolebindings.rbac.authorization.k8s.io -n @shop")),
        ("no-bind-there", &bound, Some("bind clusterroles.rbac.authorization.k8s.io/view -n @shop")),
        ("all", &bound, None),
        ("all", &wide, Some("create clusterrolebindings.rbac.authorization.k8s.io")),
        ("no-wide-binding", &wide, Some("create clusterrolebindings.rbac.authorization.k8s.io")),
        ("no-wide-bind", &wide, Some("bind clusterroles.rbac.authorization.k8s.io/view")),
        ("wide", &wide, None),
    ] {
        let told = refusal(&cast, user, spec.clone()).await;
        let expected = expected.map(|right| cast.places(&format!("kubectl auth can-i {right}")));
        let is_told = match (&told, &expected) {
            (Some(told), Some(expected)) => told.ends_with(expected),
            (None, None) => true,
            _ => false,
        };
        assert!(is_told, "{user}: {expected:?}, but {told:?}");
    }
    cast.remove(&[policies, in_cluster].concat());
}

/// Gives a user all of these rights but one, or all of them.
fn grant(
    cast: &Cast,
    namespace: &str,
    user: &str,
    rights: &[[String; 3]],
    lacking: Option<usize>,
) -> [Value; 2] {
    let given =
        rights.iter().enumerate().filter(|(at, _)| Some(*at) != lacking).map(|(_, right)| rule(right));
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": user, "namespace": namespace}, "rules": given.collect::<Vec<_>>()});
    [role, cast.binding(namespace, user, &format!("Role/{user}"))]
}

async fn refusal(cast: &Cast, user: &str, spec: Value) -> Option<String> {
    let ask: Ask = central(spec);
    match ask.send(&cast.install.client, cast, &cast.name(user)).await {
        Answered::Refused(message) => Some(message),
        Answered::Allowed { .. } => None,
    }
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn whoever_lacks_one_right_of_a_run_is_told_which() {
    let cast = Cast::new("authors").await;
    let policies = install(&cast, judging());
    wait_until_judged(&cast).await;
    let owned = |right: [&str; 3]| right.map(str::to_owned);
    let role = of_the_role();
    let jobs = [owned(["create", "batch", "cronjobs"]), owned(["create", "batch", "jobs"])];
    let scheduled = [&role[..], &jobs].concat();
    let bindings = owned(["create", "rbac.authorization.k8s.io", "rolebindings"]);
    let bound = [&role[..], std::slice::from_ref(&bindings)].concat();
    let may_bind = [bindings, owned(["bind", "rbac.authorization.k8s.io", "roles"])];
    let escalate = owned(["escalate", "rbac.authorization.k8s.io", "roles"]);
    let may_write = [std::slice::from_ref(&may_bind[0]), &[escalate], &may_bind[1..]].concat();
    let pods = [owned(["create", "", "pods"])];

    let mut objects = Vec::new();
    let mut experiments = |user: &str| {
        let mut binding = cast.binding("@home", user, "Role/experiments");
        binding["metadata"]["name"] = json!(user);
        objects.push(binding);
    };
    let run = |at: usize| format!("run-{at}");
    let bind = |at: usize| format!("bind-{at}");
    let write = |at: usize| format!("write-{at}");
    (0..=may_write.len()).for_each(|at| experiments(&write(at)));
    (0..scheduled.len()).for_each(|at| experiments(&run(at)));
    (0..bound.len()).for_each(|at| experiments(&bind(at)));
    experiments("binder");
    for at in 0..scheduled.len() {
        objects.extend(grant(&cast, "@team", &run(at), &scheduled, Some(at)));
    }
    for at in 0..bound.len() {
        objects.extend(grant(&cast, "@team", &bind(at), &role, None));
        objects.extend(grant(&cast, "@shop", &bind(at), &bound, Some(at)));
    }
    // The last one lacks nothing.
    for at in 0..=may_write.len() {
        objects.extend(grant(&cast, "@team", &write(at), &[&pods, &may_write[..]].concat(), Some(at + 1)));
        objects.extend(grant(&cast, "@shop", &write(at), &may_write, Some(at)));
    }
    objects.extend(grant(&cast, "@team", "binder", &role, None));
    objects.extend(grant(&cast, "@shop", "binder", &may_bind, None));
    objects.extend(grant(&cast, "@other", "binder", &may_bind, None));
    cast.apply(&objects);

    let of_schedule = json!({"namespace": "@team", "schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}});
    let of_binding = json!({"namespace": "@team", "role": {"binds_to_namespaces": ["@shop"]}});
    let of_both = json!({"namespace": "@team", "role": {"binds_to_namespaces": ["@shop", "@other"]}});
    let told = |message: Option<String>, right: &[String; 3], place: &str| {
        let words = cast.places(&format!("{} {place}", shown(right)));
        // The right that only some clusters ask for says so.
        let message = message.map(|message| message.trim_end_matches(OF_RULES).to_owned());
        assert!(message.as_ref().is_some_and(|message| message.ends_with(&words)), "{words}: {message:?}");
    };
    for (at, right) in scheduled.iter().enumerate() {
        told(refusal(&cast, &run(at), of_schedule.clone()).await, right, "@team");
    }
    for (at, right) in bound.iter().enumerate() {
        assert_eq!(refusal(&cast, &bind(at), json!({"namespace": "@team"})).await, None);
        told(refusal(&cast, &bind(at), of_binding.clone()).await, right, "@shop");
    }
    let rules = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]);
    let of_rules = json!({"namespace": "@team", "role": {"rules": rules}});
    let mut bound_rules = of_rules.clone();
    bound_rules["role"]["binds_to_namespaces"] = json!(["@shop"]);
    for (at, right) in may_write.iter().enumerate() {
        told(refusal(&cast, &write(at), of_rules.clone()).await, right, "@team");
    }
    cast.apply(
        &(0..may_write.len())
            .flat_map(|at| grant(&cast, "@team", &write(at), &[&pods, &may_write[..]].concat(), None))
            .collect::<Vec<_>>(),
    );
    for (at, right) in may_write.iter().enumerate() {
        told(refusal(&cast, &write(at), bound_rules.clone()).await, right, "@shop");
    }
    assert_eq!(refusal(&cast, &write(may_write.len()), bound_rules).await, None);
    // Whoever may bind a Role need not hold its rights, in any number of namespaces.
    assert_eq!(refusal(&cast, "binder", of_binding).await, None);
    assert_eq!(refusal(&cast, "binder", of_both.clone()).await, None);
    // In several namespaces, nothing else counts.
    cast.apply(&grant(&cast, "@other", "binder", &bound, None));
    told(refusal(&cast, "binder", of_both).await, &may_bind[1], "@other");
    cast.remove(&policies);
}
