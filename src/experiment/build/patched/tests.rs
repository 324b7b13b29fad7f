use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::experiment::build::build;
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::{self, Facts};
use crate::experiment::decide::templates::tests::shipped;
use crate::process::config::Runner;
use chaostoolkit_api::{Experiment, Spec};

/// Plans the run of an experiment with the label `team: a`.
fn planned(spec: &Value) -> Plan {
    let experiment: Experiment = serde_json::from_value(json!({
        "metadata": {"name": "exp", "namespace": "authors", "uid": "123e4567-e89b-12d3-a456-426614174000",
            "labels": {"team": "a"}},
        "spec": spec,
    }))
    .unwrap();
    let runner = Runner { image: "operator".into(), ..Runner::default() };
    let facts =
        Facts { operator_namespace: "authors".into(), has_default_env: true, runner, ..Facts::default() };
    plan::plan(&experiment, &Spec::parse(experiment.spec.as_ref()).unwrap(), &facts).unwrap()
}

fn built_from(spec: &Value, templates: &Templates) -> Result<Resources, TemplateError> {
    build(&planned(spec), templates)
}

/// Builds the pod of a run, or that of a schedule.
fn pod(options: &Value, is_scheduled: bool) -> Value {
    let schedule = is_scheduled.then(|| json!({"kind": "cronJob", "value": "0 0 1 1 *"}));
    let spec = json!({"pod": options, "schedule": schedule, "activeDeadlineSeconds": 60});
    built_from(&spec, &shipped()).unwrap().pod().clone()
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|item| item["name"] == name).unwrap()
}

