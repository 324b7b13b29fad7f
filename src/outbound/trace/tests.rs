use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;
use prost::Message;
use rstest::rstest;
use serde_json::{Value, json};

fn run(outcome: Outcome, reason: &str) -> RunFacts {
    let time = |text: &str| text.parse().ok().map(Time);
    RunFacts {
        experiment: "exp".to_owned(),
        namespace: "ns".to_owned(),
        uid: "u".to_owned(),
        id: "p".to_owned(),
        run: 1,
        pod_name: Some("chaostoolkit-a".to_owned()),
        started_at: time("2026-11-21T07:51:32Z"),
        finished_at: time("2026-11-21T07:52:32Z"),
        end: Some(EndFacts { outcome, reason: reason.to_owned(), ..EndFacts::default() }),
        ..RunFacts::default()
    }
}

fn spans_of(journal: &[u8]) -> Vec<Span> {
    let timeline = Timeline::read(journal, 8 << 20).ok();
    spans(&run(Outcome::Passed, "Passed"), timeline.as_ref())
}

fn value<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    use opentelemetry_proto::tonic::common::v1::any_value;
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// What holds for the spans of any journal.
fn check(spans: &[Span]) -> Result<(), TestCaseError> {
    prop_assert!((1..=MAX_SPANS).contains(&spans.len()), "{}", spans.len());
    let ids: BTreeSet<&[u8]> = spans.iter().map(|span| span.span_id.as_slice()).collect();
    prop_assert_eq!(ids.len(), spans.len(), "an id occurs twice");
    prop_assert!(spans[0].parent_span_id.is_empty());
    for span in spans {
        prop_assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        prop_assert_eq!(&span.trace_id, &spans[0].trace_id);
        prop_assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
    }
    for child in &spans[1..] {
        let parent = spans.iter().find(|span| span.span_id == child.parent_span_id);
        let parent = parent.ok_or_else(|| TestCaseError::fail("a span without a parent"))?;
        prop_assert!(parent.start_time_unix_nano <= child.start_time_unix_nano);
        prop_assert!(parent.end_time_unix_nano >= child.end_time_unix_nano);
    }
    // The run took a minute.
    prop_assert!(spans[0].end_time_unix_nano - spans[0].start_time_unix_nano <= 60_000_000_000 + 2 * SLACK);
    let bytes = super::super::request(spans.to_vec()).encode_to_vec();
    prop_assert!(bytes.len() < 2 << 20, "{} bytes", bytes.len());
    Ok(())
}

#[test]
fn each_activity_of_a_real_journal_has_one_span() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals");
    let (mut count, mut all) = (0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // A file has the journal, and what the toolkit said of it. A run that was refused has no journal.
        let json = serde_json::from_slice::<Value>(&bytes).unwrap()["journal"].take();
        if !json.is_object() {
            continue;
        }
        count += 1;
        let list = |list: &Value| list.as_array().map_or(0, Vec::len);
        let states = &json["steady_states"];
        let during = states["during"].as_array().cloned().unwrap_or_default();
        let activities = list(&json["run"])
            + list(&json["rollbacks"])
            + list(&states["before"]["probes"])
            + list(&states["after"]["probes"])
            + during.iter().map(|state| list(&state["probes"])).sum::<usize>();
        all += activities;
        let spans = spans_of(json.to_string().as_bytes());
        let of_activities =
            spans.iter().filter(|span| value(span, "cicd.pipeline.task.name").is_some()).count();
        assert_eq!(of_activities, activities, "{}", path.display());
        check(&spans).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    assert!(count > 50 && all > 2 * count, "only {count} journals with {all} activities were read");
}

#[test]
fn a_time_far_from_those_of_the_run_is_not_believed() {
    let entry = |start: &str, end: &str| json!({"activity": {"name": "a", "type": "action"}, "status": "succeeded", "start": start, "end": end});
    let run = [
        entry("2026-11-21T07:51:40", "2026-11-21T07:51:41"),
        entry("1970-01-01T00:00:00", "2026-11-21T07:51:42"),
        entry("2026-11-21T07:51:43", "2554-01-01T00:00:00"),
    ];
    let spans = spans_of(
        json!({"experiment": {}, "start": "1970-01-01T00:00:00", "run": run}).to_string().as_bytes(),
    );
    check(&spans).unwrap();
    assert_eq!(spans[0].end_time_unix_nano - spans[0].start_time_unix_nano, 60_000_000_000);
    assert!(spans[3..].iter().all(|span| span.start_time_unix_nano == spans[2].end_time_unix_nano));
}

