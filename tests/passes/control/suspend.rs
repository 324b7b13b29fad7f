//! Runs that their author suspends.

use super::*;

#[tokio::test]
async fn a_suspended_run_has_no_child_until_it_is_resumed_and_then_one_pod() {
    let (fake, mut operator) = begin(&json!({"suspend": true}));
    let before = fake.objects().len();
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Suspended/none/Suspended");
    assert_eq!(condition(&fake, "Suspended"), "True/Suspended");
    assert_eq!(condition(&fake, "Finished"), "False/Suspended");
    assert_eq!((fake.objects().len(), events(&fake, "Suspended")), (before, 1), "no child");
    assert!(!operator.again, "an edit brings the next pass");
    set(&fake, "suspend", json!(false));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(condition(&fake, "Suspended"), "none");
    assert_eq!((pods_created(&fake), events(&fake, "Resumed")), (1, 1));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn suspending_does_not_stop_a_run_that_goes_on() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    set(&fake, "suspend", json!(true));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn the_time_to_start_does_not_run_while_a_run_is_suspended() {
    let (fake, mut operator) = begin_in(cluster(), &json!({"startDeadlineSeconds": 60}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
    set(&fake, "suspend", json!(true));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Suspended");
    assert!(status(&fake)["run"]["requestedAt"].is_null());
    set(&fake, "suspend", json!(false));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/Unknown/ConfigMapMissing");
    assert!(!status(&fake)["run"]["requestedAt"].is_null());
}
