//! What files, proxy and sources from elsewhere make of a pod.

use rstest::rstest;
use serde_json::{Value, json};

use super::build;
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::{self, Facts, Plan};
use crate::experiment::decide::templates::tests::shipped;
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;
use chaostoolkit_api::{Experiment, Spec};

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn planned(spec: Value) -> Plan {
    let experiment: Experiment = serde_json::from_value(json!({
        "apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": "exp", "namespace": "authors", "uid": "123e4567-e89b-12d3-a456-426614174000"},
        "spec": spec,
    }))
    .unwrap();
    let facts = Facts { operator_namespace: "authors".into(), has_default_env: true, ..Facts::default() };
    plan::plan(&experiment, &Spec::parse(experiment.spec.as_ref()).unwrap(), &facts).unwrap()
}

fn built_from(spec: Value, templates: &Templates) -> Result<Resources, TemplateError> {
    build(&planned(spec), templates)
}

fn pod_spec(pod: Value) -> Value {
    built_from(json!({"pod": pod}), &shipped()).unwrap().pod()["spec"].clone()
}

fn container(spec: &Value) -> &Value {
    &spec["containers"][0]
}

fn named<'a>(list: &'a Value, name: &str) -> Vec<&'a Value> {
    list.as_array().into_iter().flatten().filter(|item| item["name"] == name).collect()
}

fn variable(spec: &Value, name: &str) -> Option<String> {
    let found = named(&container(spec)["env"], name);
    assert!(found.len() < 2, "{found:?}");
    found.first().map(|variable| variable["value"].as_str().unwrap().to_owned())
}

#[test]
fn each_file_is_mounted_by_itself_and_read_only() {
    let spec = pod_spec(json!({"files": [
        {"path": ".kube/config", "secret": {"name": "s", "key": "kubeconfig"}, "mode": 0o440},
        {"path": "/etc/a", "secret": {"name": "s", "key": "a"}},
        {"path": "/etc/b", "configMap": {"name": "c", "key": "b"}},
    ]}));
    let volume = named(&spec["volumes"], "chaostoolkit-files");
    let expected = json!({"name": "chaostoolkit-files", "projected": {"sources": [
        {"secret": {"name": "s", "items": [{"key": "kubeconfig", "path": "0", "mode": 0o440}]}},
        {"secret": {"name": "s", "items": [{"key": "a", "path": "1"}]}},
        {"configMap": {"name": "c", "items": [{"key": "b", "path": "2"}]}},
    ]}});
    assert_eq!(volume, [&expected]);
    let mount = |path: &str, name: &str| json!({"name": "chaostoolkit-files", "mountPath": path, "subPath": name, "readOnly": true});
    let mounts = named(&container(&spec)["volumeMounts"], "chaostoolkit-files");
    assert_eq!(mounts, [&mount("/home/svc/.kube/config", "0"), &mount("/etc/a", "1"), &mount("/etc/b", "2")]);
    assert_eq!(named(&spec["initContainers"][0]["volumeMounts"], "chaostoolkit-files"), Vec::<&Value>::new());
}

#[test]
fn a_volume_of_the_template_keeps_its_name() {
    let text = "{kind: Pod, metadata: {name: p}, spec: {containers: [{name: chaostoolkit, command: [chaos], args: [run]}], \
        volumes: [{name: chaostoolkit-files, emptyDir: {}}]}}";
    let templates = shipped().with(Template::Pod, text.to_owned());
    let files = json!([{"path": "a", "configMap": {"name": "c", "key": "b"}}]);
    let resources = built_from(json!({"pod": {"files": files}}), &templates).unwrap();
    let volumes = &resources.pod()["spec"]["volumes"];
    assert_eq!(
        named(volumes, "chaostoolkit-files"),
        [&json!({"name": "chaostoolkit-files", "emptyDir": {}})]
    );
    assert_eq!(named(volumes, "chaostoolkit-files-1").len(), 1);
}

