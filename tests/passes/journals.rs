//! What becomes of journals when their experiment is deleted.

use super::*;

fn journal(fake: &FakeApi) -> Option<Value> {
    fake.get(&format!("/api/v1/namespaces/chaostoolkit-crd/configmaps/{JOURNAL}"))
}

/// A run that has ended and left a journal.
async fn ended() -> (FakeApi, Operator) {
    let fake = cluster();
    fake.put(experiment(&Story::Completes.spec()));
    let mut operator = Operator::new(&fake, Hangs::Crash);
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
    // A finalizer of somebody else keeps the experiment, and with it the garbage collector, from going on.
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
    // As the API server does it for `propagationPolicy: Orphan`.
    fake.edit(EXPERIMENT, |experiment| {
        experiment["metadata"]["finalizers"].as_array_mut().unwrap().push(json!("orphan"));
    });
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    let finalizers = fake.get(EXPERIMENT).unwrap()["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!(["orphan"]), "the teardown is complete");
    assert_eq!((journal(&fake).is_some(), deleted_journals(&fake)), (true, 0));
}

#[tokio::test]
async fn journals_that_the_garbage_collector_has_orphaned_stay() {
    let (fake, mut operator) = ended().await;
    // The collector was faster than the teardown: owner reference and finalizer `orphan` are gone already.
    fake.edit(&format!("/api/v1/namespaces/chaostoolkit-crd/configmaps/{JOURNAL}"), |journal| {
        journal["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    });
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(EXPERIMENT), None);
    assert_eq!((journal(&fake).is_some(), deleted_journals(&fake)), (true, 0));
}
