use rstest::rstest;
use serde_json::{Value, json};

use crate::experiment::decide::plan::{Facts, Mounted, Plan, plan};
use chaostoolkit_api::spec::InvalidSpec;
use chaostoolkit_api::{Experiment, Spec};

fn planned(spec: Value) -> Result<Plan, InvalidSpec> {
    let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
    let facts = Facts { operator_namespace: "the-operators".into(), ..Facts::default() };
    plan(&experiment, &Spec::parse(experiment.spec.as_ref())?, &facts)
}

fn with(files: Value) -> Value {
    json!({"pod": {"files": files}})
}

fn file(path: &str) -> Value {
    json!({"path": path, "secret": {"name": "s", "key": "k"}})
}

fn paths(invalid: &InvalidSpec) -> Vec<&str> {
    invalid.all().map(|one| one.path.as_str()).collect()
}

#[rstest]
#[case(".kube/config", "/home/svc/.kube/config")]
#[case("./.aws//credentials", "/home/svc/.aws/credentials")]
#[case("/etc/ssl/./certs/ca.crt", "/etc/ssl/certs/ca.crt")]
#[case(".chaostoolkit/settings.yaml", "/home/svc/.chaostoolkit/settings.yaml")]
#[case("experiment.json.bak", "/home/svc/experiment.json.bak")]
#[case("/chaostoolkit-runner-not", "/chaostoolkit-runner-not")]
fn a_path_is_whole_and_a_relative_one_is_below_the_home(#[case] path: &str, #[case] whole: &str) {
    let files = planned(with(json!([file(path)]))).unwrap().files;
    assert_eq!(files.iter().map(|Mounted { path, .. }| path.as_str()).collect::<Vec<_>>(), [whole]);
}

#[rstest]
#[case("", "is not the path of a file")]
#[case("/", "is not the path of a file")]
#[case(".", "is not the path of a file")]
#[case("a/", "is not the path of a file")]
#[case("a/.", "is not the path of a file")]
#[case("/./.", "is not the path of a file")]
#[case("../a", "has \"..\"")]
#[case("/etc/../a", "has \"..\"")]
#[case("a:b", "colon")]
#[case("a\nb", "control character")]
#[case("/home", "is a directory that the toolkit needs")]
#[case("/home/svc", "is a directory that the toolkit needs")]
#[case("/chaostoolkit-runner", "where the runner is")]
#[case("/chaostoolkit-runner/chaos-runner", "where the runner is")]
#[case("//chaostoolkit-runner/./bin/x", "where the runner is")]
#[case("/chaostoolkit-options/ca.crt", "files of other options")]
#[case("/chaostoolkit-artifact", "an artifact")]
#[case("experiment.json", "where the experiment is")]
#[case("/home/svc/experiment.json/x", "where the experiment is")]
#[case("/dev/termination-log", "a part of the system")]
#[case("/proc/1", "a part of the system")]
#[case("/var/run/secrets", "a part of the system")]
fn a_path_that_the_run_needs_is_refused(#[case] path: &str, #[case] problem: &str) {
    let invalid = planned(with(json!([file(path)]))).unwrap_err();
    assert_eq!(invalid.path, "spec.pod.files[0].path");
    assert!(invalid.problem.contains(problem), "{invalid}");
}

#[test]
fn a_path_that_is_too_long_is_refused() {
    assert!(planned(with(json!([file(&"a".repeat(512))]))).is_ok());
    let invalid = planned(with(json!([file(&"a".repeat(513))]))).unwrap_err();
    assert_eq!(invalid.to_string(), "spec.pod.files[0].path: has 513 bytes; at most 512 are possible");
}

#[rstest]
#[case("a/b", "a/b")]
#[case("a/b", "/home/svc/./a/b")]
#[case("a", "a/b")]
#[case("a/b", "a")]
fn two_files_do_not_overlap(#[case] first: &str, #[case] second: &str) {
    let invalid = planned(with(json!([file("x"), file(first), file(second)]))).unwrap_err();
    assert_eq!(invalid.path, "spec.pod.files[2].path");
    assert!(invalid.problem.ends_with("overlaps with spec.pod.files[1]"), "{invalid}");
}

