//! Runs that wait before they start, and specs that keep a run from starting.

use chaostoolkit_api::names;
use serde_json::json;

use super::*;
use crate::fake_api::Call;

#[tokio::test]
async fn an_object_of_somebody_else_is_left_alone_and_the_run_waits_until_it_is_gone() {
    let metadata = |name: &str| json!({"name": name, "namespace": "chaostoolkit-run"});
    let rbac = "rbac.authorization.k8s.io/v1";
    let foreigners = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("chaostoolkit-a235f4ad3e")}),
        json!({"apiVersion": rbac, "kind": "Role", "metadata": metadata("chaostoolkit-experiment-a235f4ad3e")}),
        json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": metadata("chaostoolkit-experiment-a235f4ad3e")}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("chaostoolkit-env-a235f4ad3e")}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata("chaostoolkit-a235f4ad3e"), "status": {"phase": "Succeeded"}}),
    ];
    for foreigner in foreigners {
        for is_removed in [true, false] {
            let fake = cluster_for_runs();
            let mut operator = Operator::new(&fake, Hangs::Crash);
            let path = fake.put(foreigner.clone());
            let before = fake.get(&path);
            fake.put(experiment(&json!({})));
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(status(&fake)["reason"], "NameConflict", "{path}");
            assert_eq!(status(&fake)["phase"], "Blocked", "{path}");
            assert_eq!((fake.get(&path), pods_created(&fake)), (before.clone(), 0));
            if is_removed {
                fake.delete(&path);
                settle(&fake, &mut operator, Some(0)).await;
                assert_eq!(status(&fake)["phase"], "Completed", "{path}");
                assert_eq!(pods_created(&fake), 1);
                fake.delete(EXPERIMENT);
                settle(&fake, &mut operator, None).await;
                nothing_is_left(&fake);
            } else {
                fake.delete(EXPERIMENT);
                settle(&fake, &mut operator, None).await;
                assert_eq!(fake.get(&path), before);
                fake.vanish(&path);
                nothing_is_left(&fake);
            }
        }
    }
}

