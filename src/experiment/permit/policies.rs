//! Whether the policies that name and judge authors are bound as shipped.
//!
//! Only an administrator of the cluster can change them. So the operator looks at what a policy depends on, and not at every
//! expression in it.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use crate::cluster::{self, Admission, Cluster};
use crate::experiment::context::Context;
use crate::experiment::error::Error;
use chaostoolkit_api::names;

/// For how long an answer counts.
const AGE: Duration = Duration::from_secs(30);

/// The namespace in which the shipped manifests install the operator. The names of its policies begin like that.
const SHIPPED: &str = "chaostoolkit-crd";

/// The policies about authors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// Writes down who makes a request.
    Stamp,
    /// Judges whether the author may make a request.
    Authors,
    /// The same, for the further namespaces of a run.
    AuthorsBound,
}

impl Policy {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Stamp => "stamp",
            Self::Authors => "authors",
            Self::AuthorsBound => "authors-bound",
        }
    }

    const fn admission(self) -> Admission {
        match self {
            Self::Stamp => Admission::Mutating,
            Self::Authors | Self::AuthorsBound => Admission::Validating,
        }
    }
}

/// Since when the policies are bound as shipped, if they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// The policy that names authors.
    pub stamp: Option<Timestamp>,
    /// The policies that judge requests.
    pub authors: Option<Timestamp>,
}

/// Finds out which policies are bound. The answer may be 30 seconds old.
pub async fn bound(context: &Context) -> Result<Bound, Error> {
    let stamp = since(context, Policy::Stamp).await?;
    let parts = [since(context, Policy::Authors).await?, since(context, Policy::AuthorsBound).await?];
    // Together from the time when the later one was bound, and only with both.
    Ok(Bound { stamp, authors: parts[0].zip(parts[1]).map(|(one, other)| one.max(other)) })
}

async fn since(context: &Context, policy: Policy) -> Result<Option<Timestamp>, Error> {
    let remembered = &context.answers.policies;
    if let Some(known) = remembered.get(policy.suffix(), AGE) {
        return Ok(known);
    }
    let since = look(&context.cluster, &context.config.namespace, policy).await?;
    remembered.put(policy.suffix().to_owned(), since, AGE);
    Ok(since)
}

/// Looks for a policy under its shipped name, and under that of an installation that was renamed.
async fn look(cluster: &Cluster, home: &str, policy: Policy) -> Result<Option<Timestamp>, cluster::Error> {
    let (mut refused, mut names) = (None, vec![format!("{SHIPPED}-{}", policy.suffix())]);
    if home != SHIPPED {
        names.push(format!("{home}-{}", policy.suffix()));
    }
    let count = names.len();
    for name in names {
        match look_at(cluster, home, policy, &name).await {
            Ok(Some(since)) => return Ok(Some(since)),
            Ok(None) => {}
            // A renamed installation may read the one, and any other installation the other.
            Err(error) if error.is_forbidden() && count > 1 && refused.is_none() => refused = Some(error),
            Err(error) => return Err(refused.unwrap_or(error)),
        }
    }
    Ok(None)
}

async fn look_at(
    cluster: &Cluster,
    home: &str,
    policy: Policy,
    name: &str,
) -> Result<Option<Timestamp>, cluster::Error> {
    let Some(binding) = cluster.admission_binding(policy.admission(), name).await? else { return Ok(None) };
    let refuses = match policy.admission() {
        Admission::Mutating => true,
        Admission::Validating => judges(&binding.data, home),
    };
    if !(refuses && is_binding(&binding.data, name)) {
        return Ok(None);
    }
    let Some(found) = cluster.admission_policy(policy.admission(), name).await? else { return Ok(None) };
    Ok(is_policy(&found.data, policy.admission()).then(|| created(&binding).max(created(&found))))
}

fn created(object: &DynamicObject) -> Timestamp {
    object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MAX, |time| time.0)
}

/// Whether a binding is for this policy and narrows it in no way.
fn is_binding(binding: &Value, policy: &str) -> bool {
    let spec = &binding["spec"];
    spec["policyName"] == policy
        && is_everywhere(&spec["matchResources"])
        && is_empty(&spec["matchResources"]["resourceRules"])
}

/// Whether a binding refuses what the policy does not allow. Its parameter is the account of the operator in this namespace,
/// which has the name of the namespace in a renamed installation.
fn judges(binding: &Value, home: &str) -> bool {
    let spec = &binding["spec"];
    let has_deny =
        spec["validationActions"].as_array().is_some_and(|actions| actions.contains(&json!("Deny")));
    let parameters = &spec["paramRef"];
    has_deny
        && [names::ACCOUNT, home].iter().any(|name| parameters["name"] == *name)
        && parameters["namespace"] == home
        && parameters["parameterNotFoundAction"] == "Deny"
}

/// Whether a policy sees all requests that create or change experiments, and fails closed.
fn is_policy(policy: &Value, admission: Admission) -> bool {
    let spec = &policy["spec"];
    let content = match admission {
        Admission::Mutating => "mutations",
        Admission::Validating => "validations",
    };
    let rules = spec["matchConstraints"]["resourceRules"].as_array();
    spec["failurePolicy"] == "Fail"
        && is_everywhere(&spec["matchConstraints"])
        && rules.is_some_and(|rules| rules.iter().any(sees_experiments))
        && !is_empty(&spec[content])
}

