//! The takeover of a cluster whose experiments are older than the policies and than this operator.

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Experiment, Phase, names};
use chaostoolkit_operator::yaml;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    audit, condition_of, config_map, delete_and_wait, experiment, pod_of, report_container, running,
    status_of, terminated, wait, wait_for_phase, wait_for_reason,
};
use crate::policed::{Policed, act, paste};
use crate::runs::{NEVER, cron_job_of, due, passes, recorded, told};

const DEFAULT: &str = names::DEFAULT_RUN_NAMESPACE;

fn uid(experiment: &Experiment) -> &str {
    experiment.metadata.uid.as_deref().unwrap()
}

/// Creates a schedule as 0.14.0 leaves it: with its annotation and finalizer, and the objects of the golden case.
async fn python_schedule(install: &Install, name: &str, namespace: &str) -> Experiment {
    let schedule = json!({"kind": "cronJob", "value": NEVER});
    let mut exp = experiment(name, json!({"namespace": namespace, "schedule": schedule}));
    exp["metadata"]["annotations"] = json!({names::KOPF_ANNOTATION: "{\"spec\":{}}"});
    exp["metadata"]["finalizers"] = json!([names::KOPF_FINALIZER]);
    let made = install.send(exp).await.unwrap();
    let golden = yaml::parse(include_str!("../golden/18-cron.yaml")).unwrap();
    for object in golden["creates"].as_array().unwrap().iter().filter(|object| object["kind"] != "Namespace")
    {
        let text = object.to_string().replace("a235f4ad3e", &names::suffix(uid(&made)));
        let text = text.replace(DEFAULT, namespace).replace("*/5 * * * *", NEVER);
        install.create_any(&serde_json::from_str(&text).unwrap()).await;
    }
    made
}

