//! Checks the quantities of resources: the API server refuses a wrong one without its path.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>

use serde_json::Value;

use crate::process::resources::is_quantity;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes, PodSpec};

/// Checks the resources of `spec.pod.resources` and of the containers in `spec.pod.patch`.
pub fn check(pod: &PodSpec) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    let short = pod.resources.as_ref().unwrap_or(&Value::Null);
    mistakes.or(of_container("spec.pod.resources", short), ());
    let patched = pod.patch.as_ref().map_or(&Value::Null, |patch| &patch["spec"]);
    for list in ["containers", "initContainers"] {
        for (index, container) in patched[list].as_array().into_iter().flatten().enumerate() {
            let path = format!("spec.pod.patch.spec.{list}[{index}].resources");
            mistakes.or(of_container(&path, &container["resources"]), ());
        }
    }
    mistakes.none()
}

/// Checks the resources of a container, which are at a path.
fn of_container(path: &str, resources: &Value) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    for kind in ["requests", "limits"] {
        for (name, value) in resources[kind].as_object().into_iter().flatten() {
            if value.as_str().is_some_and(|text| !is_quantity(text)) {
                let problem = format!("{value} is not a quantity, such as 100m or 64Mi");
                mistakes.add(InvalidSpec::new(format!("{path}.{kind}.{name}"), problem));
            }
        }
    }
    mistakes.none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("0", true)]
    #[case("1", true)]
    #[case("1.5", true)]
    #[case(".5", true)]
    #[case("5.", true)]
    #[case("+1", true)]
    #[case("-1", true)]
    #[case("100m", true)]
    #[case("64Mi", true)]
    #[case("1Ei", true)]
    #[case("2E", true)]
    #[case("1e3", true)]
    #[case("1E-3", true)]
    #[case("lots", false)]
    #[case("", false)]
    #[case("1 Gi", false)]
    #[case("1GB", false)]
    #[case("1.2.3", false)]
    #[case("1e", false)]
    #[case("m", false)]
    fn quantities_are_those_of_kubernetes(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_quantity(text), expected);
    }

    #[test]
    fn a_wrong_quantity_is_named_by_its_path() {
        let resources =
            json!({"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": "lots", "memory": null}});
        let patch = json!({"spec": {"containers": [{}, {"resources": {"requests": {"memory": "1GB"}}}]}});
        let pod = PodSpec { resources: Some(resources), patch: Some(patch), ..PodSpec::default() };
        assert_eq!(
            check(&pod).unwrap_err().to_string(),
            "spec.pod.resources.limits.cpu: \"lots\" is not a quantity, such as 100m or 64Mi; \
             spec.pod.patch.spec.containers[1].resources.requests.memory: \"1GB\" is not a quantity, such as 100m or 64Mi"
        );
        for fine in [json!(null), json!({}), json!({"limits": null}), json!([1]), json!({"limits": "x"})] {
            assert!(of_container("r", &fine).is_ok(), "{fine}");
        }
    }
}
