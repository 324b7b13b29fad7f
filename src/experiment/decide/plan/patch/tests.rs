use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::strategic::tests::any_value;

fn read(pod: Value, has_runner: bool) -> Result<Patches, InvalidSpec> {
    let parsed = Spec::parse(Some(&json!({"pod": pod})))?;
    patches(&parsed.spec.pod.unwrap_or_default(), has_runner)
}

/// Returns the paths of all mistakes.
fn mistakes(pod: Value) -> Vec<String> {
    let found = read(pod, true).err();
    let found = found.iter().flat_map(InvalidSpec::all);
    found.map(|one| one.path.clone()).collect()
}

#[test]
fn the_short_forms_make_one_patch() {
    let pod = json!({
        "labels": {"team": "a"}, "annotations": {"note": "b c"}, "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "spot", "operator": "Exists"}], "resources": {"limits": {"cpu": 2, "memory": "1Gi"}},
        "imagePullSecrets": [{"name": "registry"}], "imagePullPolicy": "IfNotPresent", "priorityClassName": "high",
        "securityContext": {"fsGroup": 1000}, "volumes": [{"name": "data", "emptyDir": {}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}], "envFrom": [{"secretRef": {"name": "keys"}}],
    });
    let patches = read(pod, true).unwrap();
    let expected = json!({
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "b c"}},
        "spec": {
            "nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "spot", "operator": "Exists"}],
            "imagePullSecrets": [{"name": "registry"}], "priorityClassName": "high",
            "securityContext": {"fsGroup": 1000}, "volumes": [{"name": "data", "emptyDir": {}}],
            "containers": [{
                "name": "chaostoolkit", "resources": {"limits": {"cpu": 2, "memory": "1Gi"}},
                "imagePullPolicy": "IfNotPresent", "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }],
        },
    });
    assert_eq!(patches.short, Some(expected));
    assert_eq!(patches.env_from, [json!({"secretRef": {"name": "keys"}})]);
    assert_eq!(patches.own, None);
}

#[rstest]
#[case(json!({}))]
#[case(json!({"patch": null, "resources": null, "volumes": null, "labels": null, "imagePullPolicy": ""}))]
#[case(json!({"patch": {}}))]
#[case::with_a_pod_of_the_authors_own(json!({"template": "kind: Pod", "patch": {"status": {}}, "volumes": [{}]}))]
fn nothing_is_merged_into_the_pod_of_an_author_who_asks_for_nothing(#[case] pod: Value) {
    assert_eq!(read(pod, true).unwrap(), Patches::default());
}

