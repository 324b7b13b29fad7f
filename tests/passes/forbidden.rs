//! Runs whose activities lacked a right.

use chaostoolkit_journal::message::{Message, State as Stage};
use chaostoolkit_journal::{Summary, parse};
use serde_json::{Value, json};

use super::control::{condition, rerun};
use super::schedule::{begin_run, tick};
use super::*;

const ACCOUNT: &str = "system:serviceaccount:shop:nobody";

/// The report of a real run, whose account may not delete Pods.
fn report(number: usize) -> Message {
    let runs: Vec<Value> =
        serde_json::from_str(include_str!("../../crates/journal/tests/forbidden.json")).unwrap();
    let journal = &runs.iter().filter(|run| run["run"] == "refused").nth(number).unwrap()["journal"];
    let summary = Some(Summary::of(&parse(journal.to_string().as_bytes()).unwrap()));
    Message { exit_code: Some(0), summary, ..Message::new(Stage::Ended) }
}

fn told(fake: &FakeApi) -> Vec<String> {
    let events = fake.events();
    let of_reason = events.iter().filter(|event| event["reason"] == "ActivityForbidden");
    of_reason.map(|event| event["note"].as_str().unwrap().to_owned()).collect()
}

fn authorized(fake: &FakeApi) -> String {
    let status = status(fake);
    let conditions = status["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|condition| condition["type"] == "Authorized");
    found.map_or_else(String::new, |found| found["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_status_and_one_event_name_the_right_and_the_rules_until_the_next_run() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!((condition(&fake, "Authorized"), told(&fake)), ("none".to_owned(), Vec::new()));
    fake.end(POD, 0, Some(&report(3)));
    settle(&fake, &mut operator, None).await;

    let ended = status(&fake);
    assert_eq!(ended["outcome"], "Passed", "{ended}");
    assert!(ended["warnings"].as_array().unwrap().contains(&json!("ActivityForbidden")), "{ended}");
    let said = format!("{ACCOUNT} may not list pods in namespace shop (and lacks 5 other rights)");
    assert!(ended["message"].as_str().unwrap().contains(&said), "{ended}");
    assert_eq!(condition(&fake, "Authorized"), "False/ActivityForbidden");
    let rule = "\n- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [list]";
    assert!(authorized(&fake).contains(rule), "{}", authorized(&fake));
    // The recorded run had another account than this one.
    assert!(authorized(&fake).contains(&format!("{ACCOUNT} is not the account of the run")));
    assert_eq!(told(&fake), [authorized(&fake)]);

    rerun(&fake, "2");
    operator.pass().await;
    assert_eq!(condition(&fake, "Authorized"), "none");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "Authorized"), "none", "the second run lacked nothing");
    let past = &status(&fake)["history"][0];
    assert!(past["warnings"].as_array().unwrap().contains(&json!("ActivityForbidden")), "{past}");
    assert!(past["message"].as_str().unwrap().contains("may not list pods in namespace shop"), "{past}");
    assert_eq!(told(&fake).len(), 1);
}

#[tokio::test]
async fn each_run_of_a_schedule_that_lacks_a_right_has_an_event() {
    let (fake, mut operator, pod) = begin_run().await;
    fake.end(&pod, 0, Some(&report(0)));
    settle(&fake, &mut operator, None).await;
    assert_eq!(condition(&fake, "Authorized"), "False/ActivityForbidden");
    assert_eq!(told(&fake).len(), 1);
    for number in 2..4 {
        let pod = tick(&fake, &mut operator).await;
        settle(&fake, &mut operator, None).await;
        fake.end(&pod, 0, Some(&report(0)));
        settle(&fake, &mut operator, None).await;
        assert_eq!(told(&fake).len(), number);
        assert!(told(&fake)[number - 1].starts_with(&format!("run {number}: ")), "{:?}", told(&fake));
    }
    let pod = tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(condition(&fake, "Authorized"), "False/ActivityForbidden", "of the last run that has ended");
    fake.end(&pod, 0, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!((condition(&fake, "Authorized"), told(&fake).len()), ("none".to_owned(), 3));
}