#[tokio::test]
async fn an_edit_before_the_start_leaves_nothing_in_the_namespace_before() {
    let fake = judged(cluster());
    let mut operator = Operator::new(&fake, Hangs::Crash);
    // The `ConfigMap` of variables has the name of an object that somebody else owns, so the run gets stuck
    // halfway.
    fake.put(namespace("old"));
    fake.put(config_map("old"));
    let foreign = json!({"name": "chaostoolkit-env-a235f4ad3e", "namespace": "old"});
    let foreign = fake.put(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": foreign}));
    fake.put(experiment(&json!({"namespace": "old"})));
    settle(&fake, &mut operator, Some(0)).await;
    let ours_in_old = || {
        fake.objects()
            .into_iter()
            .filter(|(path, object)| {
                path.contains("/old/") && object["metadata"]["labels"][names::UID_LABEL] == UID
            })
            .count()
    };
    assert_eq!(ours_in_old(), 3, "account, role and binding");
    fake.put(namespace("chaostoolkit-run"));
    fake.put(config_map("chaostoolkit-run"));
    fake.edit(EXPERIMENT, |experiment| experiment["spec"] = json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_eq!(ours_in_old(), 0);
    assert!(fake.get(&foreign).is_some());
    assert_eq!(pods_created(&fake), 1);
}

#[tokio::test]
async fn an_experiment_without_created_objects_is_gone_at_once() {
    for spec in [json!({"namespace": "kube-system"}), json!({"pod": "x"}), json!("x")] {
        let (fake, mut operator) = begin_in(cluster(), &spec);
        settle(&fake, &mut operator, None).await;
        assert_eq!(status(&fake)["reason"], "InvalidSpec");
        assert_eq!(fake.writes().iter().map(short).collect::<Vec<_>>(), ["PATCH status"]);
        fake.delete(EXPERIMENT);
        assert_eq!(fake.get(EXPERIMENT), None);
    }
    // The same holds if the experiment has a finalizer of somebody else.
    let (fake, mut operator) = begin_in(cluster(), &json!({}));
    fake.edit(EXPERIMENT, |experiment| experiment["metadata"]["finalizers"] = json!(["example.com/other"]));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert!(fake.writes().is_empty());
}

/// The spec can be read, but not planned. If the end had a new time in each pass, each write would cause the next
/// pass.
#[tokio::test]
async fn a_spec_that_is_rejected_late_is_rejected_once_however_long_passes_take() {
    let spec = json!({"schedule": {"value": "0 0 1 1 *"}});
    let (fake, mut operator) = begin(&spec);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["reason"], "InvalidSpec");
    fake.edit(EXPERIMENT, |experiment| {
        for condition in experiment["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!("2026-01-01T00:00:00Z");
        }
    });
    let changes = fake.changes();
    operator.pass().await;
    assert_eq!(fake.changes(), changes, "there is nothing new to say");
}

#[tokio::test]
async fn a_waiting_run_reads_and_writes_nothing() {
    let (fake, mut operator) = begin_in(cluster(), &json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
    let before = fake.calls().len();
    operator.pass().await;
    operator.pass().await;
    let writes: Vec<Call> =
        fake.calls().split_off(before).into_iter().filter(|call| call.method != "GET").collect();
    assert!(operator.again && writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn a_run_waits_for_the_end_of_a_terminating_namespace() {
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(namespace("chaostoolkit-run"));
    fake.edit(RUN, |namespace| {
        namespace["metadata"]["finalizers"] = json!(["kubernetes"]);
        namespace["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    fake.put(experiment(&Story::Completes.spec()));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "NamespaceTerminating");
    fake.vanish(RUN);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    check_protocol(&fake);
}

#[tokio::test]
async fn a_run_waits_for_the_key_of_its_config_map_and_is_told_which_there_are() {
    let (fake, mut operator) = begin(&json!({}));
    let path = format!("{RUN}/configmaps/chaostoolkit-experiment");
    fake.edit(&path, |map| {
        map["data"] = json!({"kill.json": "{}"});
        map["binaryData"] = json!({"more": "eA=="});
    });
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Blocked", "ConfigMapKeyMissing"]);
    let message = status(&fake)["message"].to_string();
    assert!(message.contains(r#"has no key \"experiment.json\""#), "{message}");
    assert!(message.contains(r#"its keys are \"kill.json\", \"more\""#), "{message}");
    assert_eq!(pods_created(&fake), 0);
    fake.edit(&path, |map| map["data"]["experiment.json"] = json!("{}"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &json!(pods_created(&fake))], [&json!("Completed"), &json!(1)]);
}

#[tokio::test]
async fn a_run_waits_for_the_roles_that_its_author_names() {
    let spec = json!({"role": {"name": "theirs", "binds_to_namespaces": ["shop"]}});
    let (fake, mut operator) = begin_in(judged(cluster_for_runs()), &spec);
    fake.put(namespace("shop"));
    let role = |namespace: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "theirs", "namespace": namespace}})
    };
    for missing in ["chaostoolkit-run", "shop"] {
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Blocked", "RoleMissing"]);
        let message = status(&fake)["message"].to_string();
        assert!(message.contains(&format!("Role {missing}/theirs, ")), "{message}");
        fake.put(role(missing));
    }
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &json!(pods_created(&fake))], [&json!("Completed"), &json!(1)]);
}

/// An author who names a binding says that it exists already. The operator binds nothing, so it needs no Role.
#[tokio::test]
async fn a_role_beside_an_existing_binding_is_not_looked_up() {
    let (fake, mut operator) = begin(&json!({"role": {"name": "theirs", "bind": "theirs"}}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
}

#[tokio::test]
async fn an_experiment_straight_under_spec_does_not_run_that_of_somebody_else() {
    let (fake, mut operator) = begin(&json!({"title": "mine", "method": [], "naemspace": "x"}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Failed", "InvalidSpec"]);
    let message = status(&fake)["message"].to_string();
    for path in ["spec.title", "spec.method"] {
        assert!(message.contains(&format!("{path}: belongs under spec.experiment")), "{message}");
    }
    assert_eq!(pods_created(&fake), 0);
}

#[tokio::test]
async fn a_template_config_map_with_some_of_the_keys_takes_the_rest_as_shipped() {
    let (fake, mut operator) = begin(&json!({}));
    let path = "/api/v1/namespaces/chaostoolkit-crd/configmaps/chaostoolkit-resources-templates";
    fake.edit(path, |templates| {
        let role = templates["data"]["chaostoolkit-role.yaml"].clone();
        templates["data"] = json!({"chaostoolkit-role.yaml": role});
    });
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
}

#[tokio::test]
async fn the_pull_secrets_of_the_account_stay_beside_those_of_the_operator() {
    for own in [true, false] {
        let spec = if own { json!({}) } else { json!({"serviceaccount": {"name": "team"}}) };
        let (fake, mut operator) = begin_in(judged(cluster_for_runs()), &spec);
        let context = std::sync::Arc::get_mut(&mut operator.context).unwrap();
        context.config.runner.pull_secrets = vec!["of-the-operator".to_owned()];
        let account = if own { "chaostoolkit-a235f4ad3e" } else { "team" };
        let secrets = json!([{"name": "of-the-team"}]);
        if own {
            // An account of the run itself may have got secrets from somebody else by the time that its pod is created.
            fake.refuse(Some(("POST", "/configmaps/", 403)));
            settle(&fake, &mut operator, Some(0)).await;
            let path = format!("{RUN}/serviceaccounts/{account}");
            fake.edit(&path, |account| account["imagePullSecrets"] = secrets);
            fake.refuse(None);
        } else {
            fake.put(json!({"apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": secrets,
                "metadata": {"name": account, "namespace": "chaostoolkit-run"}}));
        }
        settle(&fake, &mut operator, Some(0)).await;
        let pod = fake.get(POD).unwrap();
        assert_eq!(
            pod["spec"]["imagePullSecrets"],
            json!([{"name": "of-the-team"}, {"name": "of-the-operator"}])
        );
    }
}
