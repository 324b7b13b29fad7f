use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::cluster::manifest::Manifest;
use crate::experiment::decide::plan::{self, Facts};
use crate::experiment::decide::templates::Template;
use crate::experiment::decide::templates::tests::shipped;
use crate::process::config::Runner;
use crate::process::key_list::Keys;
use crate::process::resources::SidecarResources;
use chaostoolkit_api::{Experiment, Spec, Text};

fn experiment(spec: Value) -> Experiment {
    serde_json::from_value(json!({
        "apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": "exp", "namespace": "authors", "uid": "123e4567-e89b-12d3-a456-426614174000"},
        "spec": spec,
    }))
    .unwrap()
}

fn planned(experiment: &Experiment, has_default_env: bool) -> Plan {
    let facts = Facts { operator_namespace: "authors".into(), has_default_env, ..Facts::default() };
    plan::plan(experiment, &Spec::parse(experiment.spec.as_ref()).unwrap(), &facts).unwrap()
}

fn built(spec: Value) -> Resources {
    build(&planned(&experiment(spec), true), &shipped()).unwrap()
}

fn container(resources: &Resources) -> &Value {
    &resources.workload.value["spec"]["containers"][0]
}

#[test]
fn default_objects() {
    // The image has the version of the release in its name otherwise.
    let runner = Runner { image: "operator".into(), ..Runner::default() };
    let plan = Plan { runner: Some(runner), ..planned(&experiment(json!({})), false) };
    let resources = build(&plan, &shipped()).unwrap();
    let all: Vec<&Value> = std::iter::once(&resources.namespace)
        .chain(&resources.owned)
        .chain([&resources.workload])
        .map(|manifest| &manifest.value)
        .collect();
    insta::assert_json_snapshot!(all);
}

#[test]
fn generated_objects_with_other_content_have_other_names() {
    let arguments = |name: &str| json!({"name": name, "replicas": 1, "ns": "shop"});
    let scale = |name: &str| {
        json!({"provider": {"type": "python", "module": "chaosk8s.deployment.actions",
            "func": "scale_deployment", "arguments": arguments(name)}})
    };
    let names_of = |name: &str, namespace: &str, account: Option<&str>| {
        let resources = built(json!({"role": {"generate": true}, "experiment": {"method": [scale(name)]},
            "namespace": namespace, "serviceaccount": {"name": account}}));
        let of = |kind: Kind| {
            let mut found = resources.owned.iter().filter(|manifest| manifest.kind == kind);
            let manifest = found.next().unwrap();
            assert_eq!((manifest.namespace(), found.next()), ("shop", None));
            manifest.name().to_owned()
        };
        (of(Kind::Role), of(Kind::RoleBinding))
    };
    let (role, binding) = names_of("web", "a", None);
    assert_eq!(names_of("web", "a", None), (role.clone(), binding.clone()));
    assert!(names::is_child(&role, "a235f4ad3e") && names::is_child(&binding, "a235f4ad3e"));
    let others = [("web", "b", None), ("web", "a", Some("team"))].map(|(name, namespace, account)| {
        let (same, other) = names_of(name, namespace, account);
        assert_eq!(same, role);
        other
    });
    assert!(others[0] != others[1] && !others.contains(&binding), "{binding} {others:?}");
    let (other_role, other_binding) = names_of("db", "a", None);
    assert!(other_role != role && other_binding != binding);
}

#[test]
fn everything_of_the_run_but_the_namespace_is_marked() {
    let resources = built(json!({}));
    for manifest in resources.owned.iter().chain([&resources.workload]) {
        let metadata = &manifest.value["metadata"];
        assert_eq!(metadata["labels"][names::UID_LABEL], "123e4567-e89b-12d3-a456-426614174000");
        assert_eq!(metadata["annotations"][names::EXPERIMENT_ANNOTATION], "authors/exp");
        assert_eq!(metadata["namespace"], "chaostoolkit-run");
    }
    let metadata = &resources.namespace.value["metadata"];
    assert_eq!((&metadata["name"], metadata.get("annotations")), (&json!("chaostoolkit-run"), None));
    assert_eq!(metadata["labels"].get(names::UID_LABEL), None);
}

