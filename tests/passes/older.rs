//! Experiments that an older operator, or that of 0.14.0, has begun: their objects have no marks.

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::control::{found, rerun};
use super::identity::{MARK, SECOND};
use super::jobs::{paths, start_all};
use super::schedule::begin_run;
use super::*;

/// Makes the cluster what an older operator has left: no random text, no marks, no uids of a schedule.
fn older(fake: &FakeApi) {
    for (path, object) in fake.objects() {
        if !object["metadata"]["annotations"][MARK].is_null() {
            fake.edit(&path, |object| {
                drop(object["metadata"]["annotations"].as_object_mut().unwrap().remove(MARK));
            });
        }
    }
    fake.edit(EXPERIMENT, |experiment| {
        let status = experiment["status"].as_object_mut().unwrap();
        assert!(status.remove("nonce").is_some());
        if let Some(schedule) = status.get_mut("schedule").and_then(Value::as_object_mut) {
            schedule.remove("cronJobUids");
            schedule.remove("jobUids");
        }
    });
}

#[tokio::test]
async fn a_run_that_an_older_operator_has_begun_goes_on() {
    // The older operator was killed before or after it had created the pod.
    for fault in [Fault::HangBefore, Fault::HangAfter] {
        let (fake, mut operator) = begin(&json!({}));
        let (twin, mut other) = begin(&json!({}));
        settle(&twin, &mut other, None).await;
        let number = twin.calls().iter().position(|call| short(call) == "POST pods").unwrap();
        fake.fail(number, fault);
        operator.pass().await;
        assert_eq!(fake.get(POD).is_some(), fault == Fault::HangAfter);
        older(&fake);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!((found(&fake), pods_created(&fake)), ("Completed/Passed/Passed".to_owned(), 1));
        // From the next run on, everything is marked.
        rerun(&fake, "1");
        settle(&fake, &mut operator, Some(0)).await;
        assert!(
            status(&fake)["nonce"].is_string()
                && !fake.get(SECOND).unwrap()["metadata"]["annotations"][MARK].is_null()
        );
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        nothing_is_left(&fake);
    }
}

#[tokio::test]
async fn a_schedule_of_an_older_operator_goes_on() {
    for is_deleted in [false, true] {
        let (fake, mut operator, pod) = begin_run().await;
        older(&fake);
        if is_deleted {
            fake.delete(EXPERIMENT);
        } else {
            fake.end(&pod, 0, None);
            settle(&fake, &mut operator, None).await;
            assert_eq!(status(&fake)["counters"]["runs"], 1);
            fake.delete(&paths(&fake)[0]);
            rerun(&fake, "1");
            settle(&fake, &mut operator, None).await;
            start_all(&fake);
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(status(&fake)["counters"]["runs"], 2);
            fake.delete(EXPERIMENT);
        }
        settle(&fake, &mut operator, None).await;
        nothing_is_left(&fake);
    }
}

#[tokio::test]
async fn what_0_14_0_has_run_is_taken_over_without_a_mark() {
    let fake = cluster_for_runs();
    let (twin, mut other) = begin(&json!({}));
    settle(&twin, &mut other, None).await;
    for (path, mut object) in twin.objects() {
        if path.contains("a235f4ad3e") {
            let metadata = object["metadata"].as_object_mut().unwrap();
            for field in ["labels", "annotations", "finalizers"] {
                metadata.remove(field);
            }
            fake.put(object);
        }
    }
    let mut handled = experiment(&json!({}));
    handled["metadata"]["annotations"] = json!({names::KOPF_ANNOTATION: "{}"});
    fake.put(handled);
    let mut operator = Operator::new(&fake, Hangs::Crash);
    operator.pass().await;
    assert_eq!(
        status(&fake)["run"]["podUid"],
        fake.get(POD).unwrap()["metadata"]["uid"],
        "no other pod counts"
    );
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((status(&fake)["phase"].clone(), pods_created(&fake)), (json!("Completed"), 0));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}
