//! Failures that do not pass by themselves.

use std::time::Duration;

use super::control::{condition, found};
use super::schedule::{CRON_JOB, spec as schedule};
use super::*;

#[tokio::test]
async fn a_creation_without_a_place_is_told_at_once() {
    let (fake, mut operator) = begin(&json!({}));
    fake.refuse(Some(("POST", "/serviceaccounts/", 404)));
    operator.pass().await;
    assert_eq!(found(&fake), "Blocked/Unknown/ObjectInvalid");
    assert_eq!(condition(&fake, "Provisioned"), "False/ObjectInvalid");
    let message = status(&fake)["message"].clone();
    assert!(message.as_str().unwrap().starts_with("cannot create ServiceAccount"), "{message}");
    fake.refuse(None);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test(start_paused = true)]
async fn whatever_has_failed_for_half_a_minute_is_told() {
    for (spec, calls) in [
        (json!({}), ("POST", "/pods/", 500)),
        (json!({}), ("GET", "/configmaps/", 503)),
        (schedule(), ("POST", "/cronjobs/", 429)),
    ] {
        let (fake, mut operator) = begin(&spec);
        fake.refuse(Some(calls));
        operator.pass().await;
        tokio::time::advance(Duration::from_secs(29)).await;
        operator.pass().await;
        assert_ne!(status(&fake)["reason"], "ApiError", "it may pass by itself: {calls:?}");
        tokio::time::advance(Duration::from_secs(1)).await;
        operator.pass().await;
        assert_eq!(status(&fake)["reason"], "ApiError", "{calls:?}");
        assert_eq!(status(&fake)["phase"], "Blocked", "{calls:?}");
        let message = status(&fake)["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("cannot ") && message.contains("injected"), "{message}");
        let events = fake.events();
        assert!(events.iter().any(|event| event["reason"] == "ApiError"), "{events:?}");
        let versions = fake.versions().len();
        operator.pass().await;
        assert_eq!(fake.versions().len(), versions, "it is told once");
        fake.refuse(None);
        settle(&fake, &mut operator, Some(0)).await;
        assert_ne!(status(&fake)["reason"], "ApiError", "it is over: {calls:?}");
        // A later failure has its own half a minute.
        fake.refuse(Some(("GET", "/pods/", 500)));
        operator.pass().await;
        assert_ne!(status(&fake)["reason"], "ApiError");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_be_followed_goes_on_and_says_so() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Running/Unknown/Running");
    fake.refuse(Some(("GET", "/pods/", 500)));
    touch(&fake, POD);
    operator.pass().await;
    assert_eq!(found(&fake), "Running/Unknown/Running");
    tokio::time::advance(Duration::from_secs(30)).await;
    operator.pass().await;
    assert_eq!(found(&fake), "Running/Unknown/ApiError");
    fake.refuse(None);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test(start_paused = true)]
async fn a_refused_abort_is_told_once() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    fake.refuse(Some(("DELETE", "/pods/", 403)));
    super::control::set(&fake, "abort", json!(true));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborting/Unknown/Forbidden");
    let versions = fake.versions().len();
    operator.pass().await;
    assert_eq!(fake.versions().len(), versions, "another attempt is no news");
    fake.refuse(None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Aborted");
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_that_fails_for_half_a_minute_says_so() {
    let (fake, mut operator) = begin(&schedule());
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(CRON_JOB).is_some());
    fake.refuse(Some(("DELETE", "/cronjobs/", 500)));
    fake.delete(EXPERIMENT);
    operator.pass().await;
    assert_eq!(condition(&fake, "CleanupBlocked"), "none");
    tokio::time::advance(Duration::from_secs(30)).await;
    operator.pass().await;
    assert_eq!(condition(&fake, "CleanupBlocked"), "True/CleanupBlocked");
    fake.refuse(None);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}