#[rstest]
#[case(json!({"image": "my/image:1"}), "/image", json!("my/image:1"))]
#[case(json!({"image": {"name": "my/image:1"}}), "/image", json!("my/image:1"))]
#[case(json!({"chaosArgs": ["--verbose", "run", null, "", "x"]}), "/args", json!(["--verbose", "run", "x"]))]
#[case(json!({"chaosArgs": []}), "/args", json!(["run", "$(EXPERIMENT_PATH)"]))]
#[case(json!({"chaosCommandPath": "/venv/bin/chaos"}), "/command", json!(["/venv/bin/chaos"]))]
#[case(json!({"env": {"enabled": false, "secretName": "s"}}), "/envFrom", Value::Null)]
#[case(json!({"env": {"enabled": false, "configMapName": "mine"}}), "/envFrom", Value::Null)]
#[case(json!({"env": {"secretName": "s"}}), "/envFrom/1/secretRef/name", json!("s"))]
#[case(json!({"env": {"configMapName": "mine"}}), "/envFrom", json!([{"configMapRef": {"name": "mine"}}]))]
#[case(json!({"settings": {"enabled": true}}), "/volumeMounts/0/mountPath", json!("/home/svc/.chaostoolkit/"))]
#[case(json!({"settings": {"enabled": false}}), "/volumeMounts/1", Value::Null)]
#[case(json!({"experiment": {"asFile": false}}), "/args", json!(["run", "$(EXPERIMENT_URL)"]))]
#[case(json!({"experiment": {"asFile": false}}), "/volumeMounts", Value::Null)]
#[case(json!({"experiment": {"asFile": false}}), "/env", json!([{"name": "CHAOSTOOLKIT_IN_POD", "value": "true"}]))]
#[case(json!({"experiment": {"configMapExperimentFileName": "e.yaml"}}), "/env/1/value", json!("/home/svc/e.yaml"))]
#[case(json!({"experiment": {"configMapExperimentFileName": "e.yaml"}}), "/volumeMounts/0/subPath", json!("e.yaml"))]
fn pod_options(#[case] pod: Value, #[case] pointer: &str, #[case] expected: Value) {
    let resources = built(json!({"pod": pod, "report": {"mode": "none"}}));
    assert_eq!(container(&resources).pointer(pointer).cloned().unwrap_or_default(), expected);
}

#[rstest]
#[case(json!({"settings": {"enabled": true, "secretName": "mine"}}), "/volumes/0/secret/secretName", json!("mine"))]
#[case(json!({"experiment": {"configMapName": "mine"}}), "/volumes/0/configMap/name", json!("mine"))]
#[case(json!({"experiment": {"asFile": false}}), "/volumes", Value::Null)]
fn volume_options(#[case] pod: Value, #[case] pointer: &str, #[case] expected: Value) {
    let resources = built(json!({"pod": pod, "report": {"mode": "none"}}));
    assert_eq!(resources.workload.value["spec"].pointer(pointer).cloned().unwrap_or_default(), expected);
}

/// A pod of the author's own with this container and these further fields of its spec.
fn own_pod(container: Value, spec: Value) -> Value {
    let mut pod = json!({"kind": "Pod", "metadata": {"name": "mine"}, "spec": spec});
    pod["spec"]["containers"] = json!([{"name": "other", "command": ["x"]}, container]);
    json!({"pod": {"template": pod}})
}

fn spec_of(resources: &Resources) -> &Value {
    &resources.pod()["spec"]
}

#[rstest]
#[case::fields("0 * * * *", json!({}), json!(200))]
#[case::an_interval("@every 1h", json!({}), json!(null))]
#[case::as_the_author_wants("@every 1h", json!({"startingDeadlineSeconds": 7200}), json!(7200))]
fn only_times_of_the_clock_have_a_default_deadline(
    #[case] value: &str,
    #[case] more: Value,
    #[case] deadline: Value,
) {
    let mut schedule = json!({"kind": "cronJob", "value": value});
    schedule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let resources = built(json!({"schedule": schedule}));
    assert_eq!(resources.workload.value["spec"]["startingDeadlineSeconds"], deadline);
}

