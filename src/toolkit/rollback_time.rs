//! How long the rollbacks of an experiment may take, as far as the experiment says so. Pure.

use serde_json::Value;

use crate::toolkit::lint;

/// The longest time that counts for a pause or a timeout, in seconds. It keeps the sum finite.
const LONGEST: f64 = 1e9;

/// Returns how many seconds the rollbacks may take by their pauses and timeouts.
///
/// A rollback without a timeout may take longer than this. Values that refer to a variable count as zero.
#[must_use]
pub fn seconds(file: &str, text: &str) -> u64 {
    let Some(Ok(experiment)) = lint::read(file, text) else { return 0 };
    let rollbacks =
        experiment.get("rollbacks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let total: f64 = rollbacks.iter().map(of_rollback).sum();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "neither negative nor too large"
    )]
    let rounded = total.min(LONGEST).ceil() as u64;
    rounded
}

/// The beginning of the warning.
const WARNING: &str = "the rollbacks may take ";

/// Returns a warning if the rollbacks may take longer than the grace period of the pod.
#[must_use]
pub fn warning(seconds: u64, grace: u64) -> Option<String> {
    (seconds > grace).then(|| {
        format!(
            "{WARNING}{seconds} s by their pauses and timeouts, and a pod that is stopped has {grace} s for them; \
             a longer terminationGracePeriodSeconds in spec.pod.template lets them all be played"
        )
    })
}

/// Finds the fact, but not the advice, of such a warning in a text.
#[must_use]
pub fn find_warning(text: &str) -> Option<&str> {
    text[text.find(WARNING)?..].split(';').next()
}

fn of_rollback(rollback: &Value) -> f64 {
    let number = |pointer| {
        let found = rollback.pointer(pointer).and_then(Value::as_f64).filter(|seconds| seconds.is_finite());
        found.unwrap_or_default().clamp(0.0, LONGEST)
    };
    number("/pauses/before") + number("/pauses/after") + timeout(rollback)
}

/// The timeout of a provider: a number, or one for the connection and one for the answer.
/// <https://chaostoolkit.org/reference/api/experiment/#http-provider>
fn timeout(rollback: &Value) -> f64 {
    let of = |value: &Value| {
        value.as_f64().filter(|seconds| seconds.is_finite()).unwrap_or_default().clamp(0.0, LONGEST)
    };
    match rollback.pointer("/provider/timeout") {
        Some(Value::Array(both)) => both.iter().take(2).map(of).sum(),
        Some(one) => of(one),
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_warning_is_found_again() {
        let text = format!("unknown fields: a; {}; and more", warning(31, 30).unwrap());
        let expected = "the rollbacks may take 31 s by their pauses and timeouts, and a pod that is stopped has 30 s for them";
        assert_eq!(find_warning(&text), Some(expected));
        assert_eq!((warning(30, 30), find_warning("the spec is valid")), (None, None));
    }

    #[rstest]
    #[case(
        "x.json",
        r#"{"rollbacks": [{"pauses": {"before": 10, "after": 1.5}}, {"provider": {"timeout": 20}}]}"#,
        32
    )]
    #[case(
        "x.json",
        r#"{"rollbacks": [{"provider": {"timeout": [3, 4]}}], "method": [{"pauses": {"after": 900}}]}"#,
        7
    )]
    #[case("x.yaml", "rollbacks:\n- pauses: {after: 400}\n", 400)]
    #[case(
        "x.json",
        r#"{"rollbacks": [{"pauses": {"after": "${pause}"}}, {"pauses": {"after": -5}}, 7]}"#,
        0
    )]
    #[case("x.json", r#"{"rollbacks": [{"pauses": {"after": 1e300}}]}"#, 1_000_000_000)]
    #[case("x.json", "{}", 0)]
    #[case("x.txt", "rollbacks", 0)]
    fn adds_pauses_and_timeouts(#[case] file: &str, #[case] text: &str, #[case] expected: u64) {
        assert_eq!(seconds(file, text), expected);
    }
}
