//! Warnings of the API server, such as those of its policies.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

use http::HeaderValue;

use chaostoolkit_report::text::one_line;

use crate::output::ui;

/// What was told already. Several calls may bring the same warning.
static TOLD: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// How many warnings are told.
const MOST: usize = 50;

/// Tells a warning once.
pub fn tell(header: &HeaderValue) {
    let Some(warning) = header.to_str().ok().and_then(text) else { return };
    let Ok(mut told) = TOLD.lock() else { return };
    if told.len() < MOST && told.insert(warning.clone()) {
        ui::warn(&warning);
    }
}

/// Reads a header `Warning`: a code, an agent, and a text in quotes.
/// <https://www.rfc-editor.org/rfc/rfc7234#section-5.5>
fn text(header: &str) -> Option<String> {
    let rest = header.strip_prefix("299 ")?;
    let quoted = rest.split_once(" \"")?.1;
    let mut text = String::new();
    let mut letters = quoted.chars();
    loop {
        match letters.next()? {
            '"' => return Some(one_line(&text)),
            '\\' => text.push(letters.next()?),
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"299 - "no operator works here""#, Some("no operator works here"))]
    #[case(r#"299 - "spec.\"a\" is \\ odd""#, Some(r#"spec."a" is \ odd"#))]
    #[case(r#"199 - "other""#, None)]
    #[case(r#"299 - "no end"#, None)]
    #[case("299", None)]
    fn headers(#[case] header: &str, #[case] expected: Option<&str>) {
        assert_eq!(text(header).as_deref(), expected);
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd(header in "(299 - )?\\PC{0,30}") {
            let _ = text(&header);
        }
    }
}