#[rstest]
#[case::of_a_run(false)]
#[case::of_a_schedule(true)]
fn the_short_forms_are_in_the_pod_beside_what_the_template_has(#[case] is_scheduled: bool) {
    let options = json!({
        "labels": {"team": "b", "app": "mine"}, "annotations": {"note": "n"}, "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "spot"}], "resources": {"limits": {"memory": "1Gi"}},
        "imagePullSecrets": [{"name": "registry"}], "imagePullPolicy": "Never", "priorityClassName": "high",
        "securityContext": {"fsGroup": 5}, "volumes": [{"name": "data", "emptyDir": {}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}], "envFrom": [{"secretRef": {"name": "keys"}}],
    });
    let pod = pod(&options, is_scheduled);
    let (labels, spec) = (&pod["metadata"]["labels"], &pod["spec"]);
    assert_eq!((&labels["team"], &labels["app"]), (&json!("b"), &json!("mine")));
    assert_eq!(labels["chaostoolkit.org/experiment-uid"], "123e4567-e89b-12d3-a456-426614174000");
    assert_eq!(pod["metadata"]["annotations"]["note"], "n");
    assert_eq!(pod["metadata"]["annotations"]["chaostoolkit.org/experiment"], "authors/exp");
    assert_eq!(
        (&spec["nodeSelector"], &spec["priorityClassName"]),
        (&json!({"disk": "ssd", "kubernetes.io/os": "linux"}), &json!("high"))
    );
    assert_eq!(spec["tolerations"], json!([{"key": "spot"}]));
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "registry"}]));
    assert_eq!(spec["securityContext"], json!({"fsGroup": 5, "seccompProfile": {"type": "RuntimeDefault"}}));
    let container = &spec["containers"][0];
    assert_eq!(container["imagePullPolicy"], "Never");
    assert_eq!(
        container["resources"],
        json!({"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "512Mi"}})
    );
    let sources = json!([{"configMapRef": {"name": "chaostoolkit-env"}}, {"secretRef": {"name": "keys"}}]);
    assert_eq!(container["envFrom"], sources);
    for volume in ["data", "chaostoolkit-experiment", "chaostoolkit-runner"] {
        named(&spec["volumes"], volume);
        named(&container["volumeMounts"], volume);
    }
}

#[rstest]
#[case::of_a_run(false)]
#[case::of_a_schedule(true)]
fn the_patch_comes_after_all_options_and_before_what_the_operator_sets(#[case] is_scheduled: bool) {
    let options = json!({
        "image": "one", "priorityClassName": "low", "env": [{"name": "A", "value": "1"}],
        "patch": {
            "metadata": {"labels": {"team": null, "app": null, "tier": "x"}, "annotations": {"note": "n"}},
            "spec": {
                "priorityClassName": "high", "topologySpreadConstraints": null, "terminationGracePeriodSeconds": 864_000,
                "securityContext": {"$patch": "replace", "runAsUser": 7},
                "containers": [
                    {"name": "helper", "image": "h"},
                    {"name": "chaostoolkit", "image": "two", "command": ["env", "chaos"],
                        "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}],
                        "securityContext": {"capabilities": {"drop": null}}},
                ],
                "volumes": [{"name": "secret", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}],
            },
        },
    });
    let pod = pod(&options, is_scheduled);
    let (metadata, spec) = (&pod["metadata"], &pod["spec"]);
    assert_eq!((&metadata["labels"]["tier"], &metadata["annotations"]["note"]), (&json!("x"), &json!("n")));
    assert_eq!(metadata["labels"].get("app"), None, "that of the template");
    assert_eq!(metadata["labels"]["team"], "a", "a label of the experiment is set after the patch");
    assert_eq!(metadata["finalizers"], json!(["chaostoolkit.org/outcome"]));
    assert_eq!((&spec["restartPolicy"], &spec["activeDeadlineSeconds"]), (&json!("Never"), &json!(60)));
    assert_eq!(spec["serviceAccountName"], "chaostoolkit-a235f4ad3e");
    assert_eq!(spec["terminationGracePeriodSeconds"], 86_400);
    assert_eq!((&spec["priorityClassName"], spec.get("topologySpreadConstraints")), (&json!("high"), None));
    assert_eq!(
        spec["securityContext"],
        json!({"runAsUser": 7, "seccompProfile": {"type": "RuntimeDefault"}})
    );
    assert_eq!(*named(&spec["volumes"], "secret"), json!({"name": "secret", "secret": {"secretName": "s"}}));
    let container = &spec["containers"][0];
    assert_eq!((&container["name"], &container["image"]), (&json!("chaostoolkit"), &json!("two")));
    assert_eq!(spec["containers"][1], json!({"name": "helper", "image": "h"}));
    let command = ["/chaostoolkit-runner/chaos-runner", "run", "/chaostoolkit-runner", "--", "env", "chaos"];
    assert_eq!(container["command"], json!(command));
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(
        (&named(&container["env"], "A")["value"], &named(&container["env"], "B")["value"]),
        (&json!("2"), &json!("3"))
    );
    assert_eq!(spec["initContainers"][0]["name"], "journal");
}

#[test]
fn the_pod_keeps_its_name() {
    let resources = built_from(&json!({"pod": {"patch": {"metadata": {"labels": {"a": "b"}}}}}), &shipped());
    assert_eq!(resources.unwrap().workload.name(), "chaostoolkit-a235f4ad3e");
}

#[test]
fn a_pod_of_the_authors_own_stays_as_it_is() {
    let template = json!({"spec": {"containers": [{"name": "chaostoolkit", "command": ["chaos"]}]}});
    let pod = pod(
        &json!({"template": template, "labels": {"x": "y"}, "patch": {"spec": {"nodeName": "a"}}}),
        false,
    );
    assert_eq!((pod["metadata"]["labels"].get("x"), pod["spec"].get("nodeName")), (None, None));
}

#[rstest]
#[case::not_a_list_of_mappings(
    "{kind: Pod, metadata: {name: a}, spec: {containers: [{name: chaostoolkit}], volumes: [x]}}",
    "cannot be merged with spec.pod.patch: spec.volumes: has items of different kinds"
)]
#[case::without_names(
    "{kind: Pod, metadata: {name: a}, spec: {containers: [{name: chaostoolkit}], volumes: [{emptyDir: {}}]}}",
    "cannot be merged with spec.pod.patch: spec.volumes: has an item without name"
)]
fn a_template_that_no_patch_fits_is_named(#[case] template: &str, #[case] expected: &str) {
    let templates = shipped().with(Template::Pod, template.to_owned());
    let spec =
        json!({"pod": {"settings": {"enabled": true}, "patch": {"spec": {"volumes": [{"name": "b"}]}}}});
    let problem = built_from(&spec, &templates).unwrap_err().to_string();
    assert!(problem.contains(expected), "{problem}");
}
