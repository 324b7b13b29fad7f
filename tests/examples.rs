//! The examples: that each is understood, and that it does what it says on a real node.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;
#[path = "examples/ecosystem.rs"]
mod ecosystem;
#[path = "examples/elsewhere.rs"]
mod elsewhere;
#[path = "examples/generated_role.rs"]
mod generated_role;
#[path = "examples/signals.rs"]
mod signals;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Experiment, Outcome, Phase, Spec, names};
use chaostoolkit_operator::experiment::decide::plan::patch::unknown;
use chaostoolkit_operator::signals::asked;
use common::install::{Install, documents, kustomize};
use common::operator::Operator;
use common::{condition_of, delete_and_wait, kubectl, status, wait_for_phase, within};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::jiff::{ToSpan, Zoned};
use kube::Api;
use kube::api::{ListParams, LogParams};
use rstest::rstest;
use serde_json::{Value, json};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How long a run may take that has to share the node with those of other tests.
const LIMIT: Duration = Duration::from_secs(180);

fn text_of(name: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/examples/{name}.yaml")).unwrap()
}

fn examples() -> BTreeMap<String, String> {
    let names = ["", "ecosystem/"].into_iter().flat_map(|directory| {
        let entries = std::fs::read_dir(format!("{ROOT}/examples/{directory}")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter_map(move |name| Some(format!("{directory}{}", name.strip_suffix(".yaml")?)))
    });
    names.map(|name| (name.clone(), text_of(&name))).collect()
}

/// The namespace of the runs of an experiment: its own, unless it is in that of the operator.
fn run_namespace_of(experiment: &Value) -> &str {
    match experiment["metadata"]["namespace"].as_str().unwrap() {
        "chaostoolkit-crd" => "chaostoolkit-run",
        own => own,
    }
}

fn experiments(documents: &[Value]) -> Vec<&Value> {
    documents.iter().filter(|document| document["kind"] == "ChaosToolkitExperiment").collect()
}

#[test]
fn every_example_begins_with_what_it_shows_and_how_to_watch_it() {
    for (name, text) in examples() {
        let comment: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!((2..=4).contains(&comment.len()), "{name}: {} lines", comment.len());
        let command = format!("kubectl apply -f examples/{name}.yaml");
        assert!(comment.iter().any(|line| line.contains(&command)), "{name}: {command}");
    }
}

#[test]
fn every_spec_is_understood_to_the_last_field() {
    for (name, text) in examples() {
        let documents = documents(&text);
        assert!(!experiments(&documents).is_empty(), "{name}");
        for experiment in experiments(&documents) {
            let parsed =
                Spec::parse(experiment.get("spec")).unwrap_or_else(|error| panic!("{name}: {error}"));
            let unknown = [parsed.unknown, unknown(&parsed.spec)].concat();
            assert_eq!(unknown, Vec::<String>::new(), "{name}");
            let expected = if name == "own-namespace" {
                ("my-team", None)
            } else {
                ("chaostoolkit-crd", Some("chaostoolkit-run"))
            };
            let namespace = experiment["metadata"]["namespace"].as_str().unwrap();
            assert_eq!((namespace, parsed.spec.namespace.as_deref()), expected, "{name}");
        }
    }
}

/// What a spec refers to is in its own file, and the experiment there is JSON or YAML.
#[test]
fn every_example_has_all_that_it_needs() {
    for (name, text) in examples() {
        let documents = documents(&text);
        let runs = run_namespace_of(experiments(&documents)[0]);
        let find = |kind: &str, wanted: &str| {
            let found = documents.iter().find(|found| {
                found["kind"] == kind
                    && found["metadata"]["name"] == wanted
                    && (found["metadata"]["namespace"] == runs || kind.starts_with("Role"))
            });
            found.unwrap_or_else(|| panic!("{name}: no {kind} {wanted}"))
        };
        for experiment in experiments(&documents) {
            let spec = Spec::parse(experiment.get("spec")).unwrap().spec;
            let pod = spec.pod.unwrap_or_default();
            let source = pod.experiment.unwrap_or_default();
            let env = pod.env.and_then(|env| env.config_map_name);
            let given = |kind: &str, name: &str, key: &str| {
                let object = find(kind, name);
                let data = if kind == "Secret" { &object["stringData"] } else { &object["data"] };
                assert!(data[key].is_string(), "{name}: no key {key}");
            };
            for file in pod.files.iter().flatten() {
                file.config_map.iter().for_each(|from| given("ConfigMap", &from.name, &from.key));
                file.secret.iter().for_each(|from| given("Secret", &from.name, &from.key));
            }
            let bundle = pod.proxy.as_ref().and_then(|proxy| proxy.ca_bundle.as_ref());
            if let Some(from) = bundle {
                given("ConfigMap", &from.name, &from.key);
            }
            let headers = source.headers.iter().flatten();
            headers.for_each(|header| given("Secret", &header.secret.name, &header.secret.key));
            if let Some(inline) = &spec.experiment {
                assert!(inline["title"].is_string() && inline["method"].is_array(), "{name}");
            } else if source.url.is_some() || source.artifact.is_some() {
                // It is elsewhere, as its comment says.
            } else if source.as_file == Some(false) {
                let env = find("ConfigMap", env.as_deref().unwrap_or("chaostoolkit-env"));
                assert!(env["data"]["EXPERIMENT_URL"].is_string(), "{name}");
            } else {
                let map =
                    find("ConfigMap", source.config_map_name.as_deref().unwrap_or("chaostoolkit-experiment"));
                let key =
                    source.config_map_experiment_file_name.unwrap_or_else(|| "experiment.json".to_owned());
                let experiment = map["data"][&key].as_str().unwrap_or_else(|| panic!("{name}: no key {key}"));
                let experiment: Value = match key.rsplit_once('.') {
                    Some((_, "json")) => serde_json::from_str(experiment).unwrap(),
                    _ => serde_saphyr::from_str(experiment).unwrap(),
                };
                assert!(experiment["title"].is_string() && experiment["method"].is_array(), "{name}");
            }
            if let Some(settings) = pod.settings.filter(|settings| settings.enabled == Some(true)) {
                find("Secret", settings.secret_name.as_deref().unwrap_or("chaostoolkit-settings"));
            }
            if let Some(account) = spec.serviceaccount.and_then(|account| account.name) {
                find("ServiceAccount", &account);
            }
            let role = spec.role.unwrap_or_default();
            role.name.iter().for_each(|role| _ = find("Role", role));
            role.bind.iter().for_each(|binding| _ = find("RoleBinding", binding));
        }
    }
}

#[test]
fn all_examples_can_be_applied_side_by_side() {
    let mut seen = BTreeSet::new();
    for (name, text) in examples() {
        for document in documents(&text) {
            let of = |pointer: &str| document.pointer(pointer).map(Value::to_string);
            let key = (of("/kind"), of("/metadata/namespace"), of("/metadata/name"));
            assert!(seen.insert(key.clone()), "{name}: {key:?} is in another example too");
        }
    }
}

#[test]
fn every_gate_and_every_stop_condition_can_be_read() {
    let mut read = 0;
    for (name, text) in examples() {
        let documents = documents(&text);
        for experiment in experiments(&documents) {
            let spec = Spec::parse(experiment.get("spec")).unwrap().spec;
            let runs = run_namespace_of(experiment);
            let gates = asked::gates(&spec, runs).unwrap_or_else(|error| panic!("{name}: {error}"));
            let stops = asked::stop_conditions(&spec, runs).unwrap_or_else(|error| panic!("{name}: {error}"));
            read += gates.len() + stops.len();
        }
    }
    assert_eq!(read, 7);
}

/// The command that the status of an experiment tells makes the same binding.
#[test]
fn the_example_of_a_team_binds_the_operator_to_the_role_for_runs() {
    let documents = documents(&text_of("own-namespace"));
    let binding = documents.iter().find(|document| document["kind"] == "RoleBinding").unwrap();
    assert_eq!(binding["metadata"]["namespace"], experiments(&documents)[0]["metadata"]["namespace"]);
    assert_eq!(binding["roleRef"]["kind"], "ClusterRole");
    assert_eq!(binding["roleRef"]["name"], names::RUNS_ROLE);
    let account =
        json!([{"kind": "ServiceAccount", "name": names::ACCOUNT, "namespace": "chaostoolkit-crd"}]);
    assert_eq!(binding["subjects"], account);
}

/// `kubectl apply` of a namespace without labels takes away those that an overlay has put there.
#[test]
fn only_the_basic_example_has_the_namespace_of_the_runs() {
    for (name, text) in examples().into_iter().filter(|(name, _)| name != "basic") {
        let is_it = |document: &Value| {
            document["kind"] == "Namespace" && document["metadata"]["name"] == "chaostoolkit-run"
        };
        assert!(!documents(&text).iter().any(is_it), "{name}");
    }
}

/// An example under the names of an installation. The namespace of the runs is that of the strictest overlays.
struct Example {
    install: Install,
    text: String,
    _operator: Operator,
}

impl Example {
    async fn new(name: &str) -> Self {
        Self::with(name, &[]).await
    }

    /// An example for an operator that is started with these flags.
    async fn with(name: &str, flags: &[&str]) -> Self {
        let install = Install::new("example").await;
        let mut text = text_of(name);
        for (from, to) in
            [("chaostoolkit-crd", &*install.namespace), ("chaostoolkit-run", &*install.run_namespace)]
        {
            text = text.replace(from, to);
        }
        let operator = Operator::start_with(&install, flags).await;
        let example = Self { install, text, _operator: operator };
        let runs = kustomize(&format!("{ROOT}/manifests/overlays/generic-rbac-podsec"));
        let mut runs = documents(&runs);
        runs.retain(|object| {
            object["kind"] == "Namespace" && object["metadata"]["name"] == "chaostoolkit-run"
        });
        let runs = runs[0].to_string().replace("chaostoolkit-run", &example.install.run_namespace);
        // On the server's side, so that the basic example does not take the labels away.
        Self::apply(&runs, &["--server-side"]);
        example
    }

    fn apply(text: &str, flags: &[&str]) {
        let (applied, text) = kubectl(&[&["apply", "--filename=-"], flags].concat(), text);
        assert!(applied && !text.contains("violate PodSecurity"), "{text}");
    }

    /// Names of its experiments.
    fn names(&self) -> Vec<String> {
        let documents = documents(&self.text);
        experiments(&documents)
            .iter()
            .map(|found| found["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits for the end of an experiment, as its users do. Gives the log of its run.
    async fn log_of_completed(&self, name: &str) -> String {
        let experiment = format!("ctk/{name}");
        let limit = format!("--timeout={}s", LIMIT.as_secs());
        let (ended, text) = kubectl(
            &["-n", &self.install.namespace, "wait", "--for=condition=Finished", &experiment, &limit],
            "",
        );
        assert!(ended, "{text}");
        let status = status(self.install.experiments().get_opt(name).await.unwrap().as_ref());
        let log =
            self.install.pods().logs(&status.run.clone().unwrap().pod_name, &LogParams::default()).await;
        assert_eq!(status.phase, Some(Phase::Completed), "{:?} {log:?}", status.message);
        log.unwrap()
    }

    async fn experiment(&self, name: &str) -> Experiment {
        self.install.experiments().get(name).await.unwrap()
    }

    /// Objects of this kind in the namespace of the runs that are there for an experiment.
    async fn made_for<K>(&self, name: &str) -> Vec<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let uid = self.experiment(name).await.metadata.uid.unwrap();
        let label = format!("chaostoolkit.org/experiment-uid={uid}");
        let api = Api::<K>::namespaced(self.install.client.clone(), &self.install.run_namespace);
        api.list(&ListParams::default().labels(&label)).await.unwrap().items
    }
}

#[rstest]
#[case("basic", &["Action: say-hello"])]
#[case("environment", &["Running experiment: A greeting from the environment", "Action: greet"])]
#[case("custom-image", &["Probe: count-runs"])]
#[case("settings", &["Rollbacks strategy: always", "Rollback: tidy-up"])]
#[case("yaml-experiment", &["Action: say-hello"])]
#[case("pod-options", &["Steady state hypothesis is met!"])]
#[case("pod-patch", &["Steady state hypothesis is met!"])]
#[case("several-experiments", &["Action: say-"])]
#[case("mutex", &["Action: say-"])]
#[case("gate-experiment", &["Action: say-"])]
#[case("preflight", &["Action: greet"])]
#[case("service-account", &["Steady state hypothesis is met!", "Action: say-so"])]
#[tokio::test]
#[ignore = "needs a node"]
async fn an_example_runs_to_its_end(#[case] name: &str, #[case] said: &[&str]) {
    let example = Example::new(name).await;
    Example::apply(&example.text, &[]);
    for name in example.names() {
        let log = example.log_of_completed(&name).await;
        for said in said {
            assert!(log.contains(said), "{name}: {said}: {log}");
        }
        // Nothing went wrong on the way, which the exit code would not tell.
        assert!(!log.contains("failed") && !log.contains("ERROR"), "{name}: {log}");
    }
}

/// Pulls the freeze of the example, which is about all runs of this installation.
#[tokio::test]
#[ignore = "needs a node"]
async fn the_freeze_holds_the_schedule_until_it_is_taken_back() {
    let example = Example::new("freeze").await;
    Example::apply(&example.text, &[]);
    let set = |active: bool| {
        let patch = json!({"spec": {"active": active}}).to_string();
        let namespace = &example.install.namespace;
        kubectl(&["-n", namespace, "patch", "ctf", "incident", "--type=merge", "-p", &patch], "")
    };
    let (is_set, text) = set(true);
    assert!(is_set, "{text}");
    within(LIMIT, "a run is held", async || {
        let found = status(Some(&example.experiment("frozen-schedule").await));
        (condition_of(&found, Type::Startable) == "False/Frozen").then_some(())
    })
    .await;
    let (is_set, text) = set(false);
    assert!(is_set, "{text}");
    within(LIMIT, "a run has ended", async || {
        let found = status(Some(&example.experiment("frozen-schedule").await));
        (found.counters.is_some_and(|counters| counters.passed > 0)).then_some(())
    })
    .await;
    delete_and_wait(&example.install.experiments(), "frozen-schedule").await;
}

/// Changes an experiment of an example, and asks for a rerun in the same request.
fn change_and_rerun(example: &Example, name: &str, value: &str, spec: &Value) {
    let annotations = json!({"chaostoolkit.org/rerun": value});
    let patch = json!({"metadata": {"annotations": annotations}, "spec": spec}).to_string();
    let namespace = &example.install.namespace;
    let (is_changed, text) =
        kubectl(&["-n", namespace, "patch", "ctk", name, "--type=merge", "-p", &patch], "");
    assert!(is_changed, "{text}");
}

/// The calendar also counts for a rerun, which is not delayed.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_of_a_schedule_is_skipped_while_the_calendar_is_closed_and_runs_while_it_is_open() {
    let example = Example::new("calendar").await;
    Example::apply(&example.text, &[]);
    // What an experiment has from the start asks for no rerun.
    wait_for_phase(&example.install.experiments(), "office-hours", Phase::Scheduled).await;
    let always = json!([{"from": "00:00", "to": "24:00"}]);
    // The end has to be near enough to be found, or the run waits until it is late.
    let end = Zoned::now().checked_add(ToSpan::days(300)).unwrap().date().to_string();
    let exclude = json!([{"from": "2026-01-01", "to": end, "reason": "too late"}]);
    let closed = json!({"calendar": {"windows": always, "exclude": exclude}});
    change_and_rerun(&example, "office-hours", "closed", &closed);
    within(LIMIT, "a run is skipped", async || {
        let found = status(Some(&example.experiment("office-hours").await));
        let past = found.history.first()?.clone();
        assert_eq!((past.phase, past.reason.as_str()), (Phase::Skipped, "CalendarClosed"), "{past:?}");
        assert!(past.message.unwrap().contains("excluded: too late"));
        Some(())
    })
    .await;
    change_and_rerun(&example, "office-hours", "open", &json!({"calendar": {"exclude": null}}));
    within(LIMIT, "a run passes", async || {
        let found = status(Some(&example.experiment("office-hours").await));
        (found.history.first()?.outcome == Outcome::Passed).then_some(())
    })
    .await;
    delete_and_wait(&example.install.experiments(), "office-hours").await;
}

#[tokio::test]
#[ignore = "needs a node, and three minutes"]
async fn a_schedule_that_fails_twice_stops_and_a_rerun_that_goes_well_resumes_it() {
    let example = Example::new("stop-after").await;
    Example::apply(&example.text, &[]);
    let stopped = within(Duration::from_secs(300), "the schedule is stopped", async || {
        let found = status(Some(&example.experiment("stop-after").await));
        (found.reason.as_deref() == Some("StoppedAfter")).then_some(found)
    })
    .await;
    assert_eq!((stopped.phase, stopped.counters.unwrap().failed), (Some(Phase::Suspended), 2));
    change_and_rerun(&example, "stop-after", "mended", &json!({"pod": {"chaosArgs": null}}));
    within(LIMIT, "the schedule goes on", async || {
        let found = status(Some(&example.experiment("stop-after").await));
        (found.phase == Some(Phase::Scheduled)).then_some(())
    })
    .await;
    delete_and_wait(&example.install.experiments(), "stop-after").await;
}

#[tokio::test]
#[ignore = "needs a node"]
async fn the_account_of_the_author_has_the_rights_of_its_role_and_no_others() {
    let example = Example::new("service-account").await;
    Example::apply(&example.text, &[]);
    example.log_of_completed("service-account").await;
    assert!(
        example.made_for::<k8s_openapi::api::core::v1::ServiceAccount>("service-account").await.is_empty()
    );
    assert!(example.made_for::<k8s_openapi::api::rbac::v1::Role>("service-account").await.is_empty());
    assert!(example.made_for::<k8s_openapi::api::rbac::v1::RoleBinding>("service-account").await.is_empty());
    let runs = &example.install.run_namespace;
    let account = format!("--as=system:serviceaccount:{runs}:pod-counter");
    for (verb, namespace, may) in
        [("list", runs, true), ("delete", runs, false), ("list", &example.install.namespace, false)]
    {
        let (allowed, text) = kubectl(&["auth", "can-i", verb, "pods", "-n", namespace, &account], "");
        assert_eq!(allowed, may, "{verb} in {namespace}: {text}");
    }
}

/// What the experiments look for in their pods, they cannot see all of.
#[tokio::test]
#[ignore = "needs a node"]
async fn the_options_and_the_patch_of_a_pod_are_in_the_pod() {
    let example = Example::new("pod-options").await;
    Example::apply(&example.text, &[]);
    example.log_of_completed("pod-options").await;
    let pod = example.made_for::<Pod>("pod-options").await.remove(0);
    let (labels, annotations) = (pod.metadata.labels.unwrap(), pod.metadata.annotations.unwrap());
    assert_eq!((&*labels["team"], &*labels["app"]), ("payments", "chaostoolkit"));
    assert!(annotations.contains_key("example.com/runbook") && labels.contains_key(names::UID_LABEL));
    let spec = pod.spec.unwrap();
    assert_eq!((spec.priority, spec.priority_class_name.as_deref()), (Some(1000), Some("chaos-experiments")));
    assert_eq!(spec.node_selector.unwrap()["kubernetes.io/os"], "linux");
    assert!(
        spec.tolerations.unwrap().iter().any(|one| one.key.as_deref() == Some("example.com/experiments"))
    );
    assert!(spec.image_pull_secrets.unwrap().iter().any(|one| one.name == "pod-options-registry"));
    let context = spec.security_context.unwrap();
    assert_eq!(
        (context.fs_group, context.seccomp_profile.unwrap().type_.as_str()),
        (Some(2000), "RuntimeDefault")
    );
    let container = &spec.containers[0];
    assert_eq!(
        (&*container.name, container.image_pull_policy.as_deref()),
        (names::CONTAINER, Some("IfNotPresent"))
    );
    assert_eq!(container.resources.clone().unwrap().requests.unwrap()["cpu"].0, "100m");

    let example = Example::new("pod-patch").await;
    Example::apply(&example.text, &[]);
    example.log_of_completed("pod-patch").await;
    let spec = example.made_for::<Pod>("pod-patch").await.remove(0).spec.unwrap();
    assert_eq!((spec.termination_grace_period_seconds, spec.topology_spread_constraints), (Some(120), None));
    let first = spec.init_containers.unwrap().into_iter().map(|container| container.name);
    assert_eq!(first.collect::<Vec<_>>(), ["prepare", names::SIDECAR]);
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_has_the_rules_of_its_spec_and_no_others() {
    let mut example = Example::new("role-rules").await;
    let target = format!("{}-target", example.install.namespace);
    let _stop = stop(&[&format!("delete namespace {target} --wait=false")]);
    // The experiment and its ConfigMap keep their names.
    example.text = example.text.replace("name: role-rules\n---", &format!("name: {target}\n---"));
    example.text = example.text.replace("- role-rules\n", &format!("- {target}\n"));
    example.text = example.text.replace("\"ns\": \"role-rules\"", &format!("\"ns\": \"{target}\""));
    Example::apply(&example.text, &[]);
    let log = example.log_of_completed("role-rules").await;
    assert!(log.contains("Steady state hypothesis is met!") && !log.contains("ERROR"), "{log}");
    let uid = example.experiment("role-rules").await.metadata.uid.unwrap();
    let runs = &example.install.run_namespace;
    let account = format!("--as=system:serviceaccount:{runs}:chaostoolkit-{}", names::suffix(&uid));
    for (verb, namespace, may) in [
        ("list", runs, true),
        ("list", &target, true),
        ("get", runs, false),
        ("list", &example.install.namespace, false),
    ] {
        let (allowed, text) = kubectl(&["auth", "can-i", verb, "pods", "-n", namespace, &account], "");
        assert_eq!(allowed, may, "{verb} in {namespace}: {text}");
    }
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_reads_nodes_by_a_cluster_role_and_the_binding_goes_with_it() {
    let mut example = Example::new("cluster-role").await;
    let home = example.install.namespace.clone();
    let label = example.install.label(names::CLUSTER_WIDE_LABEL);
    // Others have the same names in the cluster.
    example.text = example.text.replace("node-reader", &format!("{home}-node-reader"));
    example.text = example.text.replace(names::CLUSTER_WIDE_LABEL, &label);
    let _stop = stop(&[&format!("delete clusterrole {home}-node-reader {home}-bind-{home}-node-reader")]);
    example.install.install_cluster_wide().await;
    Example::apply(&example.text, &[]);
    let log = example.log_of_completed("cluster-role").await;
    assert!(log.contains("Probe: get-nodes") && !log.contains("failed") && !log.contains("ERROR"), "{log}");
    delete_and_wait(&example.install.experiments(), "cluster-role").await;
    assert_eq!(example.install.left_behind().await, Vec::<String>::new());
    example.install.remove_cluster_wide();
}

/// As its comment says: first the server, then the rest. The clusters of the tests have no names, so the address of the
/// Service stands in for its name.
#[tokio::test]
#[ignore = "needs a node"]
async fn an_experiment_is_fetched_from_a_url() {
    let example = Example::new("url").await;
    Example::apply(&example.text, &["--selector=app=experiments"]);
    let runs = &example.install.run_namespace;
    let (ready, text) =
        kubectl(&["-n", runs, "wait", "--for=condition=Ready", "pod/experiments", "--timeout=120s"], "");
    assert!(ready, "{text}");
    let services = Api::<Service>::namespaced(example.install.client.clone(), runs);
    let address = services.get("experiments").await.unwrap().spec.unwrap().cluster_ip.unwrap();
    Example::apply(&example.text.replace("http://experiments:", &format!("http://{address}:")), &[]);
    let log = example.log_of_completed("url").await;
    assert!(log.contains("Running experiment: A greeting from elsewhere"), "{log}");
}

/// The server of this example wants a token, and its experiment has a known hash.
#[tokio::test]
#[ignore = "needs a node"]
async fn an_experiment_is_fetched_with_a_header_and_its_hash() {
    let example = Example::new("fetch").await;
    Example::apply(&example.text, &["--selector=app=fetch"]);
    let runs = &example.install.run_namespace;
    let (ready, text) =
        kubectl(&["-n", runs, "wait", "--for=condition=Ready", "pod/fetch", "--timeout=120s"], "");
    assert!(ready, "{text}");
    let services = Api::<Service>::namespaced(example.install.client.clone(), runs);
    let address = services.get("fetch").await.unwrap().spec.unwrap().cluster_ip.unwrap();
    Example::apply(&example.text.replace("http://fetch:", &format!("http://{address}:")), &[]);
    let log = example.log_of_completed("fetch").await;
    assert!(log.contains("Running experiment: A greeting for those with a token"), "{log}");
    assert!(!log.contains("Bearer"), "{log}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn the_files_of_a_run_are_where_its_example_puts_them() {
    let example = Example::new("files").await;
    Example::apply(&example.text, &[]);
    let log = example.log_of_completed("files").await;
    assert!(log.contains("Rollbacks strategy: always") && log.contains("read-files"), "{log}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_behind_a_proxy_reaches_the_cluster_without_it() {
    let example = Example::new("proxy").await;
    Example::apply(&example.text, &[]);
    let log = example.log_of_completed("proxy").await;
    assert!(log.contains("bypasses-the-proxy"), "{log}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_is_stopped_as_its_example_says_and_rolls_back() {
    let example = Example::new("abort").await;
    Example::apply(&example.text, &[]);
    let experiments = example.install.experiments();
    let pod = common::pod_of(&example.install, "abort").await;
    common::wait_for_action(&example.install, &pod, "take-a-while").await;
    let abort = ["patch", "ctk", "abort", "--type=merge", r#"-p={"spec":{"abort":true}}"#, "-n"];
    let (patched, text) = kubectl(&[&abort, &[&*example.install.namespace][..]].concat(), "");
    assert!(patched, "{text}");
    let ended = async || {
        let status = status(experiments.get_opt("abort").await.unwrap().as_ref());
        Some(status).filter(chaostoolkit_api::Status::is_finished)
    };
    let status = within(LIMIT, "the run is stopped", ended).await;
    assert_eq!(status.phase, Some(Phase::Aborted), "{status:?}");
    assert_eq!(condition_of(&status, Type::RolledBack), "True/RollbacksPlayed");
    delete_and_wait(&experiments, "abort").await;
    assert_eq!(example.install.left_behind().await, Vec::<String>::new());
}

/// Stops what would otherwise go on every few minutes after a test has failed.
struct Stop(Vec<Vec<String>>);

impl Drop for Stop {
    fn drop(&mut self) {
        for command in &self.0 {
            kubectl(&command.iter().map(String::as_str).collect::<Vec<_>>(), "");
        }
    }
}

fn stop(commands: &[&str]) -> Stop {
    Stop(commands.iter().map(|command| command.split(' ').map(str::to_owned).collect()).collect())
}

async fn wait_until_scheduled(example: &Example, name: &str) -> CronJob {
    common::wait_for_phase(&example.install.experiments(), name, Phase::Scheduled).await;
    let mut made = example.made_for::<CronJob>(name).await;
    assert_eq!(made.len(), 1);
    made.remove(0)
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_schedule_becomes_a_cron_job_until_it_is_deleted() {
    let example = Example::new("schedule").await;
    let runs = &example.install.run_namespace;
    let _stop = stop(&[&format!("-n {runs} delete cronjobs --all --wait=false")]);
    Example::apply(&example.text, &[]);
    let made = wait_until_scheduled(&example, "schedule").await;
    assert_eq!(made.spec.unwrap().schedule, "*/5 * * * *");
    delete_and_wait(&example.install.experiments(), "schedule").await;
    let left =
        Api::<CronJob>::namespaced(example.install.client.clone(), runs).list(&ListParams::default()).await;
    assert_eq!(left.unwrap().items.len(), 0);
    assert_eq!(example.install.left_behind().await, Vec::<String>::new());
}

/// The uids of the pods with a label that run and are not being deleted.
async fn running(pods: &Api<Pod>, label: &str) -> BTreeSet<String> {
    let found = pods.list(&ListParams::default().labels(label)).await.unwrap().items;
    let is_running = |pod: &&Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        pod.metadata.deletion_timestamp.is_none() && phase == Some("Running")
    };
    found.iter().filter(is_running).filter_map(|pod| pod.metadata.uid.clone()).collect()
}

/// Waits until two pods with a label run. Gives their uids.
async fn two_running(pods: &Api<Pod>, label: &str) -> BTreeSet<String> {
    let two = async || Some(running(pods, label).await).filter(|running| running.len() == 2);
    within(LIMIT, "two pods run", two).await
}

/// An example that kills pods, with its own namespace under another name. The Deployment is there, the experiment is not
/// applied yet: so a killed pod can be told from its replacement.
fn with_target(example: &mut Example, namespace: &str) -> (Api<Pod>, Value) {
    let target = format!("{}-target", example.install.namespace);
    example.text = example.text.replace(namespace, &target);
    let (mut experiments, rest): (Vec<_>, Vec<_>) = documents(&example.text)
        .into_iter()
        .partition(|document| document["kind"] == "ChaosToolkitExperiment");
    Example::apply(&json!({"apiVersion": "v1", "kind": "List", "items": rest}).to_string(), &[]);
    (Api::namespaced(example.install.client.clone(), &target), experiments.remove(0))
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_deployment_survives_the_loss_of_a_pod_and_the_outcome_says_so() {
    let mut example = Example::new("pod-kill").await;
    let _stop = stop(&[&format!("delete namespace {}-target --wait=false", example.install.namespace)]);
    let (pods, experiment) = with_target(&mut example, "pod-kill");
    let before = two_running(&pods, "app=shop").await;
    Example::apply(&experiment.to_string(), &[]);
    let name = &example.names()[0];
    let log = example.log_of_completed(name).await;
    assert!(log.contains("Action: kill-a-pod") && !log.contains("ERROR"), "{log}");
    assert_eq!(log.matches("Steady state hypothesis is met!").count(), 2, "{log}");
    let status = status(Some(&example.experiment(name).await));
    assert_eq!((status.outcome, status.conclusive), (Some(Outcome::Passed), Some(true)), "{status:?}");
    let after = running(&pods, "app=shop").await;
    assert_eq!((after.len(), after.intersection(&before).count()), (2, 1), "one of two is new");
    delete_and_wait(&example.install.experiments(), name).await;
    assert_eq!(example.install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_pod_is_killed_every_minute_and_another_takes_its_place() {
    let mut example = Example::new("kill-pods").await;
    let runs = example.install.run_namespace.clone();
    let _stop = stop(&[
        &format!("-n {runs} delete cronjobs --all --wait=false"),
        &format!("delete namespace {}-target --wait=false", example.install.namespace),
    ]);
    let (pods, experiment) = with_target(&mut example, "kill-pods");
    let before = two_running(&pods, "app=victim").await;
    Example::apply(&experiment.to_string(), &[]);
    let name = &example.names()[0];
    let made = wait_until_scheduled(&example, name).await;
    assert_eq!(made.spec.unwrap().schedule, "* * * * *");
    let replaced = async || {
        let now = running(&pods, "app=victim").await;
        Some(now).filter(|now| now.len() == 2 && *now != before)
    };
    let after = within(LIMIT, "a victim is replaced", replaced).await;
    assert_eq!(after.intersection(&before).count(), 1, "one of two");
    delete_and_wait(&example.install.experiments(), name).await;
    assert_eq!(example.install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_pod_of_a_namespace_that_has_opted_in_is_killed() {
    let mut example = Example::new("targets").await;
    let (home, runs) = (example.install.namespace.clone(), example.install.run_namespace.clone());
    let target = format!("{home}-target");
    let _stop = stop(&[
        &format!("-n {runs} delete cronjobs --all --wait=false"),
        &format!("delete namespace {target} --wait=false"),
    ]);
    // Other tests may run beside this one. So nobody else's namespace has this value.
    example.text = example.text.replace("chaos: \"yes\"", &format!("chaos: {home}"));
    let mut victims = text_of("kill-pods").replace("kill-pods", &target);
    let documents_of = |text: &str| {
        documents(text)
            .into_iter()
            .filter(|one| ["Namespace", "Deployment"].contains(&one["kind"].as_str().unwrap()))
    };
    let mut objects: Vec<Value> = documents_of(&victims).collect();
    objects[0]["metadata"]["annotations"] = json!({"chaos": home});
    victims = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    Example::apply(&victims, &[]);
    let pods = Api::<Pod>::namespaced(example.install.client.clone(), &target);
    let before = two_running(&pods, "app=victim").await;
    Example::apply(&example.text, &[]);
    wait_until_scheduled(&example, "targets").await;
    let replaced = async || {
        let now = running(&pods, "app=victim").await;
        Some(now).filter(|now| now.len() == 2 && *now != before)
    };
    within(LIMIT, "a victim is replaced", replaced).await;
    let recorded = async || {
        let found = status(Some(&example.experiment("targets").await));
        let past = found.history.into_iter().find(|past| past.phase != Phase::Skipped)?;
        Some((past.outcome, past.run.targets?.drawn))
    };
    let (outcome, drawn) = within(LIMIT, "the run is recorded", recorded).await;
    // Without a hypothesis, nothing was expected of it.
    assert_eq!((outcome, drawn), (Outcome::Passed, target));
    delete_and_wait(&example.install.experiments(), "targets").await;
    assert_eq!(example.install.left_behind().await, Vec::<String>::new());
}
