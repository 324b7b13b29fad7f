//! Experiments in namespaces of teams: they run beside themselves, with the rights that a binding there gives to the operator.

use std::process::Command;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::names;
use chaostoolkit_api::{Phase, Status};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::quiet;
use crate::common::{
    condition_of, create, delete, delete_and_wait, eventually, kubectl, pod_of, report_container, terminated,
    wait, wait_for_phase, wait_for_reason, wait_until_gone,
};
use crate::tenants::{Team, Tenants};

/// A right that the operator has where it is bound.
const DELETE_PODS: [&str; 3] = ["delete", "", "pods"];

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_team_runs_experiments_in_its_namespace_after_the_one_command_that_the_status_tells() {
    let tenants = Tenants::new("tenant").await;
    let team = tenants.team("team").await;
    let _operator = tenants.start(&[&team]).await;
    team.apply("exp", json!({})).await;
    let blocked = wait_for_reason(&team.experiments(), "exp", "RightsMissing").await;
    assert_eq!(condition_of(&blocked, Type::Permitted), "False/RightsMissing");
    assert_eq!(condition_of(&blocked, Type::Provisioned), "False/RightsMissing");
    assert!(team.experiments().get("exp").await.unwrap().finalizers().is_empty(), "nothing holds it");

    let command = tenants.command(&blocked.message.unwrap());
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let (bound, text) = kubectl(&command, "");
    assert!(bound, "{text}");
    let pod = team.pod_of("exp").await;
    report_container(&team.pods(), &pod, terminated(0)).await;
    let ended = wait_for_phase(&team.experiments(), "exp", Phase::Completed).await;
    assert_eq!(ended.run_namespace.as_deref(), Some(team.namespace.as_str()));
    delete_and_wait(&team.experiments(), "exp").await;
    wait_until_gone(&team.pods(), &pod).await;
    assert_eq!(left_of(&tenants.install, &team.namespace).await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn each_named_namespace_has_its_watch_and_no_other_one_is_touched() {
    let tenants = Tenants::new("named").await;
    let [one, two, other] =
        [tenants.team("one").await, tenants.team("two").await, tenants.team("other").await];
    for team in [&one, &two, &other] {
        team.bind().await;
        team.apply("early", json!({})).await;
    }
    let install = &tenants.install;
    install.send(crate::common::experiment("home", json!({"namespace": "kube-system"}))).await.unwrap();
    let operator = tenants.start(&[&one, &two]).await;
    for team in [&one, &two] {
        team.pod_of("early").await;
        team.apply("late", json!({})).await;
        team.pod_of("late").await;
    }
    wait_for_reason(&install.experiments(), "home", "InvalidSpec").await;
    quiet(std::time::Duration::from_secs(2)).await;
    // The schema gives a status without anything in it.
    let unseen = other.experiments().get("early").await.unwrap().status.unwrap_or_default();
    assert_eq!(unseen, Status::default());
    drop(operator);
}

/// Kubernetes deletes pods first, and the binding with the rest.
#[tokio::test]
#[ignore = "needs an API server"]
async fn a_namespace_is_deleted_during_a_run() {
    let tenants = Tenants::new("deleted").await;
    let team = tenants.team("team").await;
    team.bind().await;
    let operator = tenants.start(&[&team]).await;
    let pod = team.runs("exp").await;
    team.apply("blocked", json!({"pod": {"experiment": {"configMapName": "none"}}})).await;
    wait_for_reason(&team.experiments(), "blocked", "ConfigMapMissing").await;
    team.delete().await;
    wait_for_phase(&team.experiments(), "exp", Phase::Aborting).await;
    report_container(&team.pods(), &pod, terminated(0)).await;
    wait_for_phase(&team.experiments(), "exp", Phase::Completed).await;
    end_grace(&team, &pod).await;
    team.wait_until_gone().await;
    drop(operator);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_namespace_whose_binding_is_gone_is_deleted_during_a_run() {
    let tenants = Tenants::new("unbound").await;
    tenants.install.install_policy().await;
    let team = tenants.team("team").await;
    team.bind().await;
    let operator = tenants.start(&[&team]).await;
    let pod = team.runs("exp").await;
    team.apply("nightly", json!({"schedule": {"kind": "cronJob", "value": "0 3 * * *"}})).await;
    wait_for_phase(&team.experiments(), "nightly", Phase::Scheduled).await;
    delete(&team.bindings(), "chaostoolkit").await;
    tenants.install.wait_until_may(&team.namespace, DELETE_PODS, false).await;
    team.delete().await;
    let is_released = |found: Option<&Pod>| found.is_none_or(|pod| pod.finalizers().is_empty());
    wait(&team.pods(), &pod, "let go", is_released).await;
    end_grace(&team, &pod).await;
    team.wait_until_gone().await;
    tenants.install.remove_policy();
    drop(operator);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_namespace_that_stays_keeps_what_is_held_until_the_binding_is_back() {
    let tenants = Tenants::new("back").await;
    let team = tenants.team("team").await;
    team.bind().await;
    let operator = tenants.start(&[&team]).await;
    let pod = team.runs("exp").await;
    delete(&team.bindings(), "chaostoolkit").await;
    tenants.install.wait_until_may(&team.namespace, DELETE_PODS, false).await;
    delete(&team.experiments(), "exp").await;
    let blocked = wait_for_reason(&team.experiments(), "exp", "CleanupBlocked").await;
    assert!(blocked.message.unwrap().contains("create rolebinding chaostoolkit"));
    assert!(!team.pods().get(&pod).await.unwrap().finalizers().is_empty());
    team.bind().await;
    let is_stopping =
        |found: Option<&Pod>| found.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
    wait(&team.pods(), &pod, "being stopped", is_stopping).await;
    end_grace(&team, &pod).await;
    wait_until_gone(&team.experiments(), "exp").await;
    assert_eq!(left_of(&tenants.install, &team.namespace).await, Vec::<String>::new());
    drop(operator);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn without_an_operator_cleanup_tears_down_what_runs_beside_its_experiment() {
    let tenants = Tenants::new("without").await;
    let team = tenants.team("team").await;
    team.bind().await;
    let operator = tenants.start(&[&team]).await;
    team.apply("exp", json!({})).await;
    let pod = team.pod_of("exp").await;
    report_container(&team.pods(), &pod, terminated(0)).await;
    wait_for_phase(&team.experiments(), "exp", Phase::Completed).await;
    operator.kill();
    let cleanup = Command::new(env!("CARGO_BIN_EXE_chaostoolkit-operator"))
        .args(["cleanup", "-n", &team.namespace, "--yes", "--delete-experiments"])
        .output()
        .unwrap();
    let text = String::from_utf8([cleanup.stdout, cleanup.stderr].concat()).unwrap();
    assert!(cleanup.status.success(), "{text}");
    assert!(text.contains("everything is cleaned up"), "{text}");
    wait_until_gone(&team.experiments(), "exp").await;
    wait_until_gone(&team.pods(), &pod).await;
    assert_eq!(left_of(&tenants.install, &team.namespace).await, Vec::<String>::new());
}

/// What the operator may change in a namespace, with and without a binding. Whatever else it asks for is refused.
#[tokio::test]
#[ignore = "needs an API server"]
async fn without_a_binding_the_operator_may_only_let_go_what_it_holds() {
    let tenants = Tenants::new("bounded").await;
    tenants.install.install_policy().await;
    let team = tenants.team("team").await;
    let others = "tests.example/other";
    let held = json!({"finalizers": [names::OUTCOME_FINALIZER, others], "labels": {"a": "b"}});
    let mut pod = json!({"metadata": held, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    pod["metadata"]["name"] = json!("held");
    pod["spec"]["serviceAccountName"] = json!("none");
    let account = json!({"metadata": {"name": "none"}});
    create(
        &Api::<k8s_openapi::api::core::v1::ServiceAccount>::namespaced(client(&tenants), &team.namespace),
        account,
    )
    .await;
    create(&team.pods(), pod).await;
    let mut experiment = crate::common::experiment("held", json!({"verbose": true}));
    experiment["metadata"]["finalizers"] = json!([names::TEARDOWN_FINALIZER, others]);
    team.send(experiment).await;
    let operator = operator_of(&tenants.install).await;
    let pods = Api::<Pod>::namespaced(operator.clone(), &team.namespace);
    let experiments = Api::<chaostoolkit_api::Experiment>::namespaced(operator, &team.namespace);
    let only_tried = PatchParams { dry_run: true, ..PatchParams::default() };
    let refused = async |of_pods: bool, patch: &Value| {
        let patch = Patch::Merge(patch);
        let answer = if of_pods {
            pods.patch("held", &only_tried, &patch).await.map(drop)
        } else {
            experiments.patch("held", &only_tried, &patch).await.map(drop)
        };
        answer.err().map(|error| error.to_string())
    };
    let others_alone = json!({"metadata": {"finalizers": [others]}});
    let more = json!({"metadata": {"finalizers": [names::OUTCOME_FINALIZER, names::TEARDOWN_FINALIZER, others, "a.b/c"]}});
    let changes = [
        json!({"metadata": {"finalizers": null}}),
        more,
        json!({"metadata": {"finalizers": [others], "labels": {"a": "c"}}}),
        json!({"metadata": {"labels": {"new": "c"}}}),
        json!({"metadata": {"annotations": {"new": "c"}}}),
        json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y"}]}}),
    ];
    let of_the_spec = [json!({"spec": {"activeDeadlineSeconds": 9}}), json!({"spec": {"verbose": false}})];
    // The API server learns of a policy by a watch.
    eventually("the policy is in force", async || {
        refused(true, &changes[3]).await.filter(|words| words.contains("without a binding"))
    })
    .await;
    for (of_pods, of_the_spec) in [(true, &of_the_spec[0]), (false, &of_the_spec[1])] {
        assert_eq!(refused(of_pods, &others_alone).await, None, "its own finalizers may go");
        for change in changes.iter().chain([of_the_spec]) {
            let words = refused(of_pods, change).await.unwrap_or_else(|| panic!("was allowed: {change}"));
            assert!(words.contains("in a namespace without a binding"), "{change}: {words}");
        }
    }
    team.bind().await;
    tenants.install.wait_until_may(&team.namespace, DELETE_PODS, true).await;
    for change in &changes[1..5] {
        assert_eq!(refused(true, change).await, None, "{change}");
    }
    tenants.install.remove_policy();
    crate::common::remove_finalizers(&team.pods(), "held").await;
    crate::common::remove_finalizers(&team.experiments(), "held").await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_experiment_where_nobody_watches_is_answered_by_a_warning() {
    let tenants = Tenants::new("unwatched").await;
    let install = &tenants.install;
    let accounts = Api::<ServiceAccount>::namespaced(install.client.clone(), &install.namespace);
    let watch = async |watched: &str| {
        let annotations = json!({"chaostoolkit.org/watch-namespaces": watched});
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        accounts.patch(&install.namespace, &PatchParams::default(), &patch).await.unwrap();
    };
    watch("").await;
    install.install_policy().await;
    let team = tenants.team("team").await;
    let apply = |namespace: &str, name: &str, verbose: bool| {
        let mut experiment = crate::common::experiment(name, json!({"verbose": verbose}));
        experiment["metadata"]["namespace"] = json!(namespace);
        let (applied, text) = kubectl(&["apply", "--filename=-"], &experiment.to_string());
        assert!(applied, "{text}");
        text
    };
    let warning = format!(
        "Warning: Validation failed for ValidatingAdmissionPolicy '{0}-unwatched' with binding '{0}-unwatched': no operator works on \
         experiments in namespace {1}, so this one would not run; experiments belong in namespace {0}",
        install.namespace, team.namespace
    );
    // Policies of other installations in this cluster warn, too.
    let is_warned_of = |text: &str| text.contains(&format!("'{}-unwatched'", install.namespace));
    let mut tries = 0;
    let text = eventually("the policy is in force", async || {
        tries += 1;
        let text = apply(&team.namespace, &format!("try-{tries}"), true);
        is_warned_of(&text).then_some(text)
    })
    .await;
    assert!(text.contains(&format!("{warning}\n")), "{text}");
    let changed = apply(&team.namespace, &format!("try-{tries}"), false);
    assert!(changed.contains(&warning), "an edit is warned of too: {changed}");
    assert!(!is_warned_of(&apply(&install.namespace, "home", true)));
    for (watched, is_warned) in
        [(format!("shop, {}", team.namespace), false), ("shop".to_owned(), true), ("all".to_owned(), false)]
    {
        watch(&watched).await;
        let text = eventually("the parameters are known", async || {
            tries += 1;
            let text = apply(&team.namespace, &format!("try-{tries}"), true);
            (is_warned_of(&text) == is_warned).then_some(text)
        })
        .await;
        if is_warned {
            assert!(text.contains(&format!("{warning} or shop\n")), "{text}");
        }
    }
    install.remove_policy();
    for namespace in [&team.namespace, &install.namespace] {
        let (deleted, text) = kubectl(&["-n", namespace, "delete", "ctk", "--all"], "");
        assert!(deleted, "{text}");
    }
}

fn client(tenants: &Tenants) -> Client {
    tenants.install.client.clone()
}

/// A client with the rights of the operator.
async fn operator_of(install: &Install) -> Client {
    let kubeconfig = kube::config::Kubeconfig::read_from(&install.kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    Client::try_from(config).unwrap()
}

/// Removes a deleted pod, as the kubelet does once the containers have ended.
async fn end_grace(team: &Team, pod: &str) {
    let ended = team.pods().delete(pod, &DeleteParams::default().grace_period(0)).await;
    let is_gone = |error: &kube::Error| matches!(error, kube::Error::Api(status) if status.is_not_found());
    assert!(ended.as_ref().err().is_none_or(is_gone), "{ended:?}");
}

/// Returns the objects of experiments that are left in a namespace.
async fn left_of(install: &Install, namespace: &str) -> Vec<String> {
    let all = install.labeled(names::UID_LABEL).await;
    let inside =
        all.into_iter().filter(|(_, object)| object.metadata.namespace.as_deref() == Some(namespace));
    inside.map(|(kind, object)| format!("{kind} {:?}", object.metadata.name)).collect()
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn experiments_at_home_run_where_they_say_beside_those_of_teams() {
    let tenants = Tenants::new("central").await;
    let team = tenants.team("team").await;
    let install = &tenants.install;
    // What the shipped overlays give by a binding for the whole cluster.
    let runs = tenants.team("run").await;
    runs.bind().await;
    let _operator = tenants.start(&[&team]).await;
    install.apply_experiment("exp", json!({"namespace": runs.namespace})).await;
    let pod = pod_of(install, "exp").await;
    report_container(&runs.pods(), &pod, terminated(0)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    assert_eq!(team.pods().list(&ListParams::default()).await.unwrap().items.len(), 0);
    delete_and_wait(&install.experiments(), "exp").await;
}