#[rstest]
#[case::default(json!({}), &["chaos"])]
#[case::path(json!({"pod": {"chaosCommandPath": "/venv/bin/chaos"}}), &["/venv/bin/chaos"])]
#[case::own(own_pod(json!({"name": "chaostoolkit", "command": ["sh", "-c", "chaos run x"]}), json!({})), &["sh", "-c", "chaos run x"])]
#[case::scheduled(json!({"schedule": {"kind": "cronJob", "value": "* * * * *"}}), &["chaos"])]
fn the_runner_starts_the_toolkit(#[case] spec: Value, #[case] command: &[&str]) {
    let resources = built(spec);
    assert!(resources.has_runner());
    let spec = spec_of(&resources);
    let containers = spec["containers"].as_array().unwrap();
    let toolkit = containers.iter().find(|container| container["name"] == "chaostoolkit").unwrap();
    let wrapped =
        [&["/chaostoolkit-runner/chaos-runner", "run", "/chaostoolkit-runner", "--"], command].concat();
    assert_eq!(toolkit["command"], json!(wrapped));
    assert_eq!(toolkit["terminationMessagePolicy"], "FallbackToLogsOnError");
    let mount = json!({"name": "chaostoolkit-runner", "mountPath": "/chaostoolkit-runner"});
    assert_eq!(toolkit["volumeMounts"].as_array().unwrap().last(), Some(&mount));
    assert_eq!(spec["volumes"].as_array().unwrap().last().unwrap()["emptyDir"], json!({}));
    let sidecar = spec["initContainers"].as_array().unwrap().last().unwrap();
    assert_eq!((&sidecar["name"], &sidecar["restartPolicy"]), (&json!("journal"), &json!("Always")));
    assert_eq!(sidecar["image"], crate::process::config::RELEASED_IMAGE);
    assert_eq!(sidecar["resources"]["limits"]["memory"], sidecar["resources"]["requests"]["memory"]);
    for other in containers.iter().filter(|container| container["name"] != "chaostoolkit") {
        assert_eq!(other["command"], json!(["x"]));
    }
}

#[rstest]
#[case::unwanted(json!({"report": {"mode": "none"}}))]
#[case::without_command(own_pod(json!({"name": "chaostoolkit", "args": ["run", "x"]}), json!({})))]
fn without_the_runner_the_pod_is_left_alone(#[case] spec: Value) {
    let resources = built(spec);
    assert!(!resources.has_runner());
    assert!(!resources.workload.value.to_string().contains("runner"), "{}", resources.workload.value);
}

#[test]
fn what_the_pod_says_already_stays() {
    let container = json!({"name": "chaostoolkit", "command": ["chaos"], "terminationMessagePath": "/tmp/end",
        "terminationMessagePolicy": "File"});
    let given = json!({"initContainers": [{"name": "journal"}], "imagePullSecrets": [{"name": "a"}],
        "securityContext": {"runAsUser": 0}});
    let spec = own_pod(container, given);
    let runner = Runner { pull_secrets: vec!["a".into(), "b".into()], journal: false, ..Runner::default() };
    let plan = Plan { runner: Some(runner), ..planned(&experiment(spec), true) };
    let resources = build(&plan, &shipped()).unwrap();
    let spec = spec_of(&resources);
    let toolkit = &spec["containers"][1];
    assert_eq!(toolkit["command"][3], "--message");
    assert_eq!(toolkit["command"][4], "/tmp/end");
    assert_eq!(toolkit["terminationMessagePolicy"], "File");
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "a"}, {"name": "b"}]));
    let sidecar = &spec["initContainers"][1];
    assert_eq!(sidecar["name"], "chaostoolkit-runner", "names of containers are unique");
    assert_eq!(sidecar["command"].as_array().unwrap().last().unwrap(), "--no-journal");
    assert_eq!(sidecar["securityContext"]["runAsUser"], 65532, "the pod's is root");
}

#[test]
fn without_native_sidecars_an_init_container_brings_the_runner() {
    let runner = Runner { sidecar: false, pull_policy: Some("Always".into()), ..Runner::default() };
    let plan = Plan { runner: Some(runner), ..planned(&experiment(json!({})), true) };
    let resources = build(&plan, &shipped()).unwrap();
    let bringer = &spec_of(&resources)["initContainers"][0];
    assert_eq!(bringer["command"], json!(["/chaos-runner", "install", "/chaostoolkit-runner"]));
    assert_eq!((bringer.get("restartPolicy"), bringer.get("lifecycle")), (None, None));
    assert_eq!(bringer["imagePullPolicy"], "Always");
}