#[rstest]
#[case(json!({"metadata": {"name": "a"}}), "metadata.name")]
#[case(json!({"metadata": {"generateName": "a"}}), "metadata.generateName")]
#[case(json!({"metadata": {"namespace": "a"}}), "metadata.namespace")]
#[case(json!({"metadata": {"uid": "a"}}), "metadata.uid")]
#[case(json!({"metadata": {"ownerReferences": []}}), "metadata.ownerReferences")]
#[case(json!({"metadata": {"finalizers": null}}), "metadata.finalizers")]
#[case(json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}), "metadata.$deleteFromPrimitiveList/finalizers")]
#[case(json!({"metadata": {"labels": {"chaostoolkit.org/run": "5"}}}), "metadata.labels[\"chaostoolkit.org/run\"]")]
#[case(json!({"metadata": {"labels": {"chaostoolkit.org/run": null}}}), "metadata.labels[\"chaostoolkit.org/run\"]")]
#[case(json!({"metadata": {"annotations": {"chaostoolkit.org/mark": "5"}}}), "metadata.annotations[\"chaostoolkit.org/mark\"]")]
#[case(json!({"metadata": {"$patch": "replace"}}), "metadata.$patch")]
#[case(json!({"metadata": null}), "metadata")]
#[case(json!({"apiVersion": "v2"}), "apiVersion")]
#[case(json!({"kind": "Job"}), "kind")]
#[case(json!({"kind": null}), "kind")]
#[case(json!({"status": {}}), "status")]
#[case(json!({"$patch": "delete"}), "$patch")]
#[case(json!({"$retainKeys": ["spec"], "spec": {}}), "$retainKeys")]
#[case(json!({"spec": null}), "spec")]
#[case(json!({"spec": {"$patch": "replace"}}), "spec.$patch")]
#[case(json!({"spec": {"$retainKeys": []}}), "spec.$retainKeys")]
#[case(json!({"spec": {"$deleteFromPrimitiveList/containers": null}}), "spec.$deleteFromPrimitiveList/containers")]
#[case(json!({"spec": {"serviceAccountName": "admin"}}), "spec.serviceAccountName")]
#[case(json!({"spec": {"serviceAccountName": null}}), "spec.serviceAccountName")]
#[case(json!({"spec": {"serviceAccount": "admin"}}), "spec.serviceAccount")]
#[case(json!({"spec": {"restartPolicy": "Always"}}), "spec.restartPolicy")]
#[case(json!({"spec": {"activeDeadlineSeconds": 5}}), "spec.activeDeadlineSeconds")]
#[case(json!({"spec": {"terminationGracePeriodSeconds": -1}}), "spec.terminationGracePeriodSeconds")]
#[case(json!({"spec": {"containers": null}}), "spec.containers")]
#[case(json!({"spec": {"containers": [{"$patch": "replace"}, {"name": "chaostoolkit"}]}}), "spec.containers[0].$patch")]
#[case(json!({"spec": {"containers": [{"name": "a"}, {"name": "chaostoolkit", "$patch": "delete"}]}}), "spec.containers[1].$patch")]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "$retainKeys": ["name"]}]}}), "spec.containers[0].$retainKeys")]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "command": null}]}}), "spec.containers[0].command")]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "command": []}]}}), "spec.containers[0].command")]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "$deleteFromPrimitiveList/command": ["chaos"]}]}}), "spec.containers[0].$deleteFromPrimitiveList/command")]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "restartPolicy": "Always"}]}}), "spec.containers[0].restartPolicy")]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "restartPolicyRules": [{"action": "Restart"}]}]}}), "spec.containers[0].restartPolicyRules")]
#[case(json!({"spec": {"containers": [{"name": "a", "restartPolicyRules": [{"action": "Restart"}, {"action": "RestartAllContainers"}]}]}}), "spec.containers[0].restartPolicyRules")]
#[case(json!({"spec": {"initContainers": [{"name": "a", "restartPolicyRules": [{"action": "RestartAllContainers"}]}]}}), "spec.initContainers[0].restartPolicyRules")]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "volumeMounts": null}]}}), "spec.containers[0].volumeMounts")]
#[case(json!({"spec": {"containers": [{"name": "a", "volumeMounts": [{"name": "chaostoolkit-runner", "mountPath": "/x"}]}]}}), "spec.containers[0].volumeMounts[0].name")]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "volumeMounts": [{"name": "a", "mountPath": "/b/..//chaostoolkit-runner/x"}]}]}}), "spec.containers[0].volumeMounts[0].mountPath")]
#[case(json!({"spec": {"containers": [{"name": "journal"}]}}), "spec.containers[0].name")]
#[case(json!({"spec": {"initContainers": [{"name": "journal", "$patch": "delete"}]}}), "spec.initContainers[0].name")]
#[case(json!({"spec": {"initContainers": [{"name": "chaostoolkit-runner"}]}}), "spec.initContainers[0].name")]
#[case(json!({"spec": {"volumes": [{"name": "chaostoolkit-runner", "emptyDir": {}}]}}), "spec.volumes[0].name")]
#[case(json!({"spec": {"volumes": null}}), "spec.volumes")]
#[case(json!({"spec": {"volumes": [{"$patch": "replace"}]}}), "spec.volumes[0].$patch")]
fn a_patch_cannot_name_what_the_operator_sets_or_needs(#[case] patch: Value, #[case] path: &str) {
    let invalid = read(json!({"patch": patch}), true).unwrap_err();
    assert_eq!(invalid.path, format!("spec.pod.patch.{path}"), "{invalid}");
    assert_eq!(invalid.more, [], "{invalid}");
}

