//! Properties of all objects that the operator would create.

use chaostoolkit_api::names;
use chaostoolkit_operator::yaml;
use serde_json::Value;

use super::{DEEPEST, NAMESPACE, depth};

/// How many bytes of objects the shipped templates make.
const OF_TEMPLATES: usize = 64 << 10;

/// How often the operator repeats what an author says: in the objects of each namespace that a role is bound in.
const COPIES: usize = 32;

/// Checks rendered objects: names and namespaces are valid, the workload is last and ours, the text parses again, and
/// there is not much more of it than of the input.
pub fn well_formed(objects: &[Value], input: usize) {
    let mut bytes = 0;
    for object in objects {
        let text = yaml::write(object);
        bytes += text.len();
        if depth(object) <= DEEPEST {
            assert_eq!(
                yaml::parse(&text).as_ref(),
                Ok(object),
                "what is rendered parses again:\n{text:.2000}"
            );
        }
        named(object);
    }
    assert!(bytes <= OF_TEMPLATES + COPIES * input, "{bytes} bytes of objects from {input} bytes");
    let workload = objects.last().expect("there is a workload");
    let pod = match workload["kind"].as_str() {
        Some("Pod") => workload,
        Some("CronJob") => &workload["spec"]["jobTemplate"]["spec"]["template"],
        _ => panic!("the workload is the last object: {workload:.2000}"),
    };
    assert_eq!(pod["spec"]["restartPolicy"], "Never", "a run is not repeated by the kubelet");
    restarts_no_toolkit(&pod["spec"]);
    assert_eq!(
        pod["metadata"]["labels"][names::UID_LABEL],
        "123e4567-e89b-12d3-a456-426614174000",
        "a pod has the uid of its experiment"
    );
    let finalizers = pod["metadata"]["finalizers"].as_array().expect("a pod has finalizers");
    assert!(
        finalizers.iter().any(|found| found == names::OUTCOME_FINALIZER),
        "a pod is held for its outcome"
    );
}

/// Checks that no container of a pod has the toolkit restarted.
fn restarts_no_toolkit(spec: &Value) {
    let list = |key: &str| spec[key].as_array().cloned().unwrap_or_default();
    let is_toolkit = |container: &Value| container["name"] == names::CONTAINER;
    for container in list("containers").iter().filter(|container| is_toolkit(container)) {
        assert_eq!(container.get("restartPolicy"), None, "a run is not repeated by its container");
    }
    for container in ["containers", "initContainers"].into_iter().flat_map(list) {
        let rules = container["restartPolicyRules"].as_array().cloned().unwrap_or_default();
        assert!(
            rules.iter().all(|rule| rule["action"] == "Restart"),
            "no container restarts others: {rules:?}"
        );
    }
}

/// Checks the name and the namespace of an object. Both become parts of a URL.
fn named(object: &Value) {
    let of = |key: &str| object["metadata"][key].as_str();
    let (kind, name) = (&object["kind"], of("name").expect("an object has a name"));
    let is_valid = match kind.as_str() {
        Some("Namespace") => names::check_dns_label(name).is_ok(),
        // Names of these may have any characters that leave the path of a URL as it is.
        Some("Role" | "RoleBinding" | "ClusterRoleBinding") => {
            let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
            name.bytes().all(is_harmless) && !["", ".", ".."].contains(&name) && name.len() <= 253
        }
        _ => names::check_dns_subdomain(name).is_ok(),
    };
    assert!(is_valid, "{kind} has the name {name:?}");
    if kind == "ClusterRoleBinding" {
        assert_eq!(of("namespace"), None, "{name}");
        return;
    }
    let namespace = if kind == "Namespace" { name } else { of("namespace").expect("it has a namespace") };
    let is_allowed = names::check_dns_label(namespace).is_ok()
        && !namespace.starts_with("kube-")
        && namespace != NAMESPACE;
    assert!(is_allowed, "{kind} {name} is in the namespace {namespace:?}");
}
