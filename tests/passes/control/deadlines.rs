//! Runs with a deadline for their start.

use super::*;

#[tokio::test]
async fn a_run_that_waits_for_too_long_is_given_up() {
    let (fake, mut operator) = begin_in(cluster(), &json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
    age(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Failed/Error/StartTimeout");
    assert!(
        status(&fake)["message"].as_str().unwrap().contains("chaostoolkit-experiment"),
        "the message says what the run waited for"
    );
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
    fake.put(namespace("chaostoolkit-run"));
    fake.put(config_map("chaostoolkit-run"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(pods_created(&fake), 0);
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_cannot_be_planned_is_given_up_too() {
    let fake = FakeApi::new();
    fake.put(namespace("chaostoolkit-crd"));
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "TemplatesMissing");
    fake.edit(EXPERIMENT, |experiment| {
        for condition in experiment["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!("2020-01-01T00:00:00Z");
        }
    });
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Failed/Error/StartTimeout");
    fake.put(TEMPLATES.clone());
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((pods_created(&fake), operator.again), (0, false));
}

#[tokio::test]
async fn a_run_without_a_deadline_waits_for_ever() {
    let (fake, mut operator) = begin_in(cluster(), &json!({"startDeadlineSeconds": 0}));
    settle(&fake, &mut operator, Some(0)).await;
    age(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/Unknown/ConfigMapMissing");
}

#[tokio::test]
async fn a_container_that_does_not_start_in_time_never_does() {
    let (fake, mut operator) = begin(&json!({}));
    while status(&fake)["phase"] != "Starting" {
        operator.pass().await;
    }
    fake.edit(POD, |pod| {
        let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
        pod["spec"]["nodeName"] = json!("node");
        pod["status"]["containerStatuses"] = json!([{"name": "chaostoolkit", "state": waiting}]);
    });
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Starting/Unknown/ImagePullBackOff");
    assert!(operator.again, "a pass comes when the deadline is over");
    age(&fake);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Failed/Error/StartTimeout");
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
    assert_eq!((fake.get(POD), deletions(&fake, POD), events(&fake, "StartTimeout")), (None, 1, 1));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_has_started_is_past_its_deadline() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    age(&fake);
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["phase"].clone(), operator.again), (json!("Running"), false));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}
