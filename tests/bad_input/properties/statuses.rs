//! A status as whoever may write `chaosexperiments/status` may write it.

use std::time::Duration;

use chaostoolkit_api::{Experiment, Text};
use chaostoolkit_operator::experiment::intent::Intent;
use chaostoolkit_operator::experiment::judge::record::rolled_back;
use chaostoolkit_operator::experiment::judge::verdict::Ordered;
use chaostoolkit_operator::experiment::stages::{adopt, retention, times, ttl};
use chaostoolkit_operator::experiment::status::Draft;
use serde_json::{Value, json};

use super::{metadata, now, written};

/// Checks an object in JSON with a status and a spec.
pub fn hold(data: &[u8]) {
    let Ok(object) = serde_json::from_slice::<Value>(data) else { return };
    of(&object["spec"], &object["status"]);
}

/// Checks a status. Returns whether the API server would take it.
pub fn of(spec: &Value, status: &Value) -> bool {
    // The API server takes no time before the year 0.
    if status.to_string().contains("\"-0") {
        return false;
    }
    let object = json!({"metadata": metadata(), "spec": spec, "status": status});
    let experiment: Experiment = serde_json::from_value(object).expect("a status is read whatever it says");
    let read = experiment.status.clone().unwrap_or_default();
    let before = serde_json::to_string(&read).unwrap().len();
    let intent = Intent::of(&experiment);
    let asked = |intent: &Intent| {
        let run = read.run.clone().unwrap_or_default();
        let _ = (intent.is_rerun_due(&read), rolled_back(&run), adopt::is_due(&experiment));
        let _ = (read.run_pod(), read.rescue_pod(), retention::is_due(&read, intent, true));
        let ordered = Ordered::of(&run, intent, now());
        (ttl::is_due(&read, intent, now()), ordered, intent.start_deadline(&run))
    };
    assert_eq!(asked(&intent), asked(&intent), "the same status has the same answers");

    let again = times::until_next(&read, now());
    assert!((1..=600).contains(&again.as_secs()), "the next look is in {again:?}");
    if let Some(schedule) = &read.schedule {
        assert!(times::missed(schedule, Some(now())) <= 1000 && times::due(schedule, now(), now()) <= 1000);
    }

    // Whatever is written next is little more than what was there.
    let draft = || Draft::of(&experiment, now());
    written(&experiment, &draft().status, before);
    let mut next = draft();
    next.terminating("the experiment is being deleted");
    assert_eq!(next.status.phase.map(Text::as_str), Some("Terminating"));
    written(&experiment, &next.status, before);
    let mut next = draft();
    next.lost();
    assert_eq!(
        next.status.is_finished(),
        read.schedule.is_none() && read.run.is_some(),
        "a lost run has ended"
    );
    written(&experiment, &next.status, before);
    assert_eq!(
        draft().status.is_finished(),
        read.is_finished(),
        "reading alone ends no run, and starts none"
    );
    assert!(Duration::from_secs(1) <= again);
    true
}
