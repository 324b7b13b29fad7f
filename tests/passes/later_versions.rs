//! Statuses with words that this version does not know: a later version wrote them before a downgrade.

use chaostoolkit_api::names;
use serde_json::json;

use super::*;

/// Replaces all words of the status of the experiment by such words.
fn downgrade(fake: &FakeApi) {
    let word = || json!("WordOfTomorrow");
    fake.edit(EXPERIMENT, |experiment| {
        let status = &mut experiment["status"];
        for pointer in [
            "/phase",
            "/reason",
            "/outcome",
            "/result",
            "/run/trigger",
            "/run/terminatedReason",
            "/run/rollbacks/state",
        ] {
            if let Some(value) = status.pointer_mut(pointer) {
                *value = word();
            }
        }
        status["warnings"] = json!(["WordOfTomorrow"]);
        status["run"]["durationSeconds"] = json!({"seconds": 42});
        status["run"]["ofTomorrow"] = json!([1]);
        if !status["run"]["finishedAt"].is_null() {
            status["run"]["finishedAt"] = json!({"at": 1});
        }
        status["counters"]["runs"] = json!("many");
        status["conditions"].as_array_mut().unwrap().push(json!({"type": "OfTomorrow", "status": 5}));
    });
}

#[tokio::test]
async fn a_finished_run_stays_finished_and_its_experiment_can_be_deleted() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    downgrade(&fake);
    let mut operator = Operator::new(&fake, Hangs::Crash);
    for _ in 0..3 {
        operator.pass().await;
    }
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(pods_created(&fake), 1, "the run is not started again");
    assert!(!status(&fake)["run"]["finishedAt"].is_null());
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_run_that_goes_on_is_followed_to_its_end() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Running");
    downgrade(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["outcome"]], ["Completed", "Passed"]);
    assert_eq!(pods_created(&fake), 1);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_run_that_cannot_be_read_is_not_started_again_and_goes_with_its_experiment() {
    for odd in [json!("WordOfTomorrow"), json!({"ended": true}), json!(7)] {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, Some(0)).await;
        fake.edit(EXPERIMENT, |experiment| experiment["status"]["run"] = odd.clone());
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(pods_created(&fake), 1, "{odd}");
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        assert_eq!(fake.get(EXPERIMENT), None, "{odd}");
        let pod = fake.get(POD).unwrap();
        assert_eq!(
            pod["metadata"]["finalizers"],
            json!([]),
            "nobody holds the pod: {}",
            names::OUTCOME_FINALIZER
        );
    }
}