#[rstest]
#[case(json!({"spec": {"nodeName": "a", "hostNetwork": true, "automountServiceAccountToken": false}}))]
#[case(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": null, "$patch": "replace"}, "annotations": null}}))]
#[case(json!({"spec": {"containers": [{"name": "a", "$patch": "delete"}, {"name": "chaostoolkit", "command": ["env", "chaos"], "args": null}]}}))]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "env": [{"name": "A", "$patch": "delete"}], "$setElementOrder/env": [{"name": "B"}]}]}}))]
#[case(json!({"spec": {"initContainers": [{"$patch": "replace"}, {"name": "a", "restartPolicy": "Always"}], "terminationGracePeriodSeconds": null}}))]
#[case(json!({"spec": {"containers": [{"name": "chaostoolkit", "resources": {"limits": {"cpu": 1, "memory": null}}}], "volumes": [{"name": "a", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}]}}))]
#[case(json!({"spec": {"containers": [{"name": "a", "restartPolicy": "Never", "restartPolicyRules": [{"action": "Restart"}]}]}}))]
#[case::of_a_later_version(json!({"spec": {"later": [{"name": "a"}], "containers": [{"name": "a", "laterToo": {"b": 1}}]}}))]
fn a_patch_may_change_the_rest(#[case] patch: Value) {
    assert_eq!(read(json!({"patch": patch}), true).unwrap().own, Some(patch));
}

#[rstest]
#[case(json!({"spec": {"containers": [{"name": "journal"}, {"name": "chaostoolkit", "command": null}]}}))]
#[case(json!({"spec": {"volumes": [{"name": "chaostoolkit-runner", "emptyDir": {}}]}}))]
fn without_the_runner_its_names_are_free(#[case] patch: Value) {
    assert!(read(json!({"patch": patch}), false).is_ok());
    assert!(read(json!({"patch": patch}), true).is_err());
}

#[rstest]
#[case(json!({"tolerations": [{}, {"tolerationSeconds": "x"}]}), "spec.pod.tolerations[1].tolerationSeconds")]
#[case(json!({"resources": {"limits": {"cpu": []}}}), "spec.pod.resources.limits.cpu")]
#[case(json!({"resources": {"limits": 5}}), "spec.pod.resources.limits")]
#[case(json!({"securityContext": {"runAsNonRoot": "yes"}}), "spec.pod.securityContext.runAsNonRoot")]
#[case(json!({"securityContext": {"$patch": "replace"}}), "spec.pod.securityContext")]
#[case(json!({"imagePullSecrets": [{"name": 5}]}), "spec.pod.imagePullSecrets[0].name")]
#[case(json!({"imagePullSecrets": [{}]}), "spec.pod.imagePullSecrets[0].name")]
#[case(json!({"imagePullPolicy": "Sometimes"}), "spec.pod.imagePullPolicy")]
#[case(json!({"priorityClassName": "High"}), "spec.pod.priorityClassName")]
#[case(json!({"volumes": [{"emptyDir": {}}]}), "spec.pod.volumes[0].name")]
#[case(json!({"volumes": [{"name": "a", "emptyDir": {"medium": 5}}]}), "spec.pod.volumes[0].emptyDir.medium")]
#[case(json!({"volumes": [{"name": "chaostoolkit-runner"}]}), "spec.pod.volumes[0].name")]
#[case(json!({"volumes": [{"name": "a", "$patch": "delete"}]}), "spec.pod.volumes[0]")]
#[case(json!({"volumeMounts": [{"name": "a"}]}), "spec.pod.volumeMounts[0].mountPath")]
#[case(json!({"volumeMounts": [{"name": "a", "mountPath": "/chaostoolkit-runner"}]}), "spec.pod.volumeMounts[0].mountPath")]
#[case(json!({"envFrom": [{"secretRef": "a"}]}), "spec.pod.envFrom[0].secretRef")]
#[case(json!({"labels": {"a b": "c"}}), "spec.pod.labels[\"a b\"]")]
#[case(json!({"labels": {"chaostoolkit.org/run": "1"}}), "spec.pod.labels[\"chaostoolkit.org/run\"]")]
#[case(json!({"nodeSelector": {"disk": "a b"}}), "spec.pod.nodeSelector[\"disk\"]")]
#[case(json!({"annotations": {"chaostoolkit.org/mark": "1"}}), "spec.pod.annotations[\"chaostoolkit.org/mark\"]")]
#[case(json!({"patch": {"spec": {"hostNetwork": "yes"}}}), "spec.pod.patch.spec.hostNetwork")]
#[case(json!({"patch": {"spec": {"containers": {"name": "a"}}}}), "spec.pod.patch.spec.containers")]
#[case(json!({"patch": {"spec": {"containers": [{"image": "a"}]}}}), "spec.pod.patch.spec.containers[0]")]
#[case(json!({"patch": {"spec": {"initContainers": [{"name": "a", "$patch": "merge"}]}}}), "spec.pod.patch.spec.initContainers[0].$patch")]
#[case(json!({"patch": {"metadata": {"labels": {"a": 5}}}}), "spec.pod.patch.metadata.labels.a")]
fn a_wrong_value_is_named_by_its_path(#[case] pod: Value, #[case] path: &str) {
    assert_eq!(mistakes(pod), [path]);
}

