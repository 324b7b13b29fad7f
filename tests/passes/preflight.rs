//! What is wrong with an experiment is told before its run starts, and keeps it from starting if its author wants that.

use std::sync::Arc;

use chaostoolkit_operator::process::extensions::Extensions;

use super::control::{condition, found, set};
use super::jobs::{end, events, past};
use super::schedule::CRON_JOB;
use super::*;

/// The account of a run that its author has brought.
const ACCOUNT: &str = "system:serviceaccount:chaostoolkit-run:theirs";

/// An experiment that needs the variable TOKEN.
fn with_variable() -> Value {
    json!({"title": "t", "description": "d", "method": [], "configuration": {"token": {"type": "env", "key": "TOKEN"}}})
}

/// An experiment that calls a function of chaosk8s in the namespace of the run.
fn calling(module: &str, func: &str) -> Value {
    let arguments = json!({"name": "web", "ns": "chaostoolkit-run"});
    let provider = json!({"type": "python", "module": module, "func": func, "arguments": arguments});
    json!({"title": "t", "description": "d", "method": [{"type": "action", "name": "a", "provider": provider}]})
}

fn variables(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "chaostoolkit-env", "namespace": "chaostoolkit-run"},
        "data": data})
}

/// Returns what the condition `Accepted` says.
fn accepted(fake: &FakeApi) -> String {
    let conditions = status(fake)["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == "Accepted");
    found.map(|found| found["message"].as_str().unwrap().to_owned()).unwrap_or_default()
}

fn message(fake: &FakeApi) -> String {
    status(fake)["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn by_default_a_run_starts_with_a_warning() {
    let (fake, mut operator) = begin(&json!({"experiment": with_variable()}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(condition(&fake, "Accepted"), "True/AcceptedWithWarnings");
    let told = accepted(&fake);
    assert!(told.contains("preflight: configuration.token: nothing gives the variable \"TOKEN\""), "{told}");
    assert_eq!(events(&fake, "AcceptedWithWarnings").len(), 1);
    let before = fake.calls().len();
    operator.pass().await;
    assert_eq!(fake.calls().len(), before, "a run that has ended costs no call");
}

#[tokio::test]
async fn a_run_that_is_to_fail_waits_until_a_config_map_mends_it() {
    let (fake, mut operator) = begin(&json!({"experiment": with_variable(), "preflight": "Fail"}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/PreflightFailed");
    let told = message(&fake);
    assert!(told.starts_with("configuration.token: nothing gives the variable \"TOKEN\""), "{told}");
    assert!(told.ends_with("; the run starts once that is mended, or with spec.preflight: Warn"), "{told}");
    assert_eq!((pods_created(&fake), events(&fake, "PreflightFailed").len()), (0, 1));
    assert!(operator.again, "it is asked again");
    fake.put(variables(&json!({"TOKEN": "x"})));
    operator.pass().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(condition(&fake, "Accepted"), "True/Accepted");
}

#[tokio::test]
async fn an_edit_of_the_field_alone_lets_a_run_start() {
    let (fake, mut operator) = begin(&json!({"experiment": with_variable(), "preflight": "Fail"}));
    settle(&fake, &mut operator, Some(0)).await;
    set(&fake, "preflight", json!("Warn"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(events(&fake, "SpecChangeIgnored").len(), 0);
}

#[tokio::test]
async fn a_misspelled_hypothesis_keeps_a_run_from_starting() {
    let experiment = json!({"title": "t", "description": "d", "method": [], "steady-state-hypotesis": {"title": "h", "probes": []}});
    let (fake, mut operator) = begin(&json!({"experiment": experiment, "preflight": "Fail"}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/PreflightFailed");
    assert!(message(&fake).contains("write steady-state-hypothesis"), "{}", message(&fake));
}

#[tokio::test]
async fn a_run_of_a_schedule_is_skipped_and_the_next_one_starts_once_it_is_mended() {
    let schedule = json!({"kind": "cronJob", "value": "0 0 1 1 *"});
    let (fake, mut operator) =
        begin(&json!({"experiment": with_variable(), "preflight": "Fail", "schedule": schedule}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Scheduled");
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, Some(0)).await;
    let skipped = past(&fake);
    assert_eq!([&skipped["phase"], &skipped["reason"]], ["Skipped", "PreflightFailed"]);
    assert_eq!((fake.get(&job), status(&fake)["counters"]["skipped"].clone()), (None, json!(1)));
    assert!(condition(&fake, "Permitted").starts_with("True/"), "nobody is refused anything");
    set(&fake, "pod", json!({"env": [{"name": "TOKEN", "value": "x"}]}));
    settle(&fake, &mut operator, None).await;
    let job = fake.due(CRON_JOB);
    operator.pass().await;
    assert_eq!(fake.get(&job).unwrap()["spec"]["suspend"], false);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_image_that_is_known_not_to_have_an_extension_is_named() {
    let experiment = calling("chaosaws.ec2.actions", "stop_instance");
    let (fake, mut operator) =
        begin(&json!({"experiment": experiment, "preflight": "Fail", "pod": {"image": "shop/chaos:1"}}));
    let known = Extensions::parse("shop/chaos: [chaosk8s]").unwrap();
    Arc::get_mut(&mut operator.context).unwrap().config.extensions = known;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/PreflightFailed");
    let told = message(&fake);
    assert!(
        told.starts_with("method[0].provider.module: the image \"shop/chaos:1\" has no package"),
        "{told}"
    );
    set(&fake, "pod", json!({"image": "shop/other:1"}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed", "nobody knows what this one has");
}

#[tokio::test]
async fn the_role_of_the_run_is_compared_with_what_its_activities_need() {
    let experiment = calling("chaosk8s.deployment.actions", "scale_deployment");
    let (fake, _) = begin(&json!({"experiment": experiment, "preflight": "Fail"}));
    let mut operator = Operator::with(&fake, Hangs::Crash, true);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/PreflightFailed");
    let told = message(&fake);
    let right = "may not patch deployments.apps web in namespace chaostoolkit-run";
    assert!(told.starts_with("method[0].provider.func: ") && told.contains(right), "{told}");
    assert_eq!(fake.reviews(), [""; 0], "an account that is created for the run has what the run gives it");
    let rule = json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]});
    set(&fake, "role", json!({"rules": [rule]}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn an_account_of_the_author_may_have_rights_of_its_own() {
    let experiment = calling("chaosk8s.deployment.actions", "scale_deployment");
    let spec = json!({"experiment": experiment, "preflight": "Fail", "serviceaccount": {"name": "theirs"}});
    for is_missing in [false, true] {
        let (fake, _) = begin(&spec);
        fake.put(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "theirs", "namespace": "chaostoolkit-run"}}));
        let mut operator = Operator::with(&fake, Hangs::Crash, true);
        if is_missing {
            fake.forbid(&["patch deployments/web chaostoolkit-run"]);
        }
        settle(&fake, &mut operator, Some(0)).await;
        let expected = if is_missing { "Blocked/none/PreflightFailed" } else { "Completed/Passed/Passed" };
        assert_eq!(found(&fake), expected, "{}", message(&fake));
        let asked = format!("{ACCOUNT} patch deployments/web chaostoolkit-run");
        assert!(fake.reviews().iter().all(|review| *review == asked) && !fake.reviews().is_empty());
    }
}

#[tokio::test]
async fn what_the_operator_cannot_see_counts_as_given() {
    let secret = json!({"env": {"secretName": "theirs"}});
    let elsewhere =
        json!({"experiment": {"asFile": false}, "env": [{"name": "EXPERIMENT_URL", "value": "http://a/"}]});
    let overridden = json!({"chaosArgs": ["run", "--var-file", "x.env", "$(EXPERIMENT_PATH)"]});
    for (pod, is_inline) in [(secret, true), (elsewhere, false), (overridden, true)] {
        let mut spec = json!({"preflight": "Fail", "pod": pod});
        if is_inline {
            spec["experiment"] = with_variable();
        }
        let (fake, mut operator) = begin(&spec);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(status(&fake)["phase"], "Completed", "{spec}: {}", message(&fake));
    }
}

#[tokio::test]
async fn an_experiment_that_needs_nothing_costs_no_call() {
    let mut counts = Vec::new();
    for preflight in ["Warn", "Fail"] {
        let (fake, mut operator) = begin(&json!({"preflight": preflight}));
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), "Completed/Passed/Passed");
        counts.push(fake.calls().len());
    }
    let (fake, mut operator) = begin(&json!({"experiment": with_variable()}));
    settle(&fake, &mut operator, Some(0)).await;
    let reads = |fake: &FakeApi| {
        fake.calls()
            .iter()
            .filter(|call| call.method == "GET" && call.path.contains("chaostoolkit-env"))
            .count()
    };
    assert_eq!((counts[0], reads(&fake)), (counts[1], 1), "the variables are read anyway");
}