#[test]
fn an_experiment_in_the_spec_gets_a_config_map_of_its_own() {
    let of = |title: &str| built(json!({"experiment": {"title": title, "method": []}}));
    let resources = of("one");
    let map = resources.owned.last().unwrap();
    assert_eq!(map.kind, Kind::ConfigMap);
    assert!(
        map.name().starts_with("chaostoolkit-experiment-") && map.name().ends_with("-a235f4ad3e"),
        "{}",
        map.name()
    );
    assert_eq!(map.value["data"]["experiment.json"], r#"{"method":[],"title":"one"}"#);
    assert_eq!(spec_of(&resources)["volumes"][0]["configMap"]["name"], map.name());
    assert_eq!(container(&resources)["volumeMounts"][0]["subPath"], "experiment.json");
    assert_ne!(of("two").owned.last().unwrap().name(), map.name(), "another text is another object");
}

#[test]
fn verbose_comes_first() {
    let resources = built(json!({"verbose": true, "pod": {"chaosArgs": ["run", "x"]}}));
    assert_eq!(container(&resources)["args"], json!(["--verbose", "run", "x"]));
}

#[rstest]
#[case(json!({}), &["ServiceAccount", "Role", "RoleBinding"], "chaostoolkit-a235f4ad3e")]
#[case(json!({"serviceaccount": {"name": "mine"}}), &["Role", "RoleBinding"], "mine")]
#[case(json!({"role": {"name": "theirs"}}), &["ServiceAccount", "RoleBinding"], "chaostoolkit-a235f4ad3e")]
#[case(json!({"role": {"bind": "theirs"}}), &["ServiceAccount", "Role"], "chaostoolkit-a235f4ad3e")]
#[case(json!({"role": {"clusterRole": "view"}}), &["ServiceAccount", "RoleBinding"], "chaostoolkit-a235f4ad3e")]
#[case(json!({"role": {"clusterRole": "view", "clusterWide": true}}), &["ServiceAccount", "ClusterRoleBinding"], "chaostoolkit-a235f4ad3e")]
#[case(json!({"role": {"rules": []}}), &["ServiceAccount"], "chaostoolkit-a235f4ad3e")]
#[case(json!({"serviceaccount": {"name": "mine"}, "role": {"name": "a", "bind": "b"}}), &[], "mine")]
fn only_what_the_author_does_not_bring_is_made(
    #[case] spec: Value,
    #[case] kinds: &[&str],
    #[case] account: &str,
) {
    let resources = built(spec);
    let made: Vec<&str> = resources.owned.iter().map(|manifest| manifest.kind.as_str()).collect();
    assert_eq!(made, kinds);
    assert_eq!(resources.workload.value["spec"]["serviceAccountName"], account);
    for binding in resources.owned.iter().filter(|manifest| manifest.kind == Kind::RoleBinding) {
        assert_eq!(
            binding.value["subjects"][0]["name"], account,
            "the account that the pod uses is the one bound"
        );
    }
}

#[test]
fn labels_of_the_experiment_reach_the_pod_but_never_win() {
    let mut experiment = experiment(json!({}));
    experiment.metadata.labels = Some(BTreeMap::from(
        [("team", "a"), ("app", "b"), (names::UID_LABEL, "c")].map(|(key, value)| (key.into(), value.into())),
    ));
    let resources = build(&planned(&experiment, true), &shipped()).unwrap();
    let labels = &resources.workload.value["metadata"]["labels"];
    assert_eq!(labels["team"], "a");
    assert_eq!(labels["app"], "chaostoolkit");
    assert_eq!(labels[names::UID_LABEL], "123e4567-e89b-12d3-a456-426614174000");
}

#[test]
fn labels_by_which_other_tools_own_objects_are_not_copied() {
    let mut experiment = experiment(json!({"schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}}));
    let labels = [
        "team",
        "app.kubernetes.io/instance",
        "argocd.argoproj.io/instance",
        "kustomize.toolkit.fluxcd.io/name",
    ];
    experiment.metadata.labels = Some(labels.map(|label| (label.to_owned(), "a".to_owned())).into());
    let facts = Facts { excluded_labels: Keys::default().excluded_labels, ..Facts::default() };
    for spec in [experiment.spec.take(), None] {
        experiment.spec = spec;
        let plan = plan::plan(&experiment, &Spec::parse(experiment.spec.as_ref()).unwrap(), &facts).unwrap();
        let resources = build(&plan, &shipped()).unwrap();
        let text = resources.workload.value.to_string();
        assert_eq!(labels.map(|label| text.contains(label)), [true, false, false, false], "{text}");
    }
}

#[rstest]
#[case(json!({}))]
#[case(json!({"suspend": false, "ttlSecondsAfterFinished": 7}))]
fn the_jobs_of_a_schedule_are_created_suspended_whatever_the_template_says(#[case] job: Value) {
    let cron_job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "chaostoolkit"},
        "spec": {"jobTemplate": {"spec": job}}});
    let templates = shipped().with(Template::CronJob, cron_job.to_string());
    let experiment = experiment(json!({"schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}}));
    let resources = build(&planned(&experiment, true), &templates).unwrap();
    let made = &resources.workload.value["spec"]["jobTemplate"]["spec"];
    assert_eq!(
        (&made["suspend"], &made["ttlSecondsAfterFinished"]),
        (&json!(true), &job["ttlSecondsAfterFinished"])
    );
}

#[test]
fn the_metadata_of_the_pod_reaches_scheduled_pods() {
    let template = json!({"metadata": {"name": "mine", "labels": {"app": "mine", "tier": "mine", "team": "mine"},
        "annotations": {"sidecar.example/inject": "false"}}, "spec": {"containers": [{"name": "chaostoolkit", "command": ["chaos"]}]}});
    let spec = json!({"schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}, "pod": {"template": template}});
    let mut experiment = experiment(spec);
    experiment.metadata.labels = Some([("team".to_owned(), "payments".to_owned())].into());
    let resources = build(&planned(&experiment, true), &shipped()).unwrap();
    let metadata = &resources.pod()["metadata"];
    let labels = ["tier", "app", "team"].map(|label| &metadata["labels"][label]);
    assert_eq!(labels, ["mine", "chaostoolkit", "payments"], "as in 0.14.0, the two that it had win");
    assert_eq!(metadata["annotations"]["sidecar.example/inject"], "false");
    assert_eq!(metadata["annotations"][names::EXPERIMENT_ANNOTATION], "authors/exp");
    assert_eq!(metadata["labels"][names::UID_LABEL], "123e4567-e89b-12d3-a456-426614174000");
    assert_eq!(metadata.get("name"), None);
}

#[test]
fn the_only_container_runs_the_toolkit_whatever_its_name() {
    let container = json!({"name": "mine", "command": ["chaos"], "args": ["run", "x"]});
    for schedule in [json!({}), json!({"kind": "cronJob", "value": "0 0 1 1 *"})] {
        let template = json!({"spec": {"containers": [container]}});
        let resources =
            built(json!({"pod": {"template": template}, "rollbackStrategy": "always", "schedule": schedule}));
        assert!(resources.has_runner());
        let pod = resources.pod();
        assert_eq!(pod["metadata"]["annotations"][names::CONTAINER_ANNOTATION], "mine");
        assert_eq!(pod["spec"]["containers"][0]["args"], json!(["run", "--rollback-strategy=always", "x"]));
        assert_eq!(pod["spec"]["containers"][0]["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    }
}

#[rstest]
#[case(json!(null), json!("chaostoolkit-runner"))]
#[case(json!(""), json!("chaostoolkit-runner"))]
#[case(json!("cache,data"), json!("cache,data,chaostoolkit-runner"))]
#[case(json!("chaostoolkit-runner,data"), json!("chaostoolkit-runner,data"))]
#[case(json!(5), json!(5))]
fn the_volume_of_the_runner_does_not_stop_the_autoscaler(#[case] given: Value, #[case] expected: Value) {
    let mut annotations = json!({});
    if !given.is_null() {
        annotations[names::EVICTABLE_VOLUMES_ANNOTATION] = given;
    }
    let template = json!({"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "chaostoolkit", "command": ["chaos"]}]}});
    let resources = built(json!({"pod": {"template": template}}));
    assert_eq!(resources.pod()["metadata"]["annotations"][names::EVICTABLE_VOLUMES_ANNOTATION], expected);
    let unwanted = built(json!({"report": {"mode": "none"}}));
    assert_eq!(unwanted.pod()["metadata"]["annotations"].get(names::EVICTABLE_VOLUMES_ANNOTATION), None);
}

#[test]
fn resources_of_the_sidecar_that_are_zero_are_left_out() {
    let zero = || "0".parse().unwrap();
    let resources =
        SidecarResources { cpu_limit: zero(), memory_limit: zero(), ..SidecarResources::default() };
    let runner = Runner { resources, ..Runner::default() };
    let plan = Plan { runner: Some(runner), ..planned(&experiment(json!({})), true) };
    let resources = build(&plan, &shipped()).unwrap();
    let sidecar = &resources.pod()["spec"]["initContainers"][0];
    assert_eq!(sidecar["resources"], json!({"requests": {"cpu": "100m", "memory": "64Mi"}}));
}

#[rstest]
#[case::those_of_the_operator(json!(null), &["op"], Some("chaostoolkit-a235f4ad3e"))]
#[case::none(json!(null), &[], None)]
#[case::those_of_the_author(json!([{"name": "mine"}]), &["op"], None)]
fn the_secrets_of_the_account_are_lacking_beside_those_of_the_operator(
    #[case] named: Value,
    #[case] of_the_operator: &[&str],
    #[case] expected: Option<&str>,
) {
    let of_the_operator: Vec<String> = of_the_operator.iter().map(|&secret| secret.to_owned()).collect();
    let runner = Runner { pull_secrets: of_the_operator.clone(), ..Runner::default() };
    let template = json!({"spec": {"containers": [{"name": "chaostoolkit", "command": ["chaos"]}], "imagePullSecrets": named}});
    let experiment = experiment(json!({"pod": {"template": template}}));
    let plan = Plan { runner: Some(runner), ..planned(&experiment, true) };
    let resources = build(&plan, &shipped()).unwrap();
    assert_eq!(pull_secrets::account_to_read(&resources, &of_the_operator), expected);
}

#[test]
fn the_secrets_of_the_account_come_first_and_change_the_hash_of_a_schedule() {
    let runner = Runner { pull_secrets: vec!["op".into(), "both".into()], ..Runner::default() };
    for schedule in [json!({}), json!({"kind": "cronJob", "value": "0 0 1 1 *"})] {
        let is_scheduled = schedule != json!({});
        let plan = Plan {
            runner: Some(runner.clone()),
            ..planned(&experiment(json!({"schedule": schedule})), true)
        };
        let resources = build(&plan, &shipped()).unwrap();
        let workload =
            pull_secrets::with_those_of_the_account(&resources.workload, &["team".into(), "both".into()]);
        let hash = |manifest: &Manifest| manifest.annotation(names::SPEC_HASH_ANNOTATION).map(str::to_owned);
        assert_eq!(hash(&workload) != hash(&resources.workload), is_scheduled);
        let resources = Resources { workload, ..resources };
        let secrets = &resources.pod()["spec"]["imagePullSecrets"];
        assert_eq!(*secrets, json!([{"name": "team"}, {"name": "both"}, {"name": "op"}]));
        let same = pull_secrets::with_those_of_the_account(&resources.workload, &["team".into()]);
        assert_eq!(same, resources.workload);
    }
}

/// The shipped templates with a value somewhere in them replaced.
fn mutated(template: Template, pointer: &str, value: Value) -> Templates {
    let mut object = shipped().object(template).unwrap();
    if let Some(place) = object.pointer_mut(pointer) {
        *place = value;
    }
    shipped().with(template, object.to_string())
}

#[rstest]
#[case(Template::Pod, "/spec", json!("x"), "has no container called \"chaostoolkit\"")]
#[case(Template::Pod, "/spec/containers", json!("x"), "has no container called \"chaostoolkit\"")]
#[case(Template::Pod, "/spec/containers/0/name", json!("other"), "has no container called \"chaostoolkit\"")]
#[case(Template::RoleBinding, "/subjects", json!([]), "has no `subjects`")]
fn templates_that_cannot_be_used(
    #[case] template: Template,
    #[case] at: &str,
    #[case] value: Value,
    #[case] problem: &str,
) {
    let error = build(&planned(&experiment(json!({})), true), &mutated(template, at, value)).unwrap_err();
    assert!(error.to_string().ends_with(problem), "{error}");
}

#[test]
fn a_template_cannot_tie_a_child_to_somebody_else_or_restart_it() {
    let mut templates = mutated(Template::Pod, "/spec/restartPolicy", json!("Always"));
    let mut pod = templates.object(Template::Pod).unwrap();
    pod["metadata"]["ownerReferences"] = json!([{"kind": "ReplicaSet"}]);
    pod["metadata"]["finalizers"] = json!(["somebody/else"]);
    templates = templates.with(Template::Pod, pod.to_string());
    let resources = build(&planned(&experiment(json!({})), true), &templates).unwrap();
    assert_eq!(resources.workload.value["metadata"].get("ownerReferences"), None);
    assert_eq!(resources.workload.value["metadata"]["finalizers"], json!([names::OUTCOME_FINALIZER]));
    assert_eq!(resources.workload.value["spec"]["restartPolicy"], "Never");
}

#[rstest]
#[case::of_a_template(json!({}))]
#[case::of_the_authors_own(json!({"pod": {"template": {"spec": {"containers": [
    {"name": "chaostoolkit", "command": ["chaos"], "restartPolicy": "Always", "restartPolicyRules": [{"action": "Restart"}]}]}}}}))]
fn no_container_of_a_run_or_a_schedule_is_restarted(
    #[case] spec: Value,
    #[values(false, true)] is_scheduled: bool,
) {
    let mut spec = spec;
    if is_scheduled {
        spec["schedule"] = json!({"kind": "cronJob", "value": "* * * * *"});
    }
    let mut pod = shipped().object(Template::Pod).unwrap();
    pod["spec"]["containers"][0]["restartPolicy"] = json!("OnFailure");
    let templates = shipped().with(Template::Pod, pod.to_string());
    let resources = build(&planned(&experiment(spec), true), &templates).unwrap();
    let spec = &resources.pod()["spec"];
    assert_eq!((&spec["restartPolicy"], spec["containers"][0].get("restartPolicy")), (&json!("Never"), None));
    assert_eq!(spec["containers"][0].get("restartPolicyRules"), None);
}

fn pointers(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                pointers(inner, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), into);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                pointers(inner, &format!("{at}/{index}"), into);
            }
        }
        _ => {}
    }
}

