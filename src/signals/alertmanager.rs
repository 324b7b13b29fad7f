//! The alerts of Alertmanager, by its [API](https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml): pure.

use form_urlencoded::Serializer;
use serde_json::Value;

use crate::signals::answer::{Answer, invalid};
use crate::signals::matcher::Matcher;
use crate::signals::reading::{Reading, SignalError};
use crate::signals::text::shown;

/// How many alerts a message names.
const MAX_NAMED: usize = 3;

/// The maximum number of characters of the name of an alert in a message.
const MAX_NAME: usize = 40;

/// Returns the target of the question for active alerts that match, below the URL of the source.
#[must_use]
pub fn target(matchers: &[Matcher]) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("active", "true").append_pair("silenced", "false").append_pair("inhibited", "false");
    for matcher in matchers {
        query.append_pair("filter", &matcher.to_string());
    }
    format!("/api/v2/alerts?{}", query.finish())
}

/// Reads the response to the question. The signal holds if no alert is active.
pub fn read(answer: &Answer) -> Result<Reading, SignalError> {
    answer.refused()?;
    if answer.status >= 400 {
        return Err(invalid(&format!("the source refuses the matchers{}", answer.words())));
    }
    let response = answer.json().map_err(|problem| {
        invalid(&format!("the source answers {} and no JSON of Alertmanager: {problem}", answer.title()))
    })?;
    let alerts =
        response.as_array().ok_or_else(|| invalid("the source answers with something else than alerts"))?;
    // An alert that is new has the state `unprocessed` for a moment. It counts, since nothing has silenced it yet.
    let active: Vec<&Value> =
        alerts.iter().filter(|alert| alert["status"]["state"] != "suppressed").collect();
    Ok(Reading::new(active.is_empty(), &counted(&active)))
}

/// Says how many alerts are active, and which ones.
fn counted(active: &[&Value]) -> String {
    let mut names: Vec<String> = Vec::new();
    for alert in active {
        let name = shown(alert["labels"]["alertname"].as_str().unwrap_or("without a name"), MAX_NAME);
        if names.len() < MAX_NAMED && !names.contains(&name) {
            names.push(name);
        }
    }
    match active.len() {
        0 => "no active alert".to_owned(),
        1 => format!("1 active alert: {}", names.join(", ")),
        count => format!("{count} active alerts, such as {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::reason::Reason;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn alert(name: &str, state: &str) -> Value {
        json!({"labels": {"alertname": name}, "status": {"state": state, "silencedBy": [], "inhibitedBy": []}})
    }

    fn answer(body: &Value) -> Answer {
        Answer { status: 200, body: body.to_string().into() }
    }

    #[test]
    fn a_matcher_cannot_leave_its_parameter() {
        let matchers = [r#"team=~"a|b&silenced=true""#, r#"a!="b""#].map(|text| text.parse().unwrap());
        let expected = "/api/v2/alerts?active=true&silenced=false&inhibited=false&filter=team%3D%7E%22a%7Cb%26silenced%3Dtrue%22&filter=a%21%3D%22b%22";
        assert_eq!(target(&matchers), expected);
    }

    #[rstest]
    #[case(json!([]), true, "no active alert")]
    #[case(json!([alert("Slow", "active")]), false, "1 active alert: Slow")]
    #[case(json!([alert("Slow", "unprocessed")]), false, "1 active alert: Slow")]
    #[case(json!([alert("Slow", "suppressed")]), true, "no active alert")]
    #[case(json!([{}]), false, "1 active alert: without a name")]
    #[case(
        json!([alert("A", "active"), alert("A", "active"), alert("B\n", "active"), alert("C", "active"), alert("D", "active")]),
        false,
        "5 active alerts, such as A, B , C"
    )]
    fn the_signal_holds_while_no_alert_is_active(
        #[case] body: Value,
        #[case] holds: bool,
        #[case] value: &str,
    ) {
        assert_eq!(read(&answer(&body)), Ok(Reading { holds, value: value.to_owned() }));
    }

    #[rstest]
    #[case(
        400,
        "\"bad matcher format: a=\"",
        Reason::SignalInvalid,
        "refuses the matchers: bad matcher format: a="
    )]
    #[case(
        400,
        "{\"code\":601,\"message\":\"filter is bad\"}",
        Reason::SignalInvalid,
        "refuses the matchers: filter is bad"
    )]
    #[case(200, "{}", Reason::SignalInvalid, "something else than alerts")]
    #[case(200, "[", Reason::SignalInvalid, "no JSON of Alertmanager")]
    #[case(500, "\"boom\"", Reason::SourceFailed, "500 Internal Server Error: boom")]
    #[case(302, "[]", Reason::SourceFailed, "redirects")]
    fn another_response_has_its_reason(
        #[case] status: u16,
        #[case] body: &str,
        #[case] reason: Reason,
        #[case] message: &str,
    ) {
        let error = read(&Answer { status, body: body.into() }).unwrap_err();
        assert_eq!(error.reason, reason);
        assert!(error.message.contains(message), "{error}");
    }

    proptest! {
        #[test]
        fn any_response_gives_a_reading_or_an_error_of_bounded_length(status in 100_u16..600, body in "\\PC{0,200}", name in "\\PC{0,900}") {
            let named = json!([alert(&name, "active"), alert("b", &name)]).to_string();
            for body in [body, named] {
                let read = read(&Answer { status, body: body.into() });
                let text = read.map_or_else(|error| error.message, |reading| reading.value);
                prop_assert!(text.chars().count() < 700 && !text.contains(char::is_control), "{}", text);
            }
        }
    }
}
