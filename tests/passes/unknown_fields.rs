//! `--unknown-fields refuse`.

use std::sync::Arc;

use super::adopted::ran_before;
use super::control::{condition, found, set};
use super::schedule::{CRON_JOB, begin_run, spec as scheduled};
use super::*;
use chaostoolkit_operator::process::config::UnknownFields;

/// An operator that refuses unknown fields.
fn strict(fake: &FakeApi) -> Operator {
    let mut operator = Operator::new(fake, Hangs::Crash);
    Arc::get_mut(&mut operator.context).unwrap().config.unknown_fields = UnknownFields::Refuse;
    operator
}

#[tokio::test]
async fn a_spec_with_unknown_fields_is_refused_by_their_paths_and_runs_once_they_are_gone() {
    let (fake, _) = begin(&json!({"flavour": "x", "pod": {"imagee": "x"}}));
    let mut operator = strict(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Failed/none/InvalidSpec");
    assert_eq!(condition(&fake, "Accepted"), "False/InvalidSpec");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("spec.flavour: the operator does not know this field"), "{message}");
    assert!(message.contains("; spec.pod.imagee: "), "{message}");
    assert!(message.ends_with("(image was probably meant)"), "{message}");
    assert_eq!(fake.writes().iter().map(short).collect::<Vec<_>>(), ["PATCH status"]);
    fake.edit(EXPERIMENT, |experiment| experiment["spec"] = json!({"pod": {"image": "x"}}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn a_mistake_is_told_before_unknown_fields() {
    let (fake, _) = begin(&json!({"flavour": "x", "title": "t"}));
    settle(&fake, &mut strict(&fake), Some(0)).await;
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("spec.title: belongs under spec.experiment"), "{message}");
}

#[tokio::test]
async fn a_run_that_goes_on_is_followed_to_its_end() {
    let (fake, mut operator) = begin(&json!({"flavour": "x"}));
    for _ in 0..5 {
        operator.pass().await;
    }
    assert!(fake.get(POD).is_some());
    let mut operator = strict(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(condition(&fake, "Accepted"), "True/UnknownFields");
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_schedule_keeps_its_run_and_starts_no_other() {
    let (fake, mut operator, pod) = begin_run().await;
    set(&fake, "flavour", json!("x"));
    settle(&fake, &mut operator, None).await;
    assert_eq!(condition(&fake, "Accepted"), "True/UnknownFields");
    let mut operator = strict(&fake);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Failed/Unknown/InvalidSpec");
    assert!(fake.get(&pod).unwrap()["metadata"]["deletionTimestamp"].is_null(), "the run goes on");
    fake.end(&pod, 0, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Failed/Passed/InvalidSpec");
    assert_eq!(status(&fake)["counters"]["runs"], 1);
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(&job).unwrap()["spec"]["suspend"], true, "nothing starts");
    fake.edit(EXPERIMENT, |experiment| experiment["spec"] = scheduled());
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Passed/Scheduled");
}

#[tokio::test]
async fn a_run_of_the_python_operator_is_recorded() {
    let fake = ran_before(&json!({}));
    set(&fake, "flavour", json!("x"));
    let mut operator = strict(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake).split('/').next(), Some("Completed"));
    assert_eq!(pods_created(&fake), 0);
}

#[tokio::test]
async fn a_mistake_is_told_with_the_fields_that_are_not_known() {
    let spec =
        json!({"pod": {"imagePullPolicy": "Sometimes", "nodeselector": {}, "patch": {"spec": {"later": 1}}}});
    let (fake, mut operator) = begin(&spec);
    settle(&fake, &mut operator, Some(0)).await;
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("spec.pod.imagePullPolicy: \"Sometimes\" is not known"), "{message}");
    let unknown = "; unknown fields, which are not used: spec.pod.nodeselector (nodeSelector was probably meant); \
        unknown fields of a pod, on which the API server decides: spec.pod.patch.spec.later";
    assert!(message.ends_with(unknown), "{message}");
    // Once the mistake is gone, the condition says the same.
    fake.edit(EXPERIMENT, |experiment| experiment["spec"]["pod"]["imagePullPolicy"] = json!("Always"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "Accepted"), "True/UnknownFields");
}
