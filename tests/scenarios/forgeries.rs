//! Thousands of bad objects at once on a real API server: specs and statuses that name foreign objects, templates by name,
//! and pods that claim to be runs. The operator stays small and calm, and nothing of others changes. The audit log is the
//! witness.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chaostoolkit_api::{Experiment, names};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::chance::Chance;
use crate::common::forge::{self, VICTIM, World};
use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::variables::number;
use crate::common::{audit, create, experiment, within};
use crate::specs;

/// How many experiments are created, unless `SCENARIO_FORGERIES` is set.
const FORGERIES: usize = 150;

/// How many requests the test makes at the same time.
const AT_ONCE: usize = 8;

/// The memory limit in kustomize/base/deployment.yaml, in kB.
const MEMORY: u64 = 128 << 10;

/// How many writes an experiment may cost, from its creation until it is gone.
const WRITES: usize = 40;

/// The kinds of foreign objects, with their API groups and the rest of an object.
fn kinds() -> [(&'static str, &'static str, Value); 8] {
    let rbac = "rbac.authorization.k8s.io";
    // The namespace of the operator takes no others.
    let drop = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "i", "securityContext": drop}],
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}});
    let role = json!({"apiGroup": rbac, "kind": "Role", "name": "r"});
    let template = json!({"spec": pod});
    [
        ("", "Pod", json!({"spec": pod})),
        ("", "ConfigMap", json!({"data": {"experiment.json": "{}"}})),
        ("", "Secret", json!({})),
        ("", "ServiceAccount", json!({})),
        (rbac, "Role", json!({"rules": []})),
        (rbac, "RoleBinding", json!({"roleRef": role})),
        ("batch", "Job", json!({"spec": {"suspend": true, "template": template}})),
        (
            "batch",
            "CronJob",
            json!({"spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": {"template": template}}}}),
        ),
    ]
}

/// An API and the object of somebody else in it.
type Foreign = (Api<DynamicObject>, String, Value);

/// Creates foreign objects, and returns them once nobody changes them any more.
async fn put_foreign(install: &Install, world: &World) -> Vec<Foreign> {
    let mut apis = Vec::new();
    for namespace in [&world.run, &world.other, &world.operator] {
        for (group, kind, rest) in kinds() {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
            let api = Api::<DynamicObject>::namespaced_with(install.client.clone(), namespace, &resource);
            let mut object = rest;
            object["metadata"] = json!({"name": VICTIM, "labels": {"app": "shop"}});
            (object["apiVersion"], object["kind"]) = (json!(resource.api_version), json!(kind));
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            api.create(&PostParams::default(), &object).await.unwrap();
            apis.push((api, format!("{kind} {namespace}/{VICTIM}")));
        }
    }
    let mut before = BTreeMap::new();
    within(Duration::from_secs(30), "the controllers are done with the foreign objects", async || {
        let now = read(&apis).await;
        let is_same = now == std::mem::replace(&mut before, now.clone());
        if !is_same {
            quiet(Duration::from_secs(1)).await;
        }
        is_same.then_some(())
    })
    .await;
    apis.into_iter().map(|(api, called)| (api, called.clone(), before[&called].clone())).collect()
}

async fn read(apis: &[(Api<DynamicObject>, String)]) -> BTreeMap<String, Value> {
    let mut read = BTreeMap::new();
    for (api, called) in apis {
        let found = api.get_opt(VICTIM).await.unwrap();
        read.insert(called.clone(), serde_json::to_value(found).unwrap());
    }
    read
}

