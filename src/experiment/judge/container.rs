//! Which container of a pod runs the toolkit: pure.

use k8s_openapi::api::core::v1::{Container, Pod};

use chaostoolkit_api::names;

/// Finds the container that runs the toolkit. It is called `chaostoolkit`. A pod of the author's own may have another
/// name for its only container. Others may add containers to such a pod, so two marks of the operator tell which one it
/// is: the runner, and the annotation that names the container.
#[must_use]
pub fn toolkit(pod: &Pod) -> Option<&Container> {
    let containers = &pod.spec.as_ref()?.containers;
    let find = |wanted: &dyn Fn(&&Container) -> bool| containers.iter().find(|container| wanted(container));
    let has_runner = |container: &&Container| {
        container
            .command
            .as_ref()
            .and_then(|command| command.first())
            .is_some_and(|first| first == names::RUNNER)
    };
    let marked = pod.metadata.annotations.as_ref().and_then(|all| all.get(names::CONTAINER_ANNOTATION));
    find(&|container| container.name == names::CONTAINER)
        .or_else(|| find(&has_runner))
        .or_else(|| find(&|container| Some(&container.name) == marked))
}

/// Returns the name of the container that runs the toolkit.
#[must_use]
pub fn name(pod: &Pod) -> &str {
    toolkit(pod).map_or(names::CONTAINER, |container| container.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::by_its_name(json!({}), json!([{"name": "proxy"}, {"name": "chaostoolkit"}]), "chaostoolkit")]
    #[case::by_the_runner(json!({}), json!([{"name": "proxy"}, {"name": "mine", "command": [names::RUNNER, "run"]}]), "mine")]
    #[case::by_its_mark(json!({"annotations": {"kubectl.kubernetes.io/default-container": "mine"}}),
        json!([{"name": "proxy", "command": ["proxy"]}, {"name": "mine"}]), "mine")]
    #[case::unknown(json!({}), json!([{"name": "proxy"}, {"name": "mine"}]), "chaostoolkit")]
    fn the_container_is_found(#[case] metadata: Value, #[case] containers: Value, #[case] expected: &str) {
        let pod: Pod =
            serde_json::from_value(json!({"metadata": metadata, "spec": {"containers": containers}}))
                .unwrap();
        assert_eq!(name(&pod), expected);
    }
}
