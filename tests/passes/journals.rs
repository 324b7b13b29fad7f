//! Journals whose experiment is deleted.

use chaostoolkit_operator::experiment::children::delete::Progress;
use chaostoolkit_operator::experiment::pass::Pass;
use chaostoolkit_operator::experiment::stages::teardown;
use chaostoolkit_operator::process::clock;
use serde_json::{Value, json};

use super::*;
use crate::fake_api::Call;

fn journal(fake: &FakeApi) -> Option<Value> {
    fake.get(&format!("/api/v1/namespaces/chaostoolkit-crd/configmaps/{JOURNAL}"))
}

/// Returns a cluster with a run that has ended and left a journal.
async fn ended() -> (FakeApi, Operator) {
    let (fake, mut operator) = begin_in(cluster(), &Story::Completes.spec());
    settle(&fake, &mut operator, Some(0)).await;
    assert!(journal(&fake).is_some());
    (fake, operator)
}

fn deleted_journals(fake: &FakeApi) -> usize {
    let is_journal = |call: &&Call| call.method == "DELETE" && call.path.ends_with(JOURNAL);
    fake.writes().iter().filter(is_journal).count()
}

#[tokio::test]
async fn the_operator_deletes_a_journal_before_the_garbage_collector_could() {
    let (fake, mut operator) = ended().await;
    // A finalizer of somebody else keeps the experiment, so the garbage collector cannot delete the journal.
    fake.edit(EXPERIMENT, |experiment| {
        experiment["metadata"]["finalizers"].as_array_mut().unwrap().push(json!("example.org/mine"));
    });
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    let finalizers = fake.get(EXPERIMENT).unwrap()["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!(["example.org/mine"]), "the teardown is complete");
    assert_eq!((journal(&fake), deleted_journals(&fake)), (None, 1));
}

#[tokio::test]
async fn journals_stay_if_the_experiment_is_deleted_with_cascade_orphan() {
    let (fake, mut operator) = ended().await;
    // The API server adds this finalizer for `propagationPolicy: Orphan`.
    fake.edit(EXPERIMENT, |experiment| {
        experiment["metadata"]["finalizers"].as_array_mut().unwrap().push(json!("orphan"));
    });
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    let finalizers = fake.get(EXPERIMENT).unwrap()["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!(["orphan"]), "the teardown is complete");
    assert_eq!((journal(&fake).is_some(), deleted_journals(&fake)), (true, 0));
}

/// The command `cleanup` tears down experiments that are not deleted, and keeps them with their journals.
#[tokio::test]
async fn the_journal_of_an_experiment_that_stays_outlives_its_teardown() {
    let (fake, operator) = ended().await;
    let live = serde_json::from_value(fake.get(EXPERIMENT).unwrap()).unwrap();
    let mut pass = Pass::new(&operator.context, live, clock::now());
    while teardown::step(&mut pass).await.unwrap() == Progress::Waiting {}
    let experiment = fake.get(EXPERIMENT).unwrap();
    assert_eq!(experiment["metadata"]["finalizers"], json!([]), "the teardown is complete");
    assert_eq!((fake.get(POD), journal(&fake).is_some(), deleted_journals(&fake)), (None, true, 0));
}

#[tokio::test]
async fn journals_that_the_garbage_collector_has_orphaned_stay() {
    let (fake, mut operator) = ended().await;
    // The collector was faster than the teardown: it has removed owner reference and finalizer `orphan` already.
    fake.edit(&format!("/api/v1/namespaces/chaostoolkit-crd/configmaps/{JOURNAL}"), |journal| {
        journal["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    });
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(EXPERIMENT), None);
    assert_eq!((journal(&fake).is_some(), deleted_journals(&fake)), (true, 0));
}
