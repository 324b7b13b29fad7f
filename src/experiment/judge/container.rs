//! Which container of a pod runs the toolkit, and which one has the journal: pure.

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

/// The container that has the journal in its log: the one that `build/injection.rs` adds. An author's pod may have sidecars
/// of its own, and one of the same name. The operator adds its own after them.
#[must_use]
pub fn sidecar(pod: &Pod) -> Option<&Container> {
    let candidates = pod.spec.as_ref()?.init_containers.iter().flatten();
    candidates.rev().find(|container| {
        let is_named = [names::SIDECAR, names::RUNNER_VOLUME].contains(&container.name.as_str());
        let mut words = container.command.iter().flatten().map(String::as_str);
        is_named
            && container.restart_policy.as_deref() == Some("Always")
            && [words.next(), words.next(), words.next()] == names::SIDECAR_COMMAND.map(Some)
    })
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

    #[rstest]
    #[case::ours(json!([["journal", "/chaos-runner", "sidecar", "/chaostoolkit-runner"]]), Some("journal"))]
    #[case::after_the_authors_own(json!([["proxy", "/proxy"], ["journal", "/mine"],
        ["chaostoolkit-runner", "/chaos-runner", "sidecar", "/chaostoolkit-runner", "--no-journal"]]), Some("chaostoolkit-runner"))]
    #[case::before_that_of_a_webhook(json!([["journal", "/chaos-runner", "sidecar", "/chaostoolkit-runner"], ["proxy", "/proxy"]]),
        Some("journal"))]
    #[case::another_command(json!([["journal", "/bin/cat", "/forged"]]), None)]
    #[case::another_name(json!([["mine", "/chaos-runner", "sidecar", "/chaostoolkit-runner"]]), None)]
    fn the_journal_is_in_the_log_of_the_sidecar_that_the_operator_added(
        #[case] sidecars: Value,
        #[case] expected: Option<&str>,
    ) {
        let mount = json!([{"name": "chaostoolkit-runner", "mountPath": "/chaostoolkit-runner"}]);
        let sidecars: Vec<Value> = sidecars.as_array().unwrap().iter().map(|words| {
            let words = words.as_array().unwrap();
            json!({"name": words[0], "command": words[1..], "restartPolicy": "Always", "volumeMounts": mount})
        }).collect();
        let pod =
            serde_json::from_value(json!({"spec": {"containers": [], "initContainers": sidecars}})).unwrap();
        assert_eq!(sidecar(&pod).map(|container| container.name.as_str()), expected);
    }
}