/// Creates one experiment with all that belongs to it. What the API server refuses is not the operator's to handle.
async fn send(install: &Install, world: &World, schema: &Value, number: usize) {
    let mut chance = Chance::new(number as u64 + 1);
    let name = format!("bad-{number}");
    let mut spec = match chance.below(3) {
        0 => specs::odd(schema, &mut chance),
        _ => forge::spec(world, &mut chance),
    };
    if let Some(spec) = spec.as_object_mut() {
        spec.entry("namespace").or_insert_with(|| json!(world.run));
        spec.remove("ttlSecondsAfterFinished");
        spec.remove("keep_resources_on_delete");
        if chance.below(4) == 0 && with_templates(install, &name, &mut chance).await {
            spec.insert("template".to_owned(), json!({"name": name}));
        }
    }
    let mut object = experiment(&name, spec);
    let texts: serde_json::Map<String, Value> =
        (0..chance.below(20)).map(|key| (format!("example.com/{key}"), json!("v".repeat(60)))).collect();
    object["metadata"]["labels"] = texts.clone().into();
    object["metadata"]["annotations"] = texts.into();
    if chance.below(6) == 0 {
        object["metadata"]["annotations"][names::KOPF_ANNOTATION] = json!("{}");
    }
    let Ok(made) = install.send(object).await else { return };
    let world = World { uid: made.uid().to_owned(), suffix: names::suffix(made.uid()), ..world.clone() };
    if chance.below(2) == 0 {
        let forged = Patch::Merge(json!({"status": forge::status(&world, &mut chance)}));
        let resource = ApiResource::erase::<Experiment>(&());
        let api =
            Api::<DynamicObject>::namespaced_with(install.client.clone(), &install.namespace, &resource);
        let _ = api.patch_status(&name, &PatchParams::default(), &forged).await;
    }
    if chance.below(2) == 0 {
        forge_pod(install, &world, &name, &mut chance).await;
    }
}

/// Stores damaged templates under this name. Returns whether the API server took them.
async fn with_templates(install: &Install, name: &str, chance: &mut Chance) -> bool {
    let shipped: Value = serde_saphyr::from_str(include_str!("../../kustomize/base/templates.yaml")).unwrap();
    let mut data = shipped["data"].clone();
    let keys: Vec<String> = data.as_object().unwrap().keys().cloned().collect();
    let key = chance.of(&keys);
    let text = data[key].as_str().unwrap().to_owned();
    let victim = format!("name: {}", serde_json::Value::from(VICTIM.to_owned() + "?x="));
    data[key] = match chance.below(5) {
        0 => json!(text.replace("name: chaostoolkit", &victim)),
        1 => json!(text.chars().rev().collect::<String>()),
        2 => json!("x: &a [1, 2]\ny: [*a, *a]\n".repeat(100)),
        3 => json!(text.replace("kind:", "kind: &k")),
        _ => json!(text.chars().take(usize::try_from(chance.below(500)).unwrap()).collect::<String>()),
    };
    let object = json!({"metadata": {"name": name}, "data": data});
    let object = serde_json::from_value(object).unwrap();
    install.config_maps(&install.namespace).create(&PostParams::default(), &object).await.is_ok()
}

