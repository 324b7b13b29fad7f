//! The grace period of a runner pod: pure.

use serde_json::Value;

/// The longest grace period of a runner pod, in seconds: a day.
///
/// Rollbacks may take hours, so the limit is far beyond what they need. Without a limit, a container that ignores the
/// request to stop keeps running, with the rights of its run, for as long as its author likes.
pub const LONGEST: i64 = 86_400;

/// The largest number of seconds that is still taken for a grace period.
const LARGEST: i64 = i32::MAX as i64;

/// The name of the field in the spec of a pod.
pub const FIELD: &str = "terminationGracePeriodSeconds";

/// Returns the grace period in the spec of a pod, if there is one. The error says what is wrong with it.
pub fn asked(spec: &Value) -> Result<Option<i64>, String> {
    match &spec[FIELD] {
        Value::Null => Ok(None),
        value => match value.as_i64().filter(|seconds| (0..=LARGEST).contains(seconds)) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(format!("{value} is not a number of seconds from 0 to {LARGEST}")),
        },
    }
}

/// Says that a pod gets a shorter grace period than its template asks for.
#[must_use]
pub fn shortened(asked: i64) -> Option<String> {
    (asked > LONGEST).then(|| {
        format!(
            "the pod asks for a grace period of {asked} s ({FIELD}) and gets {LONGEST} s, the longest that a run may have"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::absent(json!({}), Ok(None))]
    #[case::null(json!({FIELD: null}), Ok(None))]
    #[case::none(json!({FIELD: 0}), Ok(Some(0)))]
    #[case::long(json!({FIELD: 864_000}), Ok(Some(864_000)))]
    #[case::negative(json!({FIELD: -1}), Err("-1"))]
    #[case::absurd(json!({FIELD: i64::MAX}), Err("9223372036854775807"))]
    #[case::larger_than_any_number(json!({FIELD: u64::MAX}), Err("18446744073709551615"))]
    #[case::text(json!({FIELD: "300"}), Err("\"300\""))]
    fn a_grace_period_is_a_number_of_seconds(
        #[case] spec: Value,
        #[case] expected: Result<Option<i64>, &str>,
    ) {
        match (asked(&spec), expected) {
            (Err(problem), Err(start)) => assert!(problem.starts_with(start), "{problem}"),
            (found, expected) => assert_eq!(found, expected.map_err(str::to_owned)),
        }
    }

    #[test]
    fn a_day_is_the_longest() {
        assert_eq!(shortened(LONGEST), None);
        assert!(shortened(LONGEST + 1).unwrap().contains("86401 s"));
    }
}
