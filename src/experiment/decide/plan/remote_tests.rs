use rstest::rstest;
use serde_json::{Value, json};

use crate::experiment::decide::plan::{Artifact, Facts, Plan, Source, plan};
use chaostoolkit_api::spec::InvalidSpec;
use chaostoolkit_api::{Experiment, Spec};

const DIGEST: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef";

fn planned(spec: Value) -> Result<Plan, InvalidSpec> {
    let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
    let facts = Facts { operator_namespace: "the-operators".into(), ..Facts::default() };
    plan(&experiment, &Spec::parse(experiment.spec.as_ref())?, &facts)
}

fn from(source: Value) -> Result<Plan, InvalidSpec> {
    planned(json!({"pod": {"experiment": source}}))
}

fn paths(invalid: &InvalidSpec) -> Vec<&str> {
    invalid.all().map(|one| one.path.as_str()).collect()
}

fn header(name: &str) -> Value {
    json!({"name": name, "secret": {"name": "s", "key": "k"}})
}

#[rstest]
#[case(json!({"url": "https://h/e.json"}), false)]
#[case(json!({"url": "/experiments/e.yaml", "asFile": false}), false)]
#[case(json!({"url": "http://h/e", "headers": [header("Authorization")]}), true)]
#[case(json!({"url": "http://h/e", "headers": []}), false)]
#[case(json!({"url": "/experiments/e.yaml", "sha256": DIGEST}), true)]
fn a_url_is_the_source(#[case] source: Value, #[case] needs_runner: bool) {
    let plan = from(source).unwrap();
    let Source::Remote(remote) = &plan.source else { panic!("{:?}", plan.source) };
    assert_eq!(remote.needs_runner(), needs_runner);
    assert_eq!(plan.about.source.as_deref(), Some("url"));
}

#[test]
fn the_hash_is_on_the_status_since_no_other_content_runs() {
    let plan = from(json!({"url": "http://h/e", "sha256": DIGEST})).unwrap();
    assert_eq!(plan.about.sha256, Some(DIGEST.to_ascii_lowercase()));
    assert_eq!(from(json!({"url": "http://h/e"})).unwrap().about.sha256, None);
}

#[rstest]
#[case(json!({"url": "ftp://h/e"}), &["spec.pod.experiment.url"])]
#[case(json!({"url": "e.json"}), &["spec.pod.experiment.url"])]
#[case(json!({"url": "/a b"}), &["spec.pod.experiment.url"])]
#[case(json!({"url": "http://h", "asFile": true, "configMapName": "c"}), &["spec.pod.experiment.url", "spec.pod.experiment.url"])]
#[case(json!({"url": "http://h", "configMapExperimentFileName": "c"}), &["spec.pod.experiment.url"])]
#[case(json!({"url": "http://h", "artifact": {"reference": "r"}}), &["spec.pod.experiment.artifact"])]
#[case(json!({"artifact": {"reference": "r"}, "asFile": false}), &["spec.pod.experiment.artifact"])]
#[case(json!({"headers": [header("A")], "sha256": DIGEST}), &["spec.pod.experiment.headers", "spec.pod.experiment.sha256"])]
#[case(json!({"artifact": {"reference": "r"}, "sha256": DIGEST}), &["spec.pod.experiment.sha256"])]
#[case(json!({"url": "http://h", "sha256": "abc"}), &["spec.pod.experiment.sha256"])]
#[case(json!({"url": "/e.json", "headers": [header("A")]}), &["spec.pod.experiment.headers"])]
#[case(json!({"url": "http://h", "headers": [header("a b"), header("Host"), header("X"), header("x")]}),
    &["spec.pod.experiment.headers[0].name", "spec.pod.experiment.headers[1].name", "spec.pod.experiment.headers[3].name"])]
#[case(json!({"url": "http://h", "headers": [{"name": "A", "secret": {"name": "S", "key": ""}}]}),
    &["spec.pod.experiment.headers[0].secret.name", "spec.pod.experiment.headers[0].secret.key"])]
#[case(json!({"url": "http://h", "headers": vec![header("A"); 17]}), &["spec.pod.experiment.headers"])]
#[case(json!({"artifact": {"reference": "a b", "path": "../e", "pullPolicy": "Sometimes"}}),
    &["spec.pod.experiment.artifact.reference", "spec.pod.experiment.artifact.path", "spec.pod.experiment.artifact.pullPolicy"])]
fn what_is_wrong_is_refused_with_its_path(#[case] source: Value, #[case] expected: &[&str]) {
    assert_eq!(paths(&from(source).unwrap_err()), expected);
}

#[rstest]
#[case(json!({"experiment": {"method": []}}), "spec.experiment")]
#[case(json!({"role": {"generate": true}}), "spec.role.generate")]
#[case(json!({"pod": {"env": [{"name": "EXPERIMENT_URL", "value": "x"}]}}), "spec.pod.experiment.url")]
fn nothing_else_may_say_where_the_experiment_is(#[case] spec: Value, #[case] path: &str) {
    let mut spec = spec;
    spec["pod"]["experiment"] = json!({"url": "http://h"});
    assert_eq!(planned(spec).unwrap_err().path, path);
}

#[test]
fn what_needs_the_runner_is_refused_without_it() {
    let source = |source: Value| planned(json!({"report": {"mode": "none"}, "pod": {"experiment": source}}));
    let asked = json!({"url": "http://h", "headers": [header("A")], "sha256": DIGEST});
    let invalid = source(asked).unwrap_err();
    assert_eq!(paths(&invalid), ["spec.pod.experiment.headers", "spec.pod.experiment.sha256"]);
    assert!(source(json!({"url": "http://h"})).is_ok());
}

#[rstest]
#[case(json!({"reference": "r/a@sha256:1"}), "experiment.json", None)]
#[case(json!({"reference": "r/a:1", "path": "/dir/e.yaml", "pullPolicy": "Never"}), "dir/e.yaml", Some("Never"))]
fn an_artifact_is_the_source(#[case] artifact: Value, #[case] path: &str, #[case] policy: Option<&str>) {
    let reference = artifact["reference"].as_str().unwrap().to_owned();
    let plan = from(json!({"artifact": artifact})).unwrap();
    assert_eq!(plan.about.source, Some(format!("artifact/{reference}/{path}")));
    let expected = Artifact { reference, path: path.to_owned(), pull_policy: policy.map(str::to_owned) };
    assert_eq!(plan.source, Source::Artifact(expected));
}

#[test]
fn a_role_cannot_follow_from_an_artifact() {
    let spec = json!({"role": {"generate": true}, "pod": {"experiment": {"artifact": {"reference": "r"}}}});
    let invalid = planned(spec).unwrap_err();
    assert_eq!(invalid.path, "spec.role.generate");
    assert!(invalid.problem.contains("artifact"), "{invalid}");
}
