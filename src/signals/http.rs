//! The responses of HTTP servers: pure.

use serde_json::Value;

use crate::signals::answer::{Answer, invalid, no_data};
use crate::signals::expect::{ExpectedAnswer, ExpectedField, Scalar};
use crate::signals::reading::{Reading, SignalError};
use crate::signals::text::{VALUE, shown};

/// Reads a response.
///
/// A comparison of a field looks at the JSON whatever the status, since many servers answer 503 with the JSON of a failed check.
pub fn read(answer: &Answer, expected: &ExpectedAnswer) -> Result<Reading, SignalError> {
    match expected {
        ExpectedAnswer::Status(expected) => Ok(Reading::new(expected.holds(answer.status), &answer.title())),
        ExpectedAnswer::Field(expected) => field(answer, expected),
    }
}

fn field(answer: &Answer, expected: &ExpectedField) -> Result<Reading, SignalError> {
    let json = match answer.json() {
        Ok(json) => json,
        Err(problem) => {
            // A response without JSON is that of a proxy or of another server, unless it is a success.
            if answer.status >= 300 {
                answer.refused()?;
            }
            return Err(invalid(&format!("the source answers {} and no JSON: {problem}", answer.title())));
        }
    };
    let ExpectedField { pointer, comparison, value } = expected;
    let Some(found) = json.pointer(pointer) else {
        return Err(no_data(&format!("the source answers {} and JSON without {pointer}", answer.title())));
    };
    if comparison.is_of_order() && matches!(value, Scalar::Number(_)) && !found.is_number() {
        return Err(invalid(&format!("{pointer} is {}, which is no number", described(found))));
    }
    Ok(Reading::new(comparison.holds(value.order_of(found)), &format!("{pointer} is {}", described(found))))
}

fn described(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::String(text) => Value::String(shown(text, VALUE)).to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::reason::Reason;
    use proptest::prelude::*;
    use rstest::rstest;

    const BODY: &str = r#"{"status":"ok","ready":true,"errors":2,"a/b":[{"c":null}],"rate":0.5}"#;

    fn read(status: u16, body: &str, expected: &str) -> Result<Reading, SignalError> {
        super::read(&Answer { status, body: body.into() }, &of(expected))
    }

    fn of(expected: &str) -> ExpectedAnswer {
        expected.parse().unwrap()
    }

    #[rstest]
    #[case("200", true, "200 OK")]
    #[case("2xx", true, "200 OK")]
    #[case("404", false, "200 OK")]
    #[case("/status == \"ok\"", true, "/status is \"ok\"")]
    #[case("/status != \"ok\"", false, "/status is \"ok\"")]
    #[case("/status == true", false, "/status is \"ok\"")]
    #[case("/ready == true", true, "/ready is true")]
    #[case("/errors < 3", true, "/errors is 2")]
    #[case("/errors > 2", false, "/errors is 2")]
    #[case("/errors == 2.0", true, "/errors is 2")]
    #[case("/rate >= 0.5", true, "/rate is 0.5")]
    #[case("/a~1b/0/c == null", true, "/a~1b/0/c is null")]
    #[case("/a~1b != 1", true, "/a~1b is a list")]
    fn what_is_expected_is_compared(#[case] expected: &str, #[case] holds: bool, #[case] value: &str) {
        assert_eq!(read(200, BODY, expected), Ok(Reading { holds, value: value.to_owned() }));
    }

    #[test]
    fn a_failed_check_is_read_whatever_its_status() {
        let reading = read(503, "{\"status\":\"DOWN\"}", "/status == \"UP\"").unwrap();
        assert_eq!(reading, Reading { holds: false, value: "/status is \"DOWN\"".to_owned() });
        assert!(read(503, "<html>", "503").unwrap().holds);
    }

    #[rstest]
    #[case(200, BODY, "/missing == 1", Reason::SignalNoData, "without /missing")]
    #[case(
        401,
        "{\"error\":\"no\"}",
        "/status != 1",
        Reason::SignalNoData,
        "401 Unauthorized and JSON without /status"
    )]
    #[case(200, BODY, "/status < 3", Reason::SignalInvalid, "which is no number")]
    #[case(200, "<html>", "/status == 1", Reason::SignalInvalid, "200 OK and no JSON")]
    #[case(502, "<html>", "/status == 1", Reason::SourceFailed, "502 Bad Gateway")]
    #[case(302, "", "/status == 1", Reason::SourceFailed, "redirects")]
    fn what_cannot_be_compared_has_its_reason(
        #[case] status: u16,
        #[case] body: &str,
        #[case] expected: &str,
        #[case] reason: Reason,
        #[case] message: &str,
    ) {
        let error = read(status, body, expected).unwrap_err();
        assert_eq!(error.reason, reason);
        assert!(error.message.contains(message), "{error}");
    }

    proptest! {
        #[test]
        fn any_response_gives_a_reading_or_an_error_of_bounded_length(status in 100_u16..600, body in "\\PC{0,200}", text in "\\PC{0,900}") {
            let field = serde_json::json!({"a": text}).to_string();
            for body in [body, field] {
                for expected in ["2xx", "/a == 1", "/a < 1"] {
                    let read = read(status, &body, expected);
                    let text = read.map_or_else(|error| error.message, |reading| reading.value);
                    prop_assert!(text.chars().count() < 700 && !text.contains(char::is_control), "{}", text);
                }
            }
        }
    }
}
