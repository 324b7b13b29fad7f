//! Queries of Prometheus, by its [HTTP API](https://prometheus.io/docs/prometheus/latest/querying/api/): pure.

use std::cmp::Ordering;
use std::time::Duration;

use form_urlencoded::Serializer;
use serde_json::Value;

use crate::signals::answer::{Answer, invalid, no_data};
use crate::signals::expect::ExpectedSample;
use crate::signals::reading::{Reading, SignalError};
use crate::signals::text::{WORDS, shown};
use chaostoolkit_api::reason::Reason;

/// Returns the target of an instant query, below the URL of the source. The server gives up at the limit, too.
#[must_use]
pub fn target(query: &str, limit: Duration) -> String {
    let timeout = format!("{}s", limit.as_secs().max(1));
    let query =
        Serializer::new(String::new()).append_pair("query", query).append_pair("timeout", &timeout).finish();
    format!("/api/v1/query?{query}")
}

/// Reads the response to a query.
pub fn read(answer: &Answer, expected: ExpectedSample) -> Result<Reading, SignalError> {
    answer.refused()?;
    let response = answer.json().map_err(|problem| {
        invalid(&format!("the source answers {} and no JSON of Prometheus: {problem}", answer.title()))
    })?;
    if response["status"] != "success" {
        let words = answer.words();
        return Err(invalid(&format!("the source refuses the query{words}")));
    }
    let warnings: Vec<&str> =
        response["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    result(&response["data"], expected).map(|reading| reading.with_warnings(&warnings))
}

fn result(data: &Value, expected: ExpectedSample) -> Result<Reading, SignalError> {
    let result = &data["result"];
    match (data["resultType"].as_str(), result) {
        (Some("vector"), Value::Array(series)) => vector(series, expected),
        (Some("scalar"), _) => scalar(result, expected),
        (Some("matrix"), _) => Err(invalid(
            "the query returns a range: use a function over it, such as rate() or max_over_time()",
        )),
        (Some("string"), _) => Err(invalid("the query returns a text, which cannot be compared")),
        _ => Err(invalid("the source answers without a result")),
    }
}

fn vector(series: &[Value], expected: ExpectedSample) -> Result<Reading, SignalError> {
    let comparison = match expected {
        ExpectedSample::Empty => return Ok(Reading::new(series.is_empty(), &counted(series))),
        ExpectedSample::NotEmpty => return Ok(Reading::new(!series.is_empty(), &counted(series))),
        comparison @ ExpectedSample::Compared(..) => comparison,
    };
    match series {
        [] => Err(no_data("the query returns no series, so there is nothing to compare")),
        [one] if one.get("histogram").is_some() => {
            Err(invalid("the query returns a histogram: use a function such as histogram_quantile()"))
        }
        [one] => scalar(&one["value"], comparison),
        many => {
            let problem = format!(
                "the query returns {} series: aggregate them, as with sum(), min() or max()",
                many.len()
            );
            Err(SignalError::new(Reason::SignalAmbiguous, &problem))
        }
    }
}

/// Reads a sample, which is its time and its value as a text.
fn scalar(sample: &Value, expected: ExpectedSample) -> Result<Reading, SignalError> {
    let text =
        sample[1].as_str().ok_or_else(|| invalid("the source answers with a sample without a value"))?;
    let found: f64 = text.parse().map_err(|_| {
        invalid(&format!("the source answers with a sample that is no number: {}", shown(text, WORDS)))
    })?;
    if found.is_nan() {
        return Err(no_data(
            "the query returns NaN, as a division by zero does, so there is nothing to compare",
        ));
    }
    let holds = match expected {
        ExpectedSample::Compared(comparison, number) => {
            let order: Option<Ordering> = number.order_of(found);
            comparison.holds(order)
        }
        ExpectedSample::Empty => false,
        ExpectedSample::NotEmpty => true,
    };
    Ok(Reading::new(holds, text))
}

/// Says how many series there are, and which one is the first.
fn counted(series: &[Value]) -> String {
    let Some(first) = series.first() else { return "no series".to_owned() };
    let labels = first["metric"].as_object().into_iter().flatten();
    let labels: Vec<String> = labels
        .filter_map(|(label, value)| Some(format!("{label}={:?}", value.as_str()?)))
        .take(MAX_LABELS)
        .collect();
    let labels = labels.join(", ");
    match series.len() {
        1 => format!("1 series: {{{labels}}}"),
        count => format!("{count} series, the first one is {{{labels}}}"),
    }
}

/// How many labels of a series a message names.
const MAX_LABELS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn success(kind: &str, result: Value) -> Answer {
        let body = json!({"status": "success", "data": {"resultType": kind, "result": result}});
        Answer { status: 200, body: body.to_string().into() }
    }

    fn one(value: &str) -> Answer {
        success("vector", json!([{"metric": {"job": "a"}, "value": [1_700_000_000.5, value]}]))
    }

    fn read(answer: &Answer, expected: &str) -> Result<Reading, SignalError> {
        super::read(answer, of(expected))
    }

    fn of(expected: &str) -> ExpectedSample {
        expected.parse().unwrap()
    }

    #[test]
    fn a_query_cannot_leave_its_parameter() {
        let target = target("a{b=\"c&d\"} > 1 # e=%25+ä", Duration::from_secs(5));
        assert_eq!(
            target,
            "/api/v1/query?query=a%7Bb%3D%22c%26d%22%7D+%3E+1+%23+e%3D%2525%2B%C3%A4&timeout=5s"
        );
    }

    #[rstest]
    #[case("0.995", ">= 0.99", true)]
    #[case("0.98", ">= 0.99", false)]
    #[case("0", "== 0", true)]
    #[case("-0", "== 0", true)]
    #[case("1", "!= 1", false)]
    #[case("+Inf", "> 1", true)]
    #[case("-Inf", "<= 3", true)]
    #[case("1e-7", "< 0.05", true)]
    #[case("7", "not empty", true)]
    #[case("7", "empty", false)]
    fn one_sample_is_compared(#[case] value: &str, #[case] expected: &str, #[case] holds: bool) {
        let reading = read(&one(value), expected).unwrap();
        assert_eq!(reading.holds, holds);
        if !expected.contains("empty") {
            assert_eq!(reading.value, value);
            assert_eq!(read(&success("scalar", json!([1, value])), expected).unwrap(), reading);
        }
    }

    #[test]
    fn series_are_counted() {
        let none = success("vector", json!([]));
        assert_eq!(read(&none, "empty"), Ok(Reading::new(true, "no series")));
        assert_eq!(read(&none, "not empty"), Ok(Reading::new(false, "no series")));
        let series = json!([{"metric": {"alertname": "A", "job": "b\nc"}, "value": [1, "1"]}, {"metric": {}, "value": [1, "1"]}]);
        let value = "2 series, the first one is {alertname=\"A\", job=\"b\\nc\"}";
        assert_eq!(read(&success("vector", series), "empty"), Ok(Reading::new(false, value)));
        assert_eq!(read(&one("1"), "empty"), Ok(Reading::new(false, "1 series: {job=\"a\"}")));
    }

    #[rstest]
    #[case(success("vector", json!([])), Reason::SignalNoData, "no series")]
    #[case(one("NaN"), Reason::SignalNoData, "NaN")]
    #[case(success("vector", json!([{"value": [1, "1"]}, {"value": [1, "1"]}])), Reason::SignalAmbiguous, "2 series: aggregate")]
    #[case(success("vector", json!([{"metric": {}, "histogram": [1, {}]}])), Reason::SignalInvalid, "histogram_quantile()")]
    #[case(success("matrix", json!([])), Reason::SignalInvalid, "rate()")]
    #[case(success("string", json!([1, "a"])), Reason::SignalInvalid, "a text")]
    #[case(success("vector", json!({})), Reason::SignalInvalid, "without a result")]
    #[case(success("vector", json!([{}])), Reason::SignalInvalid, "without a value")]
    #[case(success("vector", json!([{"value": [1, 2]}])), Reason::SignalInvalid, "without a value")]
    #[case(one("one"), Reason::SignalInvalid, "no number: one")]
    #[case(Answer { status: 200, body: b"{}".to_vec() }, Reason::SignalInvalid, "refuses the query")]
    #[case(Answer { status: 200, body: b"[1]".to_vec() }, Reason::SignalInvalid, "refuses the query")]
    #[case(Answer { status: 200, body: b"<html>".to_vec() }, Reason::SignalInvalid, "no JSON of Prometheus")]
    #[case(
        Answer { status: 400, body: br#"{"status":"error","errorType":"bad_data","error":"1:3: parse error"}"#.to_vec() },
        Reason::SignalInvalid,
        "refuses the query: 1:3: parse error"
    )]
    #[case(Answer { status: 503, body: br#"{"status":"error","error":"timed out"}"#.to_vec() }, Reason::SourceFailed, "503 Service Unavailable: timed out")]
    #[case(Answer { status: 403, body: Vec::new() }, Reason::SourceFailed, "403 Forbidden")]
    fn what_cannot_be_compared_has_its_reason(
        #[case] answer: Answer,
        #[case] reason: Reason,
        #[case] message: &str,
    ) {
        let error = read(&answer, "> 0").unwrap_err();
        assert_eq!(error.reason, reason);
        assert!(error.message.contains(message), "{error}");
    }

    #[test]
    fn warnings_are_shown() {
        let body = json!({"status": "success", "warnings": ["store\na is down", "b"], "data": {"resultType": "scalar", "result": [1, "2"]}});
        let reading = read(&Answer { status: 200, body: body.to_string().into() }, "> 1").unwrap();
        assert_eq!(reading.value, "2 (warning: store a is down and 1 more)");
    }

    proptest! {
        #[test]
        fn any_response_gives_a_reading_or_an_error_of_bounded_length(
            status in 100_u16..600,
            kind in "vector|scalar|matrix|string|x",
            body in "\\PC{0,200}",
            value in "\\PC{0,2000}|[0-9.eE+-]{0,9}|NaN",
        ) {
            let sample = json!([{"metric": {"a": value}, "value": [0, value]}]);
            for body in [body.into_bytes(), success(&kind, sample).body] {
                for expected in ["> 0", "empty"] {
                    let read = read(&Answer { status, body: body.clone() }, expected);
                    let text = read.as_ref().map_or_else(|error| error.message.clone(), |reading| reading.value.clone());
                    prop_assert!(text.chars().count() < 700 && !text.contains(char::is_control), "{}", text);
                }
            }
        }
    }
}