/// Whether no namespace, no label and no rule keeps a policy from requests.
fn is_everywhere(matched: &Value) -> bool {
    let selects_all =
        |selector: &Value| is_empty(&selector["matchLabels"]) && is_empty(&selector["matchExpressions"]);
    selects_all(&matched["namespaceSelector"])
        && selects_all(&matched["objectSelector"])
        && is_empty(&matched["excludeResourceRules"])
}

fn sees_experiments(rule: &Value) -> bool {
    let has = |field: &str, words: &[&str]| {
        let list = rule[field].as_array();
        list.is_some_and(|list| words.iter().any(|word| list.contains(&json!(word))))
    };
    let is_scoped = rule["scope"].as_str().is_none_or(|scope| matches!(scope, "*" | "Namespaced"));
    has("apiGroups", &[names::GROUP, "*"])
        && has("apiVersions", &["*", "v1"])
        && has("resources", &["chaosexperiments", "*", "*/*"])
        && has("operations", &["CREATE", "*"])
        && has("operations", &["UPDATE", "*"])
        && is_empty(&rule["resourceNames"])
        && is_scoped
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn policy() -> Value {
        json!({"spec": {"failurePolicy": "Fail", "validations": [{"expression": "false"}], "matchConstraints": {
            "namespaceSelector": {}, "objectSelector": {}, "matchPolicy": "Equivalent",
            "resourceRules": [{"apiGroups": ["chaostoolkit.org"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
                "resources": ["chaosexperiments"], "scope": "*"}]}}})
    }

    fn binding() -> Value {
        json!({"spec": {"policyName": "p", "validationActions": ["Deny"],
            "paramRef": {"name": "chaostoolkit-crd", "namespace": "home", "parameterNotFoundAction": "Deny"},
            "matchResources": {"namespaceSelector": {}, "objectSelector": {}, "matchPolicy": "Equivalent"}}})
    }

    #[test]
    fn what_is_shipped_counts() {
        assert!(is_policy(&policy(), Admission::Validating));
        assert!(is_binding(&binding(), "p") && judges(&binding(), "home"));
        let mut plain = binding();
        plain["spec"].as_object_mut().unwrap().remove("matchResources");
        assert!(is_binding(&plain, "p"));
    }

    #[rstest]
    #[case("/spec/failurePolicy", json!("Ignore"))]
    #[case("/spec/validations", json!([]))]
    #[case("/spec/matchConstraints/namespaceSelector", json!({"matchLabels": {"a": "b"}}))]
    #[case("/spec/matchConstraints/objectSelector", json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]}))]
    #[case("/spec/matchConstraints/resourceRules", json!([]))]
    #[case("/spec/matchConstraints/resourceRules/0/apiVersions", json!(["v2"]))]
    #[case("/spec/matchConstraints/resourceRules/0/apiGroups", json!(["apps"]))]
    #[case("/spec/matchConstraints/resourceRules/0/operations", json!(["CREATE"]))]
    #[case("/spec/matchConstraints/resourceRules/0/resources", json!(["chaosexperiments/status"]))]
    #[case("/spec/matchConstraints/resourceRules/0/scope", json!("Cluster"))]
    fn a_weaker_policy_does_not_count(#[case] path: &str, #[case] value: Value) {
        let mut weaker = policy();
        *weaker.pointer_mut(path).unwrap() = value;
        assert!(!is_policy(&weaker, Admission::Validating));
    }

    #[rstest]
    #[case("/spec/policyName", json!("other"))]
    #[case("/spec/validationActions", json!(["Warn", "Audit"]))]
    #[case("/spec/matchResources/namespaceSelector", json!({"matchLabels": {"a": "b"}}))]
    #[case("/spec/matchResources", json!({"resourceRules": [{"resourceNames": ["x"]}]}))]
    #[case("/spec/matchResources", json!({"excludeResourceRules": [{"apiGroups": ["*"]}]}))]
    #[case("/spec/paramRef", json!(null))]
    #[case("/spec/paramRef/name", json!("default"))]
    #[case("/spec/paramRef/namespace", json!("another"))]
    #[case("/spec/paramRef/parameterNotFoundAction", json!("Allow"))]
    fn a_weaker_binding_does_not_count(#[case] path: &str, #[case] value: Value) {
        let mut weaker = binding();
        *weaker.pointer_mut(path).unwrap() = value;
        assert!(!(is_binding(&weaker, "p") && judges(&weaker, "home")));
    }

    #[test]
    fn no_policy_is_too_odd() {
        for odd in [
            json!(null),
            json!({"spec": 1}),
            json!({"spec": {"matchConstraints": {"resourceRules": [1, null]}}}),
        ] {
            assert!(!is_policy(&odd, Admission::Mutating) && !is_binding(&odd, "p") && !judges(&odd, "home"));
        }
    }
}