#[test]
fn without_these_options_the_pod_is_as_before() {
    let plain = pod_spec(json!({}));
    assert_eq!(pod_spec(json!({"files": [], "proxy": {}})), plain);
    assert_eq!(named(&plain["volumes"], "chaostoolkit-files"), Vec::<&Value>::new());
}

#[test]
fn a_proxy_is_set_in_both_spellings_and_the_cluster_goes_without_it() {
    let spec =
        pod_spec(json!({"proxy": {"http": "http://p:1", "https": "http://p:2", "noProxy": [".internal"]}}));
    let direct = "localhost,127.0.0.1,::1,$(KUBERNETES_SERVICE_HOST),kubernetes.default.svc,.svc,.cluster.local,.internal";
    for (name, value) in [("HTTP_PROXY", "http://p:1"), ("HTTPS_PROXY", "http://p:2"), ("NO_PROXY", direct)] {
        assert_eq!(variable(&spec, name).as_deref(), Some(value));
        assert_eq!(variable(&spec, &name.to_ascii_lowercase()).as_deref(), Some(value));
    }
    assert_eq!(variable(&spec, "SSL_CERT_FILE"), None);
}

#[test]
fn a_proxy_may_refer_to_a_variable_of_the_author() {
    let env = json!([{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]);
    let spec = pod_spec(json!({"env": env, "proxy": {"https": "http://u:$(PASSWORD)@p"}}));
    let names: Vec<&str> =
        container(&spec)["env"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap();
    // Kubernetes resolves a reference only to what comes before it.
    assert!(at("PASSWORD") < at("HTTPS_PROXY"), "{names:?}");
}

#[rstest]
#[case("HTTPS_PROXY")]
#[case("https_proxy")]
fn a_variable_of_the_author_wins_under_either_spelling(#[case] name: &str) {
    let spec = pod_spec(
        json!({"env": [{"name": name, "value": "mine"}], "proxy": {"http": "http://p", "https": "http://p"}}),
    );
    assert_eq!(variable(&spec, name).as_deref(), Some("mine"));
    let other = if name == "https_proxy" { "HTTPS_PROXY" } else { "https_proxy" };
    // Python reads the lower case one first.
    assert_eq!(variable(&spec, other), None);
    assert_eq!(variable(&spec, "http_proxy").as_deref(), Some("http://p"));
}

#[test]
fn certificates_are_a_file_that_the_libraries_read() {
    let spec = pod_spec(json!({"proxy": {"caBundle": {"name": "ca", "key": "bundle.pem"}}}));
    for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"] {
        assert_eq!(variable(&spec, name).as_deref(), Some("/chaostoolkit-options/ca.crt"));
    }
    assert_eq!(variable(&spec, "NO_PROXY"), None);
    let mounts = named(&container(&spec)["volumeMounts"], "chaostoolkit-files");
    assert_eq!(mounts[0]["mountPath"], "/chaostoolkit-options/ca.crt");
    let sources = &named(&spec["volumes"], "chaostoolkit-files")[0]["projected"]["sources"];
    assert_eq!(sources[0]["configMap"]["items"], json!([{"key": "bundle.pem", "path": "0", "mode": 0o444}]));
}

#[test]
fn a_url_is_a_variable_and_the_toolkit_loads_it_itself() {
    let spec = pod_spec(json!({"experiment": {"url": "https://h/e.json"}}));
    assert_eq!(variable(&spec, "EXPERIMENT_URL").as_deref(), Some("https://h/e.json"));
    assert_eq!(variable(&spec, "EXPERIMENT_PATH"), None);
    assert_eq!(container(&spec)["args"], json!(["run", "$(EXPERIMENT_URL)"]));
    assert_eq!(named(&spec["volumes"], "chaostoolkit-experiment"), Vec::<&Value>::new());
    let command = json!(["/chaostoolkit-runner/chaos-runner", "run", "/chaostoolkit-runner", "--", "chaos"]);
    assert_eq!(container(&spec)["command"], command);
}

#[test]
fn headers_and_hash_are_options_of_the_runner_and_the_values_are_mounted() {
    let headers = json!([{"name": "Authorization", "secret": {"name": "s", "key": "a"}}, {"name": "X-B", "secret": {"name": "s", "key": "b"}}]);
    let spec = pod_spec(json!({"experiment": {"url": "https://h/e", "headers": headers, "sha256": DIGEST}}));
    let expected = json!([
        "/chaostoolkit-runner/chaos-runner",
        "run",
        "/chaostoolkit-runner",
        "--header",
        "Authorization=/chaostoolkit-options/header-0",
        "--header",
        "X-B=/chaostoolkit-options/header-1",
        "--sha256",
        DIGEST,
        "--",
        "chaos"
    ]);
    assert_eq!(container(&spec)["command"], expected);
    let sources = &named(&spec["volumes"], "chaostoolkit-files")[0]["projected"]["sources"];
    assert_eq!(
        sources[1],
        json!({"secret": {"name": "s", "items": [{"key": "b", "path": "1", "mode": 0o444}]}})
    );
    let mounts = named(&container(&spec)["volumeMounts"], "chaostoolkit-files");
    assert_eq!(mounts[1]["mountPath"], "/chaostoolkit-options/header-1");
}

#[test]
fn an_experiment_that_must_be_checked_never_runs_unchecked() {
    let text = "{kind: Pod, metadata: {name: p}, spec: {containers: [{name: chaostoolkit, args: [run]}]}}";
    let templates = shipped().with(Template::Pod, text.to_owned());
    let source = |source: Value| built_from(json!({"pod": {"experiment": source}}), &templates);
    let refused = source(json!({"url": "http://h", "sha256": DIGEST})).unwrap_err().to_string();
    assert!(refused.contains("has no `command`") && refused.contains("sha256"), "{refused}");
    assert!(source(json!({"url": "http://h"})).is_ok());
}

#[test]
fn an_artifact_is_an_image_volume() {
    let artifact = json!({"reference": "r/a:1", "path": "dir/e.yaml", "pullPolicy": "IfNotPresent"});
    let spec = pod_spec(json!({"experiment": {"artifact": artifact}}));
    let volume = json!({"name": "chaostoolkit-artifact", "image": {"reference": "r/a:1", "pullPolicy": "IfNotPresent"}});
    assert_eq!(named(&spec["volumes"], "chaostoolkit-artifact"), [&volume]);
    assert_eq!(named(&spec["volumes"], "chaostoolkit-experiment"), Vec::<&Value>::new());
    let mount =
        json!({"name": "chaostoolkit-artifact", "mountPath": "/chaostoolkit-artifact", "readOnly": true});
    assert_eq!(named(&container(&spec)["volumeMounts"], "chaostoolkit-artifact"), [&mount]);
    assert_eq!(variable(&spec, "EXPERIMENT_PATH").as_deref(), Some("/chaostoolkit-artifact/dir/e.yaml"));
    assert_eq!(container(&spec)["args"], json!(["run", "$(EXPERIMENT_PATH)"]));
}

#[test]
fn the_pods_of_a_schedule_get_all_of_it() {
    let spec = json!({"schedule": {"kind": "cronJob", "value": "0 3 * * *"}, "pod": {
        "files": [{"path": "a", "configMap": {"name": "c", "key": "b"}}], "proxy": {"http": "http://p"},
        "experiment": {"url": "http://h", "sha256": DIGEST}}});
    let resources = built_from(spec, &shipped()).unwrap();
    let spec = &resources.pod()["spec"];
    assert_eq!(named(&spec["volumes"], "chaostoolkit-files").len(), 1);
    assert_eq!(variable(spec, "http_proxy").as_deref(), Some("http://p"));
    assert_eq!(variable(spec, "EXPERIMENT_URL").as_deref(), Some("http://h"));
    assert_eq!(container(spec)["command"][4], DIGEST);
}
