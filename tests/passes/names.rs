//! Names that would change the URL of a call: they come from an author, from a template or from a status.

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::*;

/// Each of these leads to another object, to a subresource or to another path if it becomes a part of a URL.
const BAD: [&str; 6] = ["victim?x=", "victim/log?x=", "a/../victim", "%2e%2e", "victim#b", "victim\n"];

/// A finished pod of somebody else, and objects of the other kinds, each called `victim`.
fn victims(fake: &FakeApi) -> Vec<(String, Value)> {
    let kinds = [
        ("v1", "Pod"),
        ("v1", "ConfigMap"),
        ("v1", "ServiceAccount"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("batch/v1", "CronJob"),
        ("batch/v1", "Job"),
    ];
    let metadata =
        json!({"name": "victim", "namespace": "chaostoolkit-run", "finalizers": ["somebody.else/holds"]});
    let paths = kinds.map(|(version, kind)| {
        let status = json!({"phase": "Running"});
        fake.put(json!({"apiVersion": version, "kind": kind, "metadata": metadata, "status": status}))
    });
    paths.into_iter().map(|path| (path.clone(), fake.get(&path).unwrap())).collect()
}

/// Makes passes over an experiment until nothing changes, then aborts and deletes it. No call may concern a victim.
async fn attempt(fake: &FakeApi, what: &str) {
    let before = victims(fake);
    let mut operator = Operator::with(fake, Hangs::Crash, true);
    for _ in 0..4 {
        operator.pass().await;
    }
    fake.edit(EXPERIMENT, |experiment| experiment["spec"]["abort"] = json!(true));
    for _ in 0..4 {
        operator.pass().await;
    }
    fake.delete(EXPERIMENT);
    for _ in 0..4 {
        operator.pass().await;
    }
    for call in fake.calls() {
        let is_plain = |part: &str| {
            !matches!(part, "." | ".." | "victim")
                && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._:".contains(letter))
        };
        assert!(call.path.split('/').skip(1).all(is_plain), "{what}: {} {}", call.method, call.path);
        let own = ["exp", "status", "chaostoolkit-resources-templates"];
        let name = call.path.rsplit('/').next().unwrap();
        let is_own = own.contains(&name)
            || name.contains("a235f4ad3e")
            || name.starts_with("chaostoolkit-")
            || call.path.contains("/events/")
            || call.path.matches('/').count() < 6;
        assert!(is_own, "{what}: {} {}", call.method, call.path);
    }
    for (path, object) in before {
        assert_eq!(fake.get(&path), Some(object), "{what}: {path}");
    }
}

fn pod_named(name: &str) -> Value {
    json!({"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "chaostoolkit"}]}})
}

#[tokio::test]
async fn a_name_of_the_spec_leads_to_no_object_of_somebody_else() {
    for bad in BAD {
        let specs = [
            json!({"pod": {"template": pod_named(bad)}}),
            json!({"pod": {"template": pod_named(bad)}, "schedule": {"kind": "cronJob", "value": "* * * * *"}}),
            json!({"pod": {"template": pod_named(bad).to_string()}}),
            json!({"namespace": bad}),
            json!({"serviceaccount": {"name": bad}}),
            json!({"role": {"name": bad}}),
            json!({"role": {"bind": bad}}),
            json!({"role": {"binds_to_namespaces": [bad]}}),
            json!({"template": {"name": bad}}),
            json!({"pod": {"env": {"configMapName": bad}}}),
            json!({"pod": {"env": {"secretName": bad}}}),
            json!({"pod": {"settings": {"enabled": true, "secretName": bad}}}),
            json!({"pod": {"configMapName": bad}}),
            json!({"pod": {"experiment": {"configMapName": bad}}}),
        ];
        for spec in specs {
            for is_of_the_python_operator in [false, true] {
                let fake = cluster_for_runs();
                let mut experiment = experiment(&spec);
                if is_of_the_python_operator {
                    experiment["metadata"]["annotations"] = json!({names::KOPF_ANNOTATION: "{}"});
                    experiment["metadata"]["finalizers"] = json!([names::KOPF_FINALIZER]);
                }
                fake.put(experiment);
                attempt(&fake, &spec.to_string()).await;
            }
        }
    }
}

#[tokio::test]
async fn a_bad_name_of_the_spec_is_an_invalid_spec_that_names_the_field() {
    for (spec, path) in [
        (json!({"pod": {"template": pod_named("victim?x=")}}), "spec.pod.template.metadata.name"),
        (json!({"serviceaccount": {"name": "victim/log"}}), "spec.serviceaccount.name"),
        (json!({"role": {"name": "a/../victim"}}), "spec.role.name"),
        (json!({"pod": {"env": {"secretName": "a#b"}}}), "spec.pod.env.secretName"),
        (
            json!({"pod": {"settings": {"enabled": true, "secretName": "%2e%2e"}}}),
            "spec.pod.settings.secretName",
        ),
    ] {
        let (fake, mut operator) = begin(&spec);
        operator.pass().await;
        assert_eq!(status(&fake)["reason"], "InvalidSpec", "{spec}");
        assert!(status(&fake)["message"].as_str().unwrap().starts_with(&format!("{path}: ")), "{spec}");
    }
}

#[tokio::test]
async fn a_name_of_a_template_leads_to_no_object_of_somebody_else() {
    let kinds = ["sa", "role", "role-binding", "pod", "cronjob"];
    for bad in BAD {
        for kind in kinds {
            for spec in [json!({}), json!({"schedule": {"kind": "cronJob", "value": "* * * * *"}})] {
                let fake = cluster_for_runs();
                let mut templates = TEMPLATES.clone();
                let key = format!("chaostoolkit-{kind}.yaml");
                let text = templates["data"][&key].as_str().unwrap();
                let mut template: Value = serde_saphyr::from_str(text).unwrap();
                template["metadata"]["name"] = json!(bad);
                templates["data"][&key] = json!(template.to_string());
                fake.put(templates);
                fake.put(experiment(&spec));
                attempt(&fake, &format!("{bad:?} in {key} with {spec}")).await;
            }
        }
    }
}

#[tokio::test]
async fn a_reference_of_a_template_leads_to_no_object_of_somebody_else() {
    for bad in BAD {
        let pod = json!({"kind": "Pod", "metadata": {"name": "mine"}, "spec": {
            "serviceAccountName": bad,
            "containers": [{"name": "chaostoolkit", "envFrom": [{"configMapRef": {"name": bad}}],
                "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": bad, "key": "b"}}}]}],
            "volumes": [{"name": "a", "configMap": {"name": bad}}],
            "imagePullSecrets": [{"name": bad}],
        }});
        let fake = cluster_for_runs();
        fake.put(experiment(&json!({"pod": {"template": pod}})));
        attempt(&fake, bad).await;
    }
}