proptest! {
    /// Whatever stands anywhere in a template, there is an error or there are objects, and never a panic.
    #[test]
    fn no_template_panics(
        at in any::<prop::sample::Index>(),
        template in prop::sample::select(vec![Template::Pod, Template::CronJob, Template::Role, Template::RoleBinding,
            Template::ServiceAccount, Template::Namespace]),
        scheduled in any::<bool>(),
        value in prop::sample::select(vec![json!(null), json!("x"), json!(3), json!([]), json!({}), json!([1]), json!(["a"])]),
        settings in any::<bool>(), as_file in any::<bool>(), enabled in any::<bool>(),
    ) {
        let mut places: Vec<String> = Vec::new();
        pointers(&shipped().object(template).unwrap(), "", &mut places);
        let templates = mutated(template, at.get(&places[..]).as_str(), value);
        let mut spec = json!({"verbose": true, "role": {"binds_to_namespaces": ["shop"]}, "pod": {
            "image": "i", "chaosArgs": ["a"], "chaosCommandPath": "c", "env": {"enabled": enabled, "secretName": "s"},
            "settings": {"enabled": settings}, "experiment": {"asFile": as_file},
        }});
        if scheduled {
            spec["schedule"] = json!({"kind": "cronJob", "value": "* * * * *"});
        }
        if let Ok(resources) = build(&planned(&experiment(spec), false), &templates) {
            prop_assert_eq!(&resources.pod()["spec"]["restartPolicy"], "Never");
            prop_assert!(!resources.workload.name().is_empty());
        }
    }
}

#[test]
fn a_schedule_keeps_no_more_pods_than_a_pass_reads() {
    for (wanted, expected) in [(100, 100), (101, 100), (i32::MAX, 100), (0, 0)] {
        let schedule = json!({"kind": "cronJob", "value": "* * * * *", "successfulRunsHistoryLimit": wanted});
        let spec = built(json!({"schedule": schedule})).workload.value["spec"].take();
        assert_eq!(
            (&spec["successfulJobsHistoryLimit"], &spec["failedJobsHistoryLimit"]),
            (&json!(expected), &json!(1))
        );
    }
}

#[test]
fn the_objects_of_a_run_get_a_limited_number_of_labels() {
    let mut experiment = experiment(json!({}));
    experiment.metadata.labels = Some((0..50_000).map(|at| (format!("l{at:05}"), "x".to_owned())).collect());
    let resources = build(&planned(&experiment, true), &shipped()).unwrap();
    let labels = resources.workload.value["metadata"]["labels"].as_object().unwrap();
    assert!((64..70).contains(&labels.len()) && labels.contains_key("l00063"), "{}", labels.len());
}