#[test]
fn the_settings_and_a_named_experiment_keep_their_places() {
    let spec = json!({"pod": {"settings": {"enabled": true}, "experiment": {"configMapExperimentFileName": "e.yaml"},
        "files": [file(".chaostoolkit/settings.yaml"), file("e.yaml"), file("experiment.json")]}});
    assert_eq!(paths(&planned(spec).unwrap_err()), ["spec.pod.files[0].path", "spec.pod.files[1].path"]);
}

#[rstest]
#[case(json!({}), "spec.pod.files[0]", "neither configMap nor secret")]
#[case(json!({"secret": {"name": "s", "key": "k"}, "configMap": {"name": "s", "key": "k"}}), "spec.pod.files[0]", "both configMap and secret")]
#[case(json!({"secret": {"name": "S", "key": "k"}}), "spec.pod.files[0].secret.name", "lower case")]
#[case(json!({"secret": {"name": "../s", "key": "k"}}), "spec.pod.files[0].secret.name", "lower case")]
#[case(json!({"configMap": {"name": "s", "key": "../k"}}), "spec.pod.files[0].configMap.key", "letters")]
#[case(json!({"configMap": {"name": "s", "key": ""}}), "spec.pod.files[0].configMap.key", "letters")]
#[case(json!({"configMap": {"name": "s", "key": "k"}, "mode": 512}), "spec.pod.files[0].mode", "0777")]
#[case(json!({"configMap": {"name": "s", "key": "k"}, "mode": -1}), "spec.pod.files[0].mode", "0777")]
fn a_file_has_one_origin_that_kubernetes_accepts(
    #[case] file: Value,
    #[case] path: &str,
    #[case] problem: &str,
) {
    let mut file = file;
    file["path"] = json!("a");
    let invalid = planned(with(json!([file]))).unwrap_err();
    assert_eq!(invalid.path, path);
    assert!(invalid.problem.contains(problem), "{invalid}");
}

#[test]
fn all_mistakes_are_named() {
    let files = json!([{"path": "..", "mode": 9999}, {"path": "a", "secret": {"name": "", "key": "/"}}]);
    let expected = [
        "spec.pod.files[0]",
        "spec.pod.files[0].mode",
        "spec.pod.files[0].path",
        "spec.pod.files[1].secret.name",
        "spec.pod.files[1].secret.key",
    ];
    assert_eq!(paths(&planned(with(files)).unwrap_err()), expected);
}

#[test]
fn the_number_of_files_is_bounded() {
    let files = |count: usize| with((0..count).map(|index| file(&index.to_string())).collect());
    assert_eq!(planned(files(32)).unwrap().files.len(), 32);
    assert_eq!(
        planned(files(33)).unwrap_err().to_string(),
        "spec.pod.files: has 33 files; at most 32 are possible"
    );
}

#[test]
fn beside_a_pod_of_the_authors_own_they_have_no_effect() {
    let mut spec = with(json!([{"path": ".."}]));
    spec["pod"]["proxy"] = json!({"http": "x"});
    spec["pod"]["experiment"] = json!({"url": "x", "sha256": "x", "artifact": {"reference": ""}});
    spec["pod"]["template"] = json!({"spec": {"containers": [{"name": "c"}]}});
    let plan = planned(spec).unwrap();
    assert_eq!((plan.files, plan.proxy), (Vec::new(), None));
}

#[rstest]
#[case(json!(0o400), Value::Null, true)]
#[case(json!(0o440), Value::Null, true)]
#[case(json!(0o440), json!({"fsGroup": 1001}), false)]
#[case(json!(0o444), Value::Null, false)]
#[case(Value::Null, Value::Null, false)]
fn a_file_that_only_root_can_read_is_noticed(#[case] mode: Value, #[case] context: Value, #[case] is: bool) {
    let mut one = file("a");
    one["mode"] = mode;
    let spec = json!({"pod": {"files": [file("b"), one], "securityContext": context}});
    let pod = Spec::parse(Some(&spec)).unwrap().spec.pod.unwrap();
    let warned = super::unreadable(&pod);
    assert_eq!(!warned.is_empty(), is);
    assert!(warned.iter().all(|one| one.starts_with("spec.pod.files[1].mode: ")), "{warned:?}");
}