#[tokio::test]
async fn a_name_of_a_status_leads_to_no_object_of_somebody_else() {
    for bad in BAD {
        let run = json!({"number": 1, "podName": bad, "podUid": "u", "startedAt": "2026-01-01T00:00:00Z"});
        let rescued = json!({"number": 1, "podName": bad, "podUid": "u", "finishedAt": "2026-01-01T00:00:00Z",
            "startedAt": "2026-01-01T00:00:00Z", "rescue": {"podName": bad, "podUid": "u"}});
        let resource = |kind: &str| json!([{"kind": kind, "namespace": "chaostoolkit-run", "name": bad, "adopted": true}]);
        let statuses = [
            json!({"runNamespace": "chaostoolkit-run", "run": run}),
            json!({"runNamespace": bad, "run": run}),
            json!({"runNamespace": "chaostoolkit-run", "run": rescued, "outcome": "Interrupted"}),
            json!({"runNamespace": "chaostoolkit-run", "resources": resource("ConfigMap")}),
            json!({"runNamespace": "chaostoolkit-run", "resources": resource("CronJob"), "schedule": {"cron": "@daily"}}),
            json!({"runNamespace": "chaostoolkit-run",
                "resources": [{"kind": "Role", "namespace": bad, "name": "x-a235f4ad3e", "adopted": true}]}),
        ];
        for recorded in statuses {
            let fake = cluster_for_runs();
            let mut experiment = experiment(&json!({}));
            experiment["metadata"]["finalizers"] = json!([names::TEARDOWN_FINALIZER]);
            experiment["status"] = recorded.clone();
            fake.put(experiment);
            attempt(&fake, &recorded.to_string()).await;
            assert!(fake.get(EXPERIMENT).is_none(), "the experiment goes: {recorded}");
        }
    }
}

#[tokio::test]
async fn the_annotation_of_a_pod_leads_to_no_other_object() {
    for bad in BAD {
        let fake = cluster_for_runs();
        let before = victims(&fake);
        let annotations = json!({names::EXPERIMENT_ANNOTATION: format!("chaostoolkit-crd/{bad}")});
        let metadata = json!({"name": "pod", "namespace": "chaostoolkit-run", "uid": "u", "labels": {names::UID_LABEL: "gone"},
            "annotations": annotations, "finalizers": [names::OUTCOME_FINALIZER]});
        fake.put(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": "Running"}}),
        );
        let mut operator = Operator::with(&fake, Hangs::Crash, true);
        orphans::sweep(&fake, &mut operator, true).await;
        assert!(
            fake.calls().iter().all(|call| !call.path.contains("chaosexperiments/")),
            "{:?}",
            fake.calls()
        );
        for (path, object) in before {
            assert_eq!(fake.get(&path), Some(object), "{path}");
        }
    }
}