/// Creates a pod that claims to be a run of the experiment, and reports its end with a forged message.
async fn forge_pod(install: &Install, world: &World, name: &str, chance: &mut Chance) {
    let pods = install.pods();
    let pod = format!("forged-{name}");
    let metadata = json!({"name": pod,
        "labels": {names::UID_LABEL: world.uid, names::RUN_LABEL: chance.below(3).to_string()},
        "annotations": {names::EXPERIMENT_ANNOTATION: format!("{}/{name}", world.operator)}});
    let container = json!({"name": "chaostoolkit", "image": "i", "command": [names::RUNNER]});
    let object = json!({"metadata": metadata, "spec": {"restartPolicy": "Never", "containers": [container]}});
    let _ = pods.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await;
    let end = json!({"terminated": {"exitCode": chance.below(3), "message": forge::message(chance),
        "startedAt": "0001-01-01T00:00:00Z", "finishedAt": "9999-12-30T21:59:59Z"}});
    let status = json!({"status": {"phase": "Succeeded", "containerStatuses": [{
        "name": "chaostoolkit", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": end}]}});
    let _ = pods.patch_status(&pod, &PatchParams::default(), &Patch::Merge(status)).await;
}

/// Returns the largest memory that a process had resident, in kB.
fn peak(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Counts the passes so far.
async fn passes(operator: &Operator) -> usize {
    let text = operator.get("/metrics").await.unwrap();
    let counts = text.lines().filter_map(|line| {
        let count = line.strip_prefix("chaostoolkit_operator_reconciliations_total")?;
        count.rsplit_once(' ')?.1.parse::<usize>().ok()
    });
    counts.sum()
}

/// Deletes all experiments. One request for all of them would take longer than the API server gives it.
async fn delete_all(api: &Api<Experiment>) {
    let all = api.list_metadata(&ListParams::default()).await.unwrap().items;
    let deleted = stream::iter(all).for_each_concurrent(AT_ONCE, async |found| {
        match api.delete(&found.name_any(), &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            deleted => drop(deleted.unwrap()),
        }
    });
    deleted.await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn thousands_of_bad_objects_leave_the_operator_small_and_calm_and_nothing_of_others_changes() {
    let count = number("SCENARIO_FORGERIES", FORGERIES);
    let limit = Duration::from_secs(120) + Duration::from_millis(100) * u32::try_from(count).unwrap();
    let install = Install::new("bad").await;
    install.with_experiment("{}").await;
    let world = World {
        operator: install.namespace.clone(),
        run: install.run_namespace.clone(),
        other: format!("{}-shop", install.namespace),
        uid: String::new(),
        suffix: String::new(),
    };
    create(&Api::<Namespace>::all(install.client.clone()), json!({"metadata": {"name": world.other}})).await;
    let foreign = put_foreign(&install, &world).await;
    // What cannot be deleted is given up soon, so that all are gone in the end.
    let mut operator = Operator::start_with(&install, &["--cleanup-limit", "20"]).await;
    let schema = specs::schema();
    let began = Instant::now();
    stream::iter(0..count).for_each_concurrent(AT_ONCE, |at| send(&install, &world, &schema, at)).await;
    let api = install.experiments();
    let stored = api.list_metadata(&ListParams::default()).await.unwrap().items.len();
    eprintln!("{stored} of {count} were stored within {:.0?}", began.elapsed());
    assert!(stored > count / 2, "{stored} of {count} were stored");

    // All of them wait for something or have ended. Nothing is tried without a pause.
    let calm = async || {
        let before = passes(&operator).await;
        quiet(Duration::from_secs(5)).await;
        passes(&operator).await - before
    };
    within(limit, "the operator is calm", async || {
        let made = calm().await;
        (made <= stored).then_some(())
    })
    .await;
    let peak_at_rest = peak(operator.id());
    delete_all(&api).await;
    within(limit, "all are gone", async || {
        api.list_metadata(&ListParams::default().limit(1)).await.unwrap().items.is_empty().then_some(())
    })
    .await;
    let writes = audit::settled_writes_of(&install.user).await;
    let peak = peak(operator.id());
    eprintln!(
        "all gone after {:.0?}: {} writes, {} passes, at most {peak_at_rest} kB, and {peak} kB with the deletion",
        began.elapsed(),
        writes.len(),
        passes(&operator).await
    );

    let mut wrong = Vec::new();
    for (api, called, before) in &foreign {
        let now = serde_json::to_value(api.get_opt(VICTIM).await.unwrap()).unwrap();
        if now != *before {
            wrong.push(format!("{called} has changed: {}", now["metadata"]));
        }
    }
    let touched = writes.iter().filter(|write| write.name == VICTIM && (200..300).contains(&write.code));
    wrong.extend(touched.map(|write| format!("{} {}/{}", write.what(), write.namespace, write.name)));
    assert!(wrong.is_empty(), "{} of others:\n{}", wrong.len(), wrong.join("\n"));
    assert!(writes.len() <= stored * WRITES, "{} writes for {stored} experiments", writes.len());
    assert!(peak < MEMORY, "{peak} kB, and the limit is {MEMORY} kB");
    assert!(operator.is_alive());
    assert!(!operator.log().contains("panicked"), "{}", operator.log());
}
