//! Compatibility with the Python operator 0.14.0: what its users rely on, what was broken there, and the migration.
//! The API server is real and has no node. The tests play the kubelet.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests fail by a panic")]

mod common;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::names;
use chaostoolkit_api::{Counters, Phase};
use chaostoolkit_operator::yaml;
use common::install::Install;
use common::operator::Operator;
use common::{
    audit, condition_of, create, delete, delete_and_wait, edit, eventually, experiment, pod_of,
    report_container, running, set_up, start_scheduled_run, status, terminated, wait, wait_for_phase,
    wait_for_reason, wait_until_gone, wait_until_stopping,
};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

async fn events_of(install: &Install, name: &str) -> Vec<String> {
    let events = Api::<Event>::namespaced(install.client.clone(), &install.namespace);
    let ours = ListParams::default().fields(&format!("involvedObject.name={name}"));
    events.list(&ours).await.unwrap().items.into_iter().filter_map(|event| event.reason).collect()
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_schedule_is_a_cron_job_whose_runs_are_recorded_and_never_repeated() {
    let (install, _operator) = set_up("schedule").await;
    // The schedule is never due during the test. The runs are started by hand.
    let spec = json!({"schedule": {"kind": "CronJob", "value": "0 0 1 1 *", "timeZone": "Europe/Paris"}});
    let made = install.apply_experiment("exp", spec).await;
    let scheduled = wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    assert_eq!(condition_of(&scheduled, Type::Provisioned), "True/Provisioned");
    assert_eq!(condition_of(&scheduled, Type::Finished), "False/Scheduled");
    let schedule = scheduled.schedule.unwrap();
    assert_eq!((schedule.cron.as_str(), schedule.time_zone.as_deref()), ("0 0 1 1 *", Some("Europe/Paris")));
    assert!(schedule.next_schedule_time.unwrap().0.to_string().ends_with("-12-31T23:00:00Z"));

    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let name = format!("chaostoolkit-{}", names::suffix(made.uid()));
    let cron_job = cron_jobs.get(&name).await.unwrap().spec.unwrap();
    assert_eq!(cron_job.concurrency_policy.as_deref(), Some("Forbid"));
    assert_eq!(cron_job.starting_deadline_seconds, Some(200));
    let job = cron_job.job_template.spec.unwrap();
    assert_eq!((job.backoff_limit, job.pod_replacement_policy.as_deref()), (Some(0), Some("Failed")));
    assert_eq!(job.template.spec.unwrap().restart_policy.as_deref(), Some("Never"));

    start_scheduled_run(&install, &name, "first");
    let active = wait(&install.experiments(), "exp", "running", |found| {
        status(found).schedule.is_some_and(|schedule| !schedule.active.is_empty())
    })
    .await;
    let pod = status(active.as_ref()).run.unwrap().pod_name;
    report_container(&install.pods(), &pod, terminated(1)).await;
    let ended =
        wait(&install.experiments(), "exp", "with a history", |found| !status(found).history.is_empty())
            .await;
    let ended = status(ended.as_ref());
    assert_eq!(ended.phase, Some(Phase::Scheduled));
    assert_eq!(ended.counters, Some(Counters { runs: 1, failed: 1, ..Counters::default() }));
    let past = &ended.history[0];
    assert_eq!((past.run.number, past.phase, past.run.exit_code), (1, Phase::Failed, Some(1)));
    assert_eq!((past.reason.as_str(), past.run.duration_seconds), ("ExperimentInvalid", Some(7)));
    assert_eq!(past.run.pod_name, pod);
    wait(&install.pods(), &pod, "released", |pod| {
        pod.is_none_or(|pod| {
            pod.metadata.finalizers.iter().flatten().all(|held| held != names::OUTCOME_FINALIZER)
        })
    })
    .await;
    let jobs = Api::<Job>::namespaced(install.client.clone(), &install.run_namespace);
    wait(&jobs, "first", "failed", |job| {
        let status = job.and_then(|job| job.status.as_ref());
        status.and_then(|status| status.conditions.as_ref()).is_some_and(|conditions| {
            conditions.iter().any(|condition| condition.type_ == "Failed" && condition.status == "True")
        })
    })
    .await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1, "a deviated run is not repeated");

    // An edit takes effect.
    edit(&install, "exp", json!({"spec": {"schedule": {"value": "0 0 2 1 *", "suspend": true}}})).await;
    let suspended = wait_for_phase(&install.experiments(), "exp", Phase::Suspended).await;
    assert_eq!(suspended.schedule.unwrap().next_schedule_time, None);
    let cron_job = cron_jobs.get(&name).await.unwrap().spec.unwrap();
    assert_eq!((cron_job.schedule.as_str(), cron_job.suspend), ("0 0 2 1 *", Some(true)));
    assert_eq!(
        suspended.counters,
        Some(Counters { runs: 1, failed: 1, ..Counters::default() }),
        "the counters are kept"
    );

    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    assert!(cron_jobs.get_opt(&name).await.unwrap().is_none());
    eventually("the job is gone", async || jobs.get_opt("first").await.unwrap().is_none().then_some(()))
        .await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn deleting_a_schedule_waits_for_the_run_that_goes_on() {
    let (install, _operator) = set_up("unschedule").await;
    install.apply_experiment("exp", json!({"schedule": {"kind": "cronjob", "value": "0 0 1 1 *"}})).await;
    let scheduled = wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    start_scheduled_run(&install, &format!("chaostoolkit-{}", scheduled.suffix.unwrap()), "first");
    let active = wait(&install.experiments(), "exp", "running", |found| status(found).run.is_some()).await;
    let pod = status(active.as_ref()).run.unwrap().pod_name;
    common::bind(&install, &pod).await;
    report_container(&install.pods(), &pod, running()).await;
    delete(&install.experiments(), "exp").await;
    wait_for_phase(&install.experiments(), "exp", Phase::Terminating).await;
    wait_until_stopping(&install, &pod).await;
    let bindings = Api::<RoleBinding>::namespaced(install.client.clone(), &install.run_namespace);
    assert_eq!(
        bindings.list(&ListParams::default()).await.unwrap().items.len(),
        1,
        "rollbacks need the rights"
    );
    report_container(&install.pods(), &pod, terminated(0)).await;
    common::end_grace(&install, &pod).await;
    wait_until_gone(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_role_that_the_operator_may_not_give_is_refused_with_the_servers_words() {
    let install = Install::new("escalation").await;
    install.with_experiment("{}").await;
    let role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: chaostoolkit-experiment}, rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]}";
    let data = Patch::Merge(json!({"data": {"chaostoolkit-role.yaml": role}}));
    let maps = install.config_maps(&install.namespace);
    maps.patch("chaostoolkit-resources-templates", &PatchParams::default(), &data).await.unwrap();
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", json!({})).await;
    let status = wait_for_reason(&install.experiments(), "exp", "Forbidden").await;
    assert_eq!(condition_of(&status, Type::Provisioned), "False/Forbidden");
    let message = status.message.unwrap();
    assert!(message.contains("attempting to grant RBAC permissions not currently held"), "{message}");
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_role_is_bound_in_further_namespaces_once_they_exist_and_nowhere_after() {
    let (install, _operator) = set_up("binds").await;
    let shop = format!("{}-shop", install.namespace);
    install.apply_experiment("exp", json!({"role": {"binds_to_namespaces": [shop, null]}})).await;
    let status = wait_for_reason(&install.experiments(), "exp", "NamespaceMissing").await;
    assert!(status.message.unwrap().contains(&shop));
    create(&Api::<Namespace>::all(install.client.clone()), json!({"metadata": {"name": shop}})).await;
    pod_of(&install, "exp").await;
    let bindings = Api::<RoleBinding>::namespaced(install.client.clone(), &shop);
    let bound = bindings.list(&ListParams::default()).await.unwrap().items;
    let subject = &bound[0].subjects.as_ref().unwrap()[0];
    assert_eq!(subject.namespace.as_deref(), Some(install.run_namespace.as_str()));
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn keep_resources_on_delete_keeps_them() {
    let (install, _operator) = set_up("keep").await;
    install.apply_experiment("exp", json!({"keep_resources_on_delete": true})).await;
    let pod = pod_of(&install, "exp").await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await.len(), 5);
    // No finalizer holds the pod any more.
    delete_and_wait(&install.pods(), &pod).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_edit_after_the_run_has_begun_is_said_to_have_no_effect_and_teardown_follows_the_record() {
    let (install, _operator) = set_up("edited").await;
    install.apply_experiment("exp", json!({})).await;
    let pod = pod_of(&install, "exp").await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    let elsewhere = format!("{}-elsewhere", install.namespace);
    edit(&install, "exp", json!({"spec": {"namespace": elsewhere}})).await;
    eventually("an event tells the author", async || {
        events_of(&install, "exp").await.iter().any(|reason| reason == "SpecChangeIgnored").then_some(())
    })
    .await;
    // The templates do not matter any more either.
    delete(&install.config_maps(&install.namespace), "chaostoolkit-resources-templates").await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    let namespaces = Api::<Namespace>::all(install.client.clone());
    assert!(namespaces.get_opt(&elsewhere).await.unwrap().is_none());
    assert!(
        namespaces.get_opt(&install.run_namespace).await.unwrap().is_some(),
        "a namespace is never deleted"
    );
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_url_among_the_variables_replaces_an_experiment() {
    let install = Install::new("url").await;
    create(
        &Api::<Namespace>::all(install.client.clone()),
        json!({"metadata": {"name": install.run_namespace}}),
    )
    .await;
    let _operator = Operator::start(&install).await;
    let variables = json!([{"name": "EXPERIMENT_URL", "value": "https://example.com/experiment.json"}]);
    install.apply_experiment("exp", json!({"pod": {"env": variables}})).await;
    let pod = install.pods().get(&pod_of(&install, "exp").await).await.unwrap();
    let container = &pod.spec.unwrap().containers[0];
    assert_eq!(container.args.clone().unwrap(), ["run", "$(EXPERIMENT_URL)"]);
    assert!(container.env.as_ref().unwrap().iter().any(|variable| variable.name == "EXPERIMENT_URL"));
}

/// Creates an experiment as the Python operator leaves it, with the objects of the first golden case. Returns the
/// suffix of their names.
async fn handled_by_the_python_operator(install: &Install, name: &str, with_pod: bool) -> String {
    let mut exp = experiment(name, json!({"namespace": install.run_namespace}));
    exp["metadata"]["annotations"] = json!({names::KOPF_ANNOTATION: "{\"spec\":{}}"});
    exp["metadata"]["finalizers"] = json!([names::KOPF_FINALIZER]);
    let suffix = names::suffix(install.send(exp).await.unwrap().uid());
    let golden = yaml::parse(include_str!("golden/01-empty-spec.yaml")).unwrap();
    for object in golden["creates"].as_array().unwrap() {
        let made = object
            .to_string()
            .replace("a235f4ad3e", &suffix)
            .replace("chaostoolkit-run", &install.run_namespace);
        let made: Value = serde_json::from_str(&made).unwrap();
        if made["kind"] != "Namespace" && (with_pod || made["kind"] != "Pod") {
            install.create_any(&made).await;
        }
    }
    suffix
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn what_the_python_operator_has_handled_is_taken_over_and_never_run_again() {
    let install = Install::new("migration").await;
    install.with_experiment("{}").await;
    let running_suffix = handled_by_the_python_operator(&install, "running", true).await;
    let gone_suffix = handled_by_the_python_operator(&install, "gone", false).await;
    let deleted_suffix = handled_by_the_python_operator(&install, "deleted", true).await;
    delete(&install.experiments(), "deleted").await;
    let made = audit::pods_created_in(&install.run_namespace);
    let _operator = Operator::start(&install).await;

    // A running pod is followed to its end.
    let pod = pod_of(&install, "running").await;
    assert_eq!(pod, format!("chaostoolkit-{running_suffix}"));
    report_container(&install.pods(), &pod, running()).await;
    wait_for_phase(&install.experiments(), "running", Phase::Running).await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    let completed = wait_for_phase(&install.experiments(), "running", Phase::Completed).await;
    assert_eq!(completed.run.unwrap().exit_code, Some(0));

    // An experiment whose pod is gone is not started.
    let gone = wait_for_reason(&install.experiments(), "gone", "Adopted").await;
    assert_eq!(condition_of(&gone, Type::Finished), "True/Adopted");
    // An experiment that was deleted meanwhile goes away.
    wait_until_gone(&install.experiments(), "deleted").await;

    for name in ["running", "gone"] {
        let held = install.experiments().get(name).await.unwrap().metadata.finalizers.unwrap();
        assert_eq!(held, [names::TEARDOWN_FINALIZER], "the old finalizer is off");
        assert!(events_of(&install, name).await.contains(&"Adopted".to_owned()));
        delete_and_wait(&install.experiments(), name).await;
    }
    assert_eq!(audit::pods_created_in(&install.run_namespace), made, "nothing was run again");
    let accounts = Api::<ServiceAccount>::namespaced(install.client.clone(), &install.run_namespace);
    let maps = Api::<ConfigMap>::namespaced(install.client.clone(), &install.run_namespace);
    for suffix in [running_suffix, gone_suffix, deleted_suffix] {
        assert!(accounts.get_opt(&format!("chaostoolkit-{suffix}")).await.unwrap().is_none());
        assert!(maps.get_opt(&format!("chaostoolkit-env-{suffix}")).await.unwrap().is_none());
        assert!(install.pods().get_opt(&format!("chaostoolkit-{suffix}")).await.unwrap().is_none());
    }
}