#[test]
fn a_span_has_the_times_the_name_and_the_error_of_its_activity() {
    let entry = json!({
        "activity": {"name": "break it", "type": "action", "background": true},
        "status": "failed", "exception": ["ValueError: no\n"],
        "start": "2026-11-21T07:51:33.5", "end": "2026-11-21T07:51:34",
    });
    let journal = json!({"experiment": {}, "start": "2026-11-21T07:51:33", "run": [entry]});
    let spans = spans_of(journal.to_string().as_bytes());
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["RUN exp", "method", "action break it"]);
    let span = &spans[2];
    assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 500_000_000);
    assert_eq!(value(span, "cicd.pipeline.task.run.result"), Some("error"));
    let status = span.status.as_ref().unwrap();
    assert_eq!((status.message.as_str(), status.code), ("ValueError: no", StatusCode::Error as i32));
}

#[test]
fn without_a_journal_the_run_is_the_only_span_and_its_ids_are_stable() {
    let one = spans(&run(Outcome::Passed, "Passed"), None);
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].end_time_unix_nano - one[0].start_time_unix_nano, 60_000_000_000);
    assert_eq!(one, spans(&run(Outcome::Passed, "Passed"), None));
    let other = RunFacts { id: "q".to_owned(), ..run(Outcome::Passed, "Passed") };
    assert_ne!(one[0].trace_id, spans(&other, None)[0].trace_id);
}

#[rstest]
#[case(Outcome::Passed, "Passed", "success")]
#[case(Outcome::Deviated, "Deviated", "failure")]
#[case(Outcome::BaselineNotMet, "BaselineNotMet", "failure")]
#[case(Outcome::Interrupted, "AbortRequested", "cancellation")]
#[case(Outcome::Error, "OOMKilled", "error")]
#[case(Outcome::Error, "StartTimeout", "timeout")]
fn the_result_is_one_of_a_pipeline(#[case] outcome: Outcome, #[case] reason: &str, #[case] expected: &str) {
    let spans = spans(&run(outcome, reason), None);
    assert_eq!(value(&spans[0], "cicd.pipeline.result"), Some(expected));
    let is_error = expected != "success";
    assert_eq!(value(&spans[0], "error.type"), is_error.then_some(reason));
    assert_eq!(spans[0].status.is_some(), is_error);
}

fn any_time() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("2026-11-21T07:51:32.5")),
        Just(json!("2026-11-21T07:51:31+00:00")),
        Just(json!("1960-01-01T00:00:00")),
        Just(json!("9998-01-01T00:00:00Z")),
        Just(json!(7)),
        Just(Value::Null),
    ]
}

fn any_entry() -> impl Strategy<Value = Value> {
    (any_time(), any_time(), "\\PC{0,200}", prop_oneof!["failed", "succeeded", "x"]).prop_map(
        |(start, end, name, status)| {
            json!({"activity": {"name": name, "type": name, "pauses": {"before": 1e300}},
                "start": start, "end": end, "status": status, "exception": [name]})
        },
    )
}

proptest! {
    #[test]
    fn any_journal_gives_spans_within_bounds(
        (start, end) in (any_time(), any_time()),
        method in prop::collection::vec(any_entry(), 0..8),
        probes in prop::collection::vec(any_entry(), 0..4),
        (times, many) in (0_usize..700, 0_usize..2),
    ) {
        let state = json!({"steady_state_met": times % 2 == 0, "probes": probes});
        let method: Vec<&Value> = method.iter().cycle().take(method.len() * (1 + 100 * many)).collect();
        let journal = json!({
            "experiment": {}, "start": start, "end": end, "run": method, "rollbacks": method,
            "steady_states": {"before": state, "after": state, "during": vec![state.clone(); times]},
        });
        check(&spans_of(journal.to_string().as_bytes()))?;
    }
}