#[test]
fn a_field_that_this_operator_does_not_know_is_told_and_goes_on() {
    let spec = json!({"pod": {
        "tolerations": [{"key": "a", "later": 1}],
        "patch": {"specc": {}, "spec": {"containers": [{"name": "a", "later": {}, "$setElementOrder/env": []}]}},
    }});
    let parsed = Spec::parse(Some(&spec)).unwrap();
    let expected =
        ["spec.pod.tolerations[0].later", "spec.pod.patch.spec.containers[0].later", "spec.pod.patch.specc"];
    let mut unknown = unknown(&parsed.spec);
    unknown.sort_by_key(|path| expected.iter().position(|known| known == path));
    assert_eq!(unknown, expected);
}

#[rstest]
#[case(json!({"args": ["run", "other.json"]}), Some("the command line"))]
#[case(json!({"command": ["sh"]}), Some("the command line"))]
#[case(json!({"$setElementOrder/args": []}), Some("the command line"))]
#[case(json!({"env": [{"name": "EXPERIMENT_PATH", "value": "other.json"}]}), Some("the file of the experiment"))]
#[case(json!({"env": null}), Some("the file of the experiment"))]
#[case(json!({"volumeMounts": [{"mountPath": "/home/svc//experiment.json", "name": "a"}]}), Some("the file of the experiment"))]
#[case(json!({"volumeMounts": [{"mountPath": "/chaostoolkit-artifact/x", "name": "a"}]}), Some("the file of the experiment"))]
#[case(json!({"volumeMounts": [{"mountPath": "/x", "name": "chaostoolkit-artifact"}]}), Some("the file of the experiment"))]
#[case(json!({"volumeMounts": [{"mountPath": "/home/svc/.aws", "name": "a"}], "env": [{"name": "A"}], "image": "x"}), None)]
fn it_is_known_whether_a_patch_changes_what_runs(#[case] fields: Value, #[case] expected: Option<&str>) {
    let mut container = fields.clone();
    container["name"] = json!("chaostoolkit");
    assert_eq!(changes_what_runs(&json!({"spec": {"containers": [container]}})), expected);
    container["name"] = json!("helper");
    assert_eq!(changes_what_runs(&json!({"spec": {"containers": [container]}})), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn whatever_an_author_patches_nothing_panics(value in any_value(), spec in any_value(), has_runner in any::<bool>()) {
        for patch in [value, json!({"spec": spec.clone()}), json!({"spec": {"containers": [spec]}})] {
            let list = Some(vec![patch.clone()]);
            let pod = PodSpec {
                patch: Some(patch.clone()),
                resources: Some(patch.clone()),
                security_context: Some(patch.clone()),
                volumes: list.clone(),
                volume_mounts: list.clone(),
                env_from: list.clone(),
                tolerations: list,
                ..PodSpec::default()
            };
            let _ = patches(&pod, has_runner);
            let _ = unknown(&Spec { pod: Some(pod), ..Spec::default() });
            let _ = changes_what_runs(&patch);
        }
    }
}
