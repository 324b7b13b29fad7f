//! Experiments that a backup tool has restored.

use chaostoolkit_api::names;

use super::*;

/// Creates an experiment as Velero restores it: with its labels and without a status.
fn restored(spec: &Value, annotations: &Value) -> (FakeApi, Operator) {
    let fake = cluster_for_runs();
    let mut object = experiment(spec);
    object["metadata"]["labels"] = json!({"velero.io/restore-name": "r", "velero.io/backup-name": "b"});
    object["metadata"]["annotations"] = annotations.clone();
    fake.put(object);
    let operator = Operator::new(&fake, Hangs::Crash);
    (fake, operator)
}

#[tokio::test]
async fn a_restored_experiment_waits_until_a_rerun_asks_for_it() {
    // The backup has the annotation of the last rerun.
    let (fake, mut operator) = restored(&json!({}), &json!({names::RERUN_ANNOTATION: "of the backup"}));
    let before = fake.objects().len();
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Suspended/none/Restored");
    assert_eq!(condition(&fake, "Suspended"), "True/Restored");
    assert_eq!((fake.objects().len(), events(&fake, "Restored")), (before, 1), "no child");
    assert!(!operator.again);
    // An edit, or another operator, does not start it either.
    set(&fake, "verbose", json!(true));
    settle(&fake, &mut Operator::new(&fake, Hangs::Crash), Some(0)).await;
    assert_eq!(found(&fake), "Suspended/none/Restored");
    fake.edit(EXPERIMENT, |experiment| {
        experiment["metadata"]["annotations"][names::RERUN_ANNOTATION] = json!("now");
    });
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!((pods_created(&fake), condition(&fake, "Suspended")), (1, "none".to_owned()));
    assert_eq!(status(&fake)["run"]["number"], 1);
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_restored_schedule_waits_too() {
    let spec = json!({"schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}});
    let (fake, mut operator) = restored(&spec, &json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Suspended/none/Restored");
    assert!(fake.list("CronJob").is_empty());
    fake.edit(EXPERIMENT, |experiment| {
        experiment["metadata"]["annotations"] = json!({names::RERUN_ANNOTATION: "now"});
    });
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Scheduled");
    assert_eq!(fake.list("CronJob").len(), 1);
}

/// What 0.14.0 ran is not run again. To wait for a rerun would promise that it is.
#[tokio::test]
async fn a_restored_experiment_that_the_python_operator_ran_is_adopted() {
    let (fake, mut operator) = restored(&json!({}), &json!({names::KOPF_ANNOTATION: "{}"}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((status(&fake)["reason"].clone(), pods_created(&fake)), (json!("Adopted"), 0));
}

#[tokio::test]
async fn a_restored_experiment_that_waits_can_be_deleted() {
    let (fake, mut operator) = restored(&json!({}), &json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_mark_on_an_experiment_that_has_a_status_changes_nothing() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    fake.edit(EXPERIMENT, |experiment| {
        experiment["metadata"]["labels"] = json!({"velero.io/restore-name": "r"});
    });
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(pods_created(&fake), 1);
}