/// Changes the `CronJob` of a schedule into one of an operator that did not hold its Jobs.
async fn make_older(install: &Install, experiment: &Experiment, namespace: &str) {
    let cron_job = cron_job_of(install, uid(experiment), namespace).await;
    let change = json!({"metadata": {"annotations": {names::SPEC_HASH_ANNOTATION: "older"}},
        "spec": {"jobTemplate": {"spec": {"suspend": false}, "metadata": {"annotations": {names::SPEC_HASH_ANNOTATION: "older"}}}}});
    let api = Api::<CronJob>::namespaced(install.client.clone(), namespace);
    api.patch(&cron_job.name_any(), &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
}

/// Waits until the `CronJob` of a schedule makes Jobs that wait.
async fn held(install: &Install, experiment: &Experiment, namespace: &str) -> CronJob {
    let name = cron_job_of(install, uid(experiment), namespace).await.name_any();
    let holds = |found: Option<&CronJob>| {
        let job = found.and_then(|found| found.spec.as_ref()?.job_template.spec.as_ref()?.suspend);
        job == Some(true)
    };
    let api = Api::<CronJob>::namespaced(install.client.clone(), namespace);
    wait(&api, &name, "one that holds its Jobs", holds).await.unwrap()
}

#[tokio::test]
#[ignore = "needs an API server with MutatingAdmissionPolicy"]
async fn what_is_older_than_the_policies_runs_on_in_the_default_namespace_and_elsewhere_once_it_is_stamped() {
    let policed = Policed::without_policies("takeover").await;
    let install = &policed.install;
    // Others may have Jobs in the default namespace.
    let job = |name: &str, what: &str| format!("{}-{name}-{what}", install.namespace);
    let (experiments, elsewhere) = (install.experiments(), install.run_namespace.as_str());
    Policed::apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": DEFAULT}}));
    let mut text = config_map("chaostoolkit-experiment", json!({"experiment.json": "{}"}));
    text["metadata"]["namespace"] = json!(DEFAULT);
    Policed::apply(&text);
    let role = format!("{}-theirs", install.namespace);
    Policed::apply(&json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": role, "namespace": DEFAULT}, "rules": []}));
    let pods = Api::<Pod>::namespaced(install.client.clone(), DEFAULT);

    // An operator without any policy. Then what older ones leave.
    let older = Operator::start(install).await;
    for name in ["finished", "running"] {
        install.send(experiment(name, json!({}))).await.unwrap();
    }
    report_container(&pods, &pod_of(install, "finished").await, terminated(0)).await;
    let finished = wait_for_phase(&experiments, "finished", Phase::Completed).await;
    let goes_on = pod_of(install, "running").await;
    report_container(&pods, &goes_on, running()).await;
    wait_for_phase(&experiments, "running", Phase::Running).await;
    let schedule = json!({"kind": "cronJob", "value": NEVER});
    let mut made = Vec::new();
    for (name, namespace, spec) in [
        ("nightly", DEFAULT, json!({})),
        ("role", DEFAULT, json!({"role": {"name": role}})),
        ("elsewhere", elsewhere, json!({"namespace": elsewhere})),
        ("same-version", elsewhere, json!({"namespace": elsewhere})),
    ] {
        let mut spec = spec;
        spec["schedule"] = schedule.clone();
        made.push((name, namespace, install.send(experiment(name, spec)).await.unwrap()));
        wait_for_phase(&experiments, name, Phase::Scheduled).await;
    }
    older.kill();
    for (_, namespace, made) in made.iter().filter(|(name, ..)| *name != "same-version") {
        make_older(install, made, namespace).await;
    }
    for (name, namespace) in [("python", DEFAULT), ("python-elsewhere", elsewhere)] {
        made.push((name, namespace, python_schedule(install, name, namespace).await));
    }

    policed.bind_policies().await;
    let created = audit::pods_created_in(elsewhere);
    let _operator = Operator::start_checked(install).await;
    let find = |name: &str| made.iter().find(|(known, ..)| *known == name).unwrap();

    // In the default namespace with the Role of the templates, everything goes on.
    report_container(&pods, &goes_on, terminated(0)).await;
    wait_for_phase(&experiments, "running", Phase::Completed).await;
    for name in ["nightly", "python"] {
        let (_, namespace, made) = find(name);
        wait_for_phase(&experiments, name, Phase::Scheduled).await;
        due(install, &held(install, made, namespace).await, &job(name, "due")).await;
        let past = passes(&policed, name, namespace, &job(name, "due")).await;
        assert_eq!(past.run.requested_by, None, "{name}");
        assert_eq!(
            condition_of(&status_of(install, name).await, Type::Permitted),
            "True/Permitted",
            "{name}"
        );
    }
    assert_eq!(status_of(install, "finished").await, finished);

    // Everything else waits for somebody to ask for it.
    let whoami = act(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"], "");
    for name in ["role", "elsewhere", "same-version", "python-elsewhere"] {
        let (_, namespace, made) = find(name);
        if name != "same-version" {
            let blocked = wait_for_reason(&experiments, name, "AuthorUnknown").await;
            assert_eq!(blocked.phase, Some(Phase::Blocked), "{name}");
        }
        due(install, &held(install, made, namespace).await, &job(name, "due")).await;
        let skipped = recorded(&policed, name, &job(name, "due")).await;
        assert_eq!((skipped.phase, skipped.reason.as_str()), (Phase::Skipped, "AuthorUnknown"), "{name}");
        let status = status_of(install, name).await;
        assert_eq!(condition_of(&status, Type::Permitted), "False/AuthorUnknown", "{name}");
        let told = told(&status);
        let (_, command) = told.split_once("who runs this command becomes the author: ").unwrap();
        assert!(
            command.starts_with(&format!("kubectl -n {} annotate ctk {name} ", install.namespace)),
            "{command}"
        );
        let (stamped, text) = paste(command);
        assert!(stamped, "{command}: {text}");
        wait_for_phase(&experiments, name, Phase::Scheduled).await;
    }
    assert_eq!(audit::pods_created_in(elsewhere), created, "nothing has run there");
    for name in ["role", "elsewhere", "same-version", "python-elsewhere"] {
        let (_, namespace, made) = find(name);
        // The CronJob of before makes Jobs that are outdated until it is replaced.
        wait_for_phase(&experiments, name, Phase::Scheduled).await;
        due(install, &held(install, made, namespace).await, &job(name, "again")).await;
        let past = passes(&policed, name, namespace, &job(name, "again")).await;
        assert_eq!(past.run.requested_by.as_deref(), Some(&*whoami), "{name}");
    }
    for name in made.iter().map(|(name, ..)| *name).chain(["finished", "running"]) {
        delete_and_wait(&experiments, name).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
