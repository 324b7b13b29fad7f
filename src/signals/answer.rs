//! The response of a source, and what all types of sources make of it: pure.

use http::StatusCode;
use serde_json::Value;

use crate::signals::reading::SignalError;
use crate::signals::text::{WORDS, shown};
use chaostoolkit_api::bounded;
use chaostoolkit_api::reason::Reason;

/// The response of a source. The source may have sent anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads the body as JSON. The depth and the number of values are limited.
    pub fn json(&self) -> Result<Value, String> {
        let text = std::str::from_utf8(&self.body).map_err(|_| "it is not UTF-8".to_owned())?;
        bounded::json(text).map_err(|error| shown(&error.to_string(), WORDS))
    }

    /// Returns the error of a response that does not depend on the question, if it is one.
    pub fn refused(&self) -> Result<(), SignalError> {
        let title = self.title();
        let problem = match self.status {
            200..=299 | 400 | 422 => return Ok(()),
            300..=399 => format!("the source redirects ({title}), and the operator follows no redirects"),
            401 | 403 => format!("the source refuses the operator's request ({title})"),
            404 | 405 => format!("the source has nothing at this path ({title})"),
            _ => format!("the source answers {title}{}", self.words()),
        };
        Err(SignalError::new(Reason::SourceFailed, &problem))
    }

    /// Returns the status with its name.
    #[must_use]
    pub fn title(&self) -> String {
        let name = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        name.map_or_else(|| self.status.to_string(), |name| format!("{} {name}", self.status))
    }

    /// Returns what the body says, if it is a short text or has the field `error`, for the end of a message.
    #[must_use]
    pub fn words(&self) -> String {
        let json = self.json().ok();
        let words = match &json {
            Some(Value::String(words)) => words,
            Some(Value::Object(fields)) => fields
                .get("error")
                .or_else(|| fields.get("message"))
                .and_then(Value::as_str)
                .unwrap_or_default(),
            _ => "",
        };
        if words.is_empty() { String::new() } else { format!(": {}", shown(words, WORDS)) }
    }
}

/// Returns the error of a response that is none to this question.
#[must_use]
pub fn invalid(message: &str) -> SignalError {
    SignalError::new(Reason::SignalInvalid, message)
}

/// Returns the error of a response that has nothing to compare.
#[must_use]
pub fn no_data(message: &str) -> SignalError {
    SignalError::new(Reason::SignalNoData, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(200, "", None)]
    #[case(400, "", None)]
    #[case(302, "", Some("the source redirects (302 Found), and the operator follows no redirects"))]
    #[case(403, "secret", Some("the source refuses the operator's request (403 Forbidden)"))]
    #[case(404, "", Some("the source has nothing at this path (404 Not Found)"))]
    #[case(
        503,
        "{\"error\":\"query\\ntimed out\"}",
        Some("the source answers 503 Service Unavailable: query timed out")
    )]
    #[case(500, "\"no\"", Some("the source answers 500 Internal Server Error: no"))]
    #[case(500, "<html>", Some("the source answers 500 Internal Server Error"))]
    #[case(599, "", Some("the source answers 599"))]
    fn a_status_tells_whether_the_source_has_failed(
        #[case] status: u16,
        #[case] body: &str,
        #[case] expected: Option<&str>,
    ) {
        let refused = Answer { status, body: body.into() }.refused();
        assert_eq!(refused.as_ref().err().map(|error| error.message.as_str()), expected);
        assert!(refused.err().is_none_or(|error| error.reason == Reason::SourceFailed));
    }

    #[rstest]
    #[case::deep("[".repeat(5000))]
    #[case::deep_and_whole(format!("{}{}", "[".repeat(5000), "]".repeat(5000)))]
    #[case::many(format!("[{}0]", "{\"a\":0},".repeat(100_000)))]
    #[case::cut_off("{\"a\":".to_owned())]
    #[case::two("{} {}".to_owned())]
    fn what_is_too_deep_too_much_or_no_json_is_refused(#[case] body: String) {
        let problem = Answer { status: 200, body: body.into() }.json().unwrap_err();
        assert!(problem.len() < 400 && !problem.contains(char::is_control), "{problem}");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(Answer { status: 200, body: vec![0xff] }.json(), Err("it is not UTF-8".to_owned()));
    }
}
