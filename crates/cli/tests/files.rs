//! The files that are shipped beside the command: the manifest for krew, and the recipes for pipelines.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use rstest::rstest;
use serde_json::{Value, json};

use chaostoolkit_api::names::check_dns_label;
use chaostoolkit_operator::yaml;
use common::{Done, Home, Server, done, experiment, list};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> Value {
    yaml::parse(&std::fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

#[test]
fn the_manifest_for_krew_has_what_krew_asks_for() {
    let manifest = read("plugin/chaostoolkit.yaml");
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    assert_eq!(text("/apiVersion"), "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!((text("/kind").as_str(), text("/metadata/name").as_str()), ("Plugin", "chaostoolkit"));
    let version = text("/spec/version");
    assert_eq!(version, format!("v{}", env!("CARGO_PKG_VERSION")));
    // krew's own review asks for these two.
    let short = text("/spec/shortDescription");
    assert!(short.len() <= 50 && !short.ends_with('.'), "{short}");
    assert!(!text("/spec/description").is_empty() && text("/spec/homepage").starts_with("https://"));
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    assert_eq!(platforms.len(), 4);
    for platform in platforms {
        let labels = &platform["selector"]["matchLabels"];
        let (os, arch) = (labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        let archive = format!("/{version}/kubectl-chaostoolkit-{os}-{arch}.tar.gz");
        let uri = platform["uri"].as_str().unwrap();
        assert!(uri.starts_with("https://") && uri.ends_with(&archive), "{uri}");
        let hash = platform["sha256"].as_str().unwrap();
        assert!(hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
        assert_eq!(platform["bin"], "kubectl-chaostoolkit");
        let files: Vec<&Value> =
            platform["files"].as_array().unwrap().iter().map(|file| &file["from"]).collect();
        assert_eq!(files, ["kubectl-chaostoolkit", "LICENSE"]);
    }
}

/// An API server that takes an experiment, and says at once that its run has ended so. It has no journals.
fn server(outcome: &str, name: &'static str) -> Server {
    let time = "2026-01-01T00:00:00Z";
    let status = json!({"observedGeneration": 1, "phase": "Completed", "outcome": outcome, "result": outcome, "reason": outcome,
        "message": "m", "run": {"number": 1, "podName": "p", "podUid": "u", "startedAt": time, "finishedAt": time}});
    server_of(status, name)
}

/// An API server that takes an experiment, and says at once that its run may not start.
fn blocking_server(name: &'static str) -> Server {
    let permitted = json!({"type": "Permitted", "status": "False", "reason": "AuthorForbidden", "message": "may not create pods",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status = json!({"observedGeneration": 1, "phase": "Blocked", "reason": "AuthorForbidden", "message": "m",
        "conditions": [permitted]});
    server_of(status, name)
}

fn server_of(status: Value, name: &'static str) -> Server {
    let is_made = AtomicBool::new(false);
    Server::start(move |(method, path, _)| {
        let one = experiment(name, &json!({}), &status);
        // Whoever runs it asks first whether there is one of this name.
        let is_new =
            method == "GET" && path.ends_with(&format!("/{name}")) && !is_made.load(Ordering::Relaxed);
        let missing = common::status(404, "NotFound", "not found", name);
        Some(match (method.as_str(), path.as_str()) {
            ("POST", path) if path.contains("selfsubjectaccessreviews") => {
                (201, json!({"spec": {}, "status": {"allowed": true}}))
            }
            ("POST", path) => {
                is_made.fetch_or(!path.contains("dryRun"), Ordering::Relaxed);
                (201, one)
            }
            (_, path) if path.contains("configmaps") => (404, missing),
            (_, path) if path.contains("chaosexperiments?") => (200, list(&[one])),
            _ if is_new => (404, missing),
            _ => (200, one),
        })
    })
}

/// Runs a script with bash, as a pipeline does, in a directory that has the experiment.
fn script(home: &Home, shell: &[&str], text: &str, variables: &[(&str, &str)]) -> Done {
    let experiment = std::fs::read_to_string(root().join("examples/experiments/greeting.json")).unwrap();
    home.file("experiment.json", &experiment);
    let script = home.file("script", text);
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-chaostoolkit")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(shell).arg(script).current_dir(home.directory.path());
    command.env("PATH", path).env("KUBECONFIG", home.path("config")).envs(variables.iter().copied());
    done(&mut command)
}

/// The script of a recipe.
fn recipe(file: &str) -> String {
    let recipe = read(&format!("examples/ci/{file}"));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match file {
        "github-actions.yaml" => {
            let steps = recipe["jobs"]["chaos"]["steps"].as_array().unwrap();
            text(&steps.iter().find(|step| step["id"] == "run").unwrap()["run"]).unwrap()
        }
        "gitlab-ci.yml" => {
            let lines = recipe["chaos"]["script"].as_array().unwrap();
            lines.iter().filter_map(text).collect::<Vec<_>>().join("\n")
        }
        "tekton-task.yaml" => text(&recipe["spec"]["steps"][0]["script"]).unwrap(),
        "argo-workflow.yaml" => {
            let templates = recipe["spec"]["templates"].as_array().unwrap();
            templates.iter().find_map(|one| text(&one["script"]["source"])).unwrap()
        }
        _ => panic!("{file} is no recipe"),
    }
}

#[rstest]
fn a_recipe_leaves_no_run_that_may_start_later(
    #[values("github-actions.yaml", "gitlab-ci.yml", "tekton-task.yaml", "argo-workflow.yaml")] file: &str,
) {
    let server = blocking_server("greeting");
    let home = Home::of(&server.address);
    let (summary, result) = (home.file("summary.md", ""), home.path("code"));
    let variables = [
        ("NAME", "greeting"),
        ("GITHUB_STEP_SUMMARY", summary.as_str()),
        ("EXPERIMENT", "experiment.json"),
        ("NAMESPACE", "chaostoolkit-crd"),
        ("TIMEOUT", "1m"),
        ("RESULT", result.to_str().unwrap()),
    ];
    let done = script(&home, &["-e", "-o", "pipefail"], &recipe(file), &variables);
    // The template of Argo prints the code.
    let code = if file == "argo-workflow.yaml" { (0, "19\n") } else { (19, done.out.as_str()) };
    assert_eq!((done.code, done.out.as_str()), code, "{done:?}");
    let stops = |(method, path, body): &common::Asked| {
        method == "PATCH" && path.contains("/greeting") && body.to_string().contains(r#""abort":true"#)
    };
    assert!(server.writes().iter().any(stops), "{:?}", server.writes());
}

#[rstest]
#[case("Passed", 0)]
#[case("Deviated", 10)]
fn the_script_for_github_actions_ends_as_the_run(#[case] outcome: &str, #[case] code: i32) {
    let workflow = read("examples/ci/github-actions.yaml");
    let steps = workflow["jobs"]["chaos"]["steps"].as_array().unwrap();
    assert!(workflow.get("on").is_some() || workflow.get("true").is_some(), "a workflow says when it runs");
    let server = server(outcome, "greeting");
    let home = Home::of(&server.address);
    let summary = home.file("summary.md", "");
    // GitHub runs steps with these flags.
    let done = script(
        &home,
        &["-e", "-o", "pipefail"],
        &recipe("github-actions.yaml"),
        &[("NAME", "greeting"), ("GITHUB_STEP_SUMMARY", &summary)],
    );
    assert_eq!(done.code, code, "{done:?}");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.contains(&format!("{outcome} chaostoolkit-crd/greeting@1")), "{summary}");
    for step in steps.iter().filter_map(|step| step["run"].as_str()) {
        let checked = script(&home, &["-n"], step, &[]);
        assert_eq!(checked.code, 0, "{checked:?}");
    }
}

#[rstest]
#[case("Passed", 0)]
#[case("BaselineNotMet", 11)]
fn the_script_for_gitlab_ends_as_the_run(#[case] outcome: &str, #[case] code: i32) {
    let job = &read("examples/ci/gitlab-ci.yml")["chaos"];
    assert_eq!(job["allow_failure"]["exit_codes"], json!([17]));
    let server = server(outcome, "greeting");
    let home = Home::of(&server.address);
    let done = script(&home, &["-e", "-o", "pipefail"], &recipe("gitlab-ci.yml"), &[("NAME", "greeting")]);
    assert_eq!(done.code, code, "{done:?}");
    assert!(done.out.contains(&format!("{outcome} chaostoolkit-crd/greeting@1")), "{done:?}");
    assert!(home.path("result.txt").exists());
}

#[rstest]
#[case("Passed", 0)]
#[case("ProbeError", 12)]
fn the_script_for_tekton_tells_the_code_as_a_result(#[case] outcome: &str, #[case] code: i32) {
    let task = read("examples/ci/tekton-task.yaml");
    assert_eq!((&task["apiVersion"], &task["kind"]), (&json!("tekton.dev/v1"), &json!("Task")));
    let step = &task["spec"]["steps"][0];
    let known: Vec<&Value> = step["env"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(known, ["EXPERIMENT", "NAME", "NAMESPACE", "TIMEOUT", "RESULT"]);
    let server = server(outcome, "greeting");
    let home = Home::of(&server.address);
    let result = home.path("code");
    let variables = [
        ("EXPERIMENT", "experiment.json"),
        ("NAME", "greeting"),
        ("NAMESPACE", "chaostoolkit-crd"),
        ("TIMEOUT", "1m"),
        ("RESULT", result.to_str().unwrap()),
    ];
    let done = script(&home, &[], &recipe("tekton-task.yaml"), &variables);
    assert_eq!(done.code, code, "{done:?}");
    assert_eq!(std::fs::read_to_string(result).unwrap(), code.to_string());
}

#[rstest]
#[case("Passed", "0\n", 0)]
#[case("Deviated", "10\n", 0)]
fn the_script_for_argo_prints_the_code(#[case] outcome: &str, #[case] out: &str, #[case] code: i32) {
    let workflow = read("examples/ci/argo-workflow.yaml");
    assert_eq!(
        (&workflow["apiVersion"], &workflow["kind"]),
        (&json!("argoproj.io/v1alpha1"), &json!("Workflow"))
    );
    let templates = workflow["spec"]["templates"].as_array().unwrap();
    let names: Vec<&str> = templates.iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.iter().all(|name| check_dns_label(name).is_ok()));
    let server = server(outcome, "chaos-x");
    let home = Home::of(&server.address);
    let done = script(&home, &[], &recipe("argo-workflow.yaml"), &[("NAME", "chaos-x")]);
    assert_eq!((done.code, done.out.as_str()), (code, out), "{done:?}");
}

#[test]
fn the_script_for_argo_fails_if_nothing_is_known_of_the_run() {
    let home = Home::of("http://127.0.0.1:1");
    let done = script(&home, &[], &recipe("argo-workflow.yaml"), &[("NAME", "chaos-x")]);
    assert_eq!((done.code, done.out.as_str()), (1, "1\n"), "{done:?}");
}
