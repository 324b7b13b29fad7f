//! Statuses that somebody else has written. The operator acts only on what it would have written itself.

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::*;

/// Objects of somebody else. Some have the label of the experiment, which anybody can set.
fn foreign(fake: &FakeApi) -> Vec<(String, Value)> {
    for name in ["kube-system", "shop"] {
        fake.put(namespace(name));
    }
    let rbac = "rbac.authorization.k8s.io/v1";
    let kinds = [
        (rbac, "Role", "kube-system", "x"),
        (rbac, "Role", "kube-system", "x-a235f4ad3e"),
        (rbac, "RoleBinding", "shop", "x"),
        (rbac, "Role", "shop", "x-13303f6e53"),
        ("v1", "ServiceAccount", "shop", "default"),
        ("v1", "ConfigMap", "chaostoolkit-crd", "chaostoolkit-resources-templates"),
        ("v1", "ConfigMap", "shop", "settings"),
        ("v1", "Pod", "shop", "db-0"),
        ("v1", "Pod", "shop", "db-a235f4ad3e"),
        ("batch/v1", "CronJob", "shop", "backup"),
        ("batch/v1", "Job", "shop", "backup-1-a235f4ad3e"),
    ];
    let mut paths = vec!["/api/v1/namespaces/shop".to_owned(), "/api/v1/namespaces/kube-system".to_owned()];
    for is_labelled in [false, true] {
        for (version, kind, namespace, name) in kinds {
            let name = if is_labelled { format!("own-{name}") } else { name.to_owned() };
            let labels = if is_labelled { json!({names::UID_LABEL: UID}) } else { json!({"app": "shop"}) };
            let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
            paths.push(
                fake.put(
                    json!({"apiVersion": version, "kind": kind, "metadata": metadata, "data": {"a": "b"},
                "status": {"phase": "Succeeded"}}),
                ),
            );
        }
    }
    fake.put(TEMPLATES.clone());
    paths.into_iter().map(|path| (path.clone(), fake.get(&path).unwrap())).collect()
}

/// Records each of these objects as one of the experiment.
fn all_of(objects: &[(String, Value)], adopted: bool) -> Value {
    let resources = objects.iter().map(|(_, object)| {
        let metadata = &object["metadata"];
        json!({"kind": object["kind"], "namespace": metadata["namespace"].as_str().unwrap_or_default(),
            "name": metadata["name"], "adopted": adopted, "uid": metadata["uid"]})
    });
    let more = [
        json!({"kind": "ClusterRole", "namespace": "", "name": "cluster-admin", "adopted": adopted}),
        json!({"kind": "Secret", "namespace": "shop", "name": "x-a235f4ad3e", "adopted": adopted}),
    ];
    resources.chain(more).collect()
}

#[tokio::test]
async fn a_forged_status_deletes_nothing_of_anybody() {
    for adopted in [true, false] {
        let fake = cluster_for_runs();
        let before = foreign(&fake);
        let time = "2026-01-01T00:00:00Z";
        let run = |pod: &str| json!({"number": 1, "podName": pod, "podUid": "u", "startedAt": time});
        let statuses = [
            json!({"resources": all_of(&before, adopted)}),
            json!({"resources": all_of(&before, adopted), "runNamespace": "kube-system", "schedule": {"cron": "@daily"}}),
            json!({"runNamespace": "shop", "run": run("db-0")}),
            json!({"runNamespace": "shop", "run": run("own-db-0")}),
            json!({"runNamespace": "kube-system", "run": run("x-a235f4ad3e")}),
            json!({"runNamespace": "shop", "outcome": "Interrupted", "run": {"number": 1, "podName": "", "podUid": "u",
                "startedAt": time, "finishedAt": time, "rescue": {"podName": "own-db-0", "podUid": "u"}}}),
        ];
        for recorded in statuses {
            let mut experiment =
                experiment(&json!({"cleanup": {"onFailure": "delete", "onSuccess": "delete"}}));
            experiment["metadata"]["finalizers"] = json!([names::TEARDOWN_FINALIZER]);
            experiment["status"] = recorded.clone();
            fake.put(experiment);
            let mut operator = Operator::new(&fake, Hangs::Crash);
            settle(&fake, &mut operator, Some(0)).await;
            if fake.get(EXPERIMENT).is_some() {
                fake.delete(EXPERIMENT);
            }
            settle(&fake, &mut operator, None).await;
            assert_eq!(fake.get(EXPERIMENT), None, "the experiment goes: {recorded}");
            for (path, object) in &before {
                assert_eq!(fake.get(path).as_ref(), Some(object), "{path}: {recorded}");
            }
            let told = fake.events().iter().any(|event| event["reason"] == "RecordIgnored");
            assert!(told, "{recorded}");
        }
    }
}

#[tokio::test]
async fn an_adopted_object_is_deleted_only_if_it_is_the_one_that_was_adopted() {
    for (uid, labels, is_deleted) in [
        (json!("adopted"), Value::Null, true),
        (Value::Null, Value::Null, true), // Earlier versions recorded no uid.
        (json!("another"), Value::Null, false),
        (json!("adopted"), json!({names::UID_LABEL: "another-experiment"}), false),
    ] {
        let fake = cluster_for_runs();
        let metadata = json!({"name": "x-a235f4ad3e", "namespace": "chaostoolkit-run", "uid": "adopted", "labels": labels});
        let path = fake.put(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}));
        let record = json!({"kind": "ConfigMap", "namespace": "chaostoolkit-run", "name": "x-a235f4ad3e", "adopted": true,
            "uid": uid});
        let mut experiment = experiment(&json!({}));
        experiment["metadata"]["finalizers"] = json!([names::TEARDOWN_FINALIZER]);
        experiment["status"] = json!({"resources": [record]});
        fake.put(experiment);
        fake.delete(EXPERIMENT);
        settle(&fake, &mut Operator::new(&fake, Hangs::Crash), None).await;
        assert_eq!(fake.get(EXPERIMENT), None);
        assert_eq!(fake.get(&path).is_none(), is_deleted, "{record}");
    }
}

#[tokio::test]
async fn a_run_whose_pod_is_not_that_of_the_record_is_not_started_again() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    fake.vanish(POD);
    fake.edit(EXPERIMENT, |experiment| experiment["status"]["run"]["podName"] = json!("db-0"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Failed", "PodLost"]);
    assert_eq!(pods_created(&fake), 1);
}

#[tokio::test]
async fn what_is_ignored_is_told_once_as_long_as_it_is_the_same() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    // An event that is folded into an earlier one is a call as well.
    let published = || fake.events().iter().filter(|event| event.to_string().contains("shop/")).count();
    let claim = |name: &str| {
        let record = json!({"kind": "ConfigMap", "namespace": "shop", "name": name});
        fake.edit(EXPERIMENT, |experiment| experiment["status"]["resources"] = json!([record]));
    };
    claim("settings");
    operator.pass().await;
    let (told, all) = (published(), fake.events().len());
    assert_eq!(told, 1, "{:?}", fake.events());
    for _ in 0..3 {
        claim("settings");
        operator.pass().await;
    }
    assert_eq!((published(), fake.events().len()), (told, all));
    claim("others");
    operator.pass().await;
    assert_eq!(published(), 2);
}
