//! Reads the times in a journal.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Reads a time. Newer versions of the toolkit write an offset. Older versions write none and mean UTC.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2026-11-21T07:51:32.799802", Some("2026-11-21T07:51:32.799802Z"))]
    #[case("2026-11-21T07:51:32.799802+00:00", Some("2026-11-21T07:51:32.799802Z"))]
    #[case("2026-11-21T07:51:32", Some("2026-11-21T07:51:32Z"))]
    #[case("2026-11-21T07:51:32+02:00", Some("2026-11-21T05:51:32Z"))]
    #[case("2026-11-21T07:51:32Z", Some("2026-11-21T07:51:32Z"))]
    #[case("yesterday", None)]
    #[case("9999-12-31T23:59:59.999999", None)] // too late to have a time in every offset
    #[case("", None)]
    fn parses_with_and_without_offset(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(parse(text).map(|time| time.to_string()).as_deref(), expected);
    }
}
