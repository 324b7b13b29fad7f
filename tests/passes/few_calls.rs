//! Which calls a pass over a run spares, and that nothing is lost by it.

use std::sync::Arc;

use chaostoolkit_api::Experiment;
use chaostoolkit_operator::experiment::reconcile;
use chaostoolkit_operator::process::workers::Workers;
use kube::core::DeserializeGuard;

use super::control::found;
use super::*;

fn calls_since(fake: &FakeApi, before: usize) -> Vec<String> {
    fake.calls()[before..].iter().map(short).collect()
}

#[tokio::test]
async fn a_pass_that_sees_what_the_last_one_saw_makes_no_call() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Running/Unknown/Running");
    let before = fake.calls().len();
    operator.pass().await;
    assert_eq!(calls_since(&fake, before), Vec::<String>::new());
    touch(&fake, POD);
    operator.pass().await;
    assert_eq!(calls_since(&fake, before), ["GET pods"], "the experiment has not changed");
    touch(&fake, EXPERIMENT);
    operator.pass().await;
    assert_eq!(calls_since(&fake, before), ["GET pods", "GET pods"], "the cache has its newest version");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

/// Has an experiment begin with the only worker, while another one waits for that worker.
async fn begin_beside_another(spec: &Value) -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(spec);
    Arc::get_mut(&mut operator.context).unwrap().workers = Workers::new(1);
    let mut other = experiment(&json!({}));
    other["metadata"]["name"] = json!("other");
    other["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    let other = fake.put(other);
    let read = |path: &str| -> Arc<DeserializeGuard<Experiment>> {
        Arc::new(serde_json::from_value(fake.get(path).unwrap()).unwrap())
    };
    let passes = [EXPERIMENT, other.as_str()].map(|path| reconcile(read(path), operator.context.clone()));
    for pass in futures::future::join_all(passes).await {
        pass.unwrap();
    }
    fake.forget(&other);
    assert!(fake.get(POD).is_some());
    assert_eq!(status(&fake)["run"]["podUid"], Value::Null, "the record waits");
    (fake, operator)
}

#[tokio::test]
async fn the_record_of_a_pod_waits_while_others_wait_and_nothing_is_lost() {
    let (fake, mut operator) = begin_beside_another(&json!({})).await;
    let pod = fake.get(POD).unwrap()["metadata"]["uid"].clone();
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    let status = status(&fake);
    assert_eq!(status["run"]["podUid"], pod);
    for recorded in status["resources"].as_array().unwrap() {
        assert!(recorded["uid"].is_string(), "{recorded}");
    }
}

#[tokio::test]
async fn a_pod_that_is_gone_before_its_record_is_made_again_from_the_whole_spec() {
    let (fake, mut operator) = begin_beside_another(&json!({"pod": {"image": "of/the:author"}})).await;
    fake.forget(POD);
    settle(&fake, &mut operator, None).await;
    let pod = fake.get(POD).unwrap();
    assert_eq!(pod["spec"]["containers"][0]["image"], "of/the:author");
}

#[tokio::test]
async fn an_object_that_has_the_name_of_a_recorded_one_by_now_stays() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    let account = "/api/v1/namespaces/chaostoolkit-run/serviceaccounts/chaostoolkit-a235f4ad3e";
    let mut foreign = fake.get(account).unwrap();
    fake.forget(account);
    foreign["metadata"] = json!({"name": "chaostoolkit-a235f4ad3e", "namespace": "chaostoolkit-run"});
    fake.put(foreign);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(EXPERIMENT), None);
    assert!(fake.get(account).is_some());
}
