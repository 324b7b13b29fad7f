//! Removes secrets from a text, as far as their form shows them.

use std::ops::Range;

/// What ends the name of a secret, before a `:` or a `=`.
const NAMES: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "private_key",
    "credentials",
    "signature",
];

/// Further names in the query of a URL, where they are words of their own.
const IN_QUERIES: [&str; 6] = ["key", "sig", "auth", "code", "jwt", "session"];

/// The header whose value goes on after a space.
const HEADER: &str = "authorization";

/// Returns the text with asterisks in place of what is a secret by its form:
/// - the user in a URL, with the password
/// - the value of a pair such as `password=…`, `"api_key": "…"` or, in the query of a URL, `key=…`
/// - what follows `Authorization:` or `Bearer`
///
/// The result is never longer than the text. To redact it again changes nothing. A secret without such a form stays.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut redacted = text.to_owned();
    loop {
        // What is replaced may hide the end of something else. Each round leaves fewer other characters than the one before.
        let next = replace(&replace(&replace(&redacted, users), bearers), values);
        if next == redacted {
            return redacted;
        }
        redacted = next;
    }
}

/// Replaces these parts of a text. They stand in their order and do not overlap.
fn replace(text: &str, parts: impl Fn(&str) -> Vec<Range<usize>>) -> String {
    let (mut replaced, mut end) = (String::with_capacity(text.len()), 0);
    for part in parts(text).into_iter().filter(|part| !part.is_empty()) {
        replaced.push_str(&text[end..part.start]);
        replaced.push_str(if part.len() < 3 { "*" } else { "***" });
        end = part.end;
    }
    replaced + &text[end..]
}

/// Finds the users in URLs.
fn users(text: &str) -> Vec<Range<usize>> {
    let of = |(at, scheme): (usize, &str)| {
        let start = at + scheme.len();
        let ends = |letter: char| letter.is_whitespace() || "/?#\"'<>".contains(letter);
        let authority = text[start..].split(ends).next().unwrap_or_default();
        authority.rfind('@').map(|at| start..start + at)
    };
    text.match_indices("://").filter_map(of).collect()
}

/// Finds what follows the word `Bearer`.
fn bearers(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, word) in lower.match_indices("bearer ") {
        let is_word = !text[..at].ends_with(|letter: char| letter.is_alphanumeric());
        if !is_word || found.last().is_some_and(|last| at < last.end) {
            continue;
        }
        let start = at + word.len() + spaces(&text[at + word.len()..]);
        found.push(start..start + plain_length(&text[start..]));
    }
    found
}

/// Finds the values of pairs whose name says that they are secret.
fn values(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, separator) in text.match_indices([':', '=']) {
        if found.last().is_some_and(|last| at < last.end) {
            continue;
        }
        let before = text[..at].trim_end_matches([' ', '"', '\'']);
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let start = before.trim_end_matches(is_of_name).len();
        let name = before[start..].to_ascii_lowercase();
        let in_query = separator == "=" && before[..start].ends_with(['?', '&']);
        let is_header = name.ends_with(HEADER);
        let is_secret = is_header
            || NAMES.iter().any(|secret| name.ends_with(secret))
            || in_query && IN_QUERIES.contains(&name.as_str());
        if !is_secret {
            continue;
        }
        let rest = &text[at + 1..];
        let value = at + 1 + spaces(rest);
        let quote = text[value..].chars().next().filter(|first| "\"'".contains(*first));
        let range = match quote {
            Some(quote) => value + 1..value + 1 + quoted_length(&text[value + 1..], quote),
            None if is_header => {
                value..value + text[value..].find(['"', '\'', '\n']).unwrap_or(text.len() - value)
            }
            None => value..value + plain_length(&text[value..]),
        };
        found.push(range);
    }
    found
}

fn spaces(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

/// The length of a value without quotes.
fn plain_length(text: &str) -> usize {
    text.find(|letter: char| letter.is_whitespace() || "&,;\"')}]<>".contains(letter)).unwrap_or(text.len())
}

/// The length of a value up to the quote that ends it, or to the end of its line.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let ends = |letter: char| {
        let ends = letter == '\n' || letter == quote && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends
    };
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("GET https://me:pa55@host/path", "GET https://***@host/path")]
    #[case("https://t0ken@host", "https://***@host")]
    #[case("postgres://u:p@ss@db:5432/x", "postgres://***@db:5432/x")]
    #[case("https://host/a@b", "https://host/a@b")]
    #[case("https://h/?a=1&access_token=abc&b=2#c", "https://h/?a=1&access_token=***&b=2#c")]
    #[case("https://h/?key=abc&code=1234", "https://h/?key=***&code=***")]
    #[case("Authorization: Basic dXNlcjpwYXNz", "Authorization: ***")]
    #[case("{'Authorization': 'Bearer abc.def', 'Accept': '*'}", "{'Authorization': '***', 'Accept': '*'}")]
    #[case(
        r#"curl -H "authorization: token abc def" https://h"#,
        r#"curl -H "authorization: ***" https://h"#
    )]
    #[case("sent bearer eyJhbGci.e30.x, and more", "sent bearer ***, and more")]
    #[case("password=hunter2 and more", "password=*** and more")]
    #[case("DB_PASSWORD = 'it\\'s' user=me", "DB_PASSWORD = '***' user=me")]
    #[case(r#"{"client_secret": "abc", "user": "me"}"#, r#"{"client_secret": "***", "user": "me"}"#)]
    #[case("x-api-key: abc", "x-api-key: ***")]
    #[case("token: Bearer abc", "token: *** ***")]
    #[case("pwd=a", "pwd=*")]
    #[case("a token\nnext: line", "a token\nnext: line")]
    #[case("KeyError: 'name'", "KeyError: 'name'")]
    #[case("the secrets of x: none", "the secrets of x: none")]
    #[case("exit code: 1, key: value", "exit code: 1, key: value")]
    #[case("a forbearer x, passwords: 3", "a forbearer x, passwords: 3")]
    #[case("token=", "token=")]
    fn what_has_the_form_of_a_secret_goes(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(redact(text), expected);
    }

    proptest! {
        #[test]
        fn a_text_gets_no_longer_and_a_second_time_changes_nothing(
            text in "(://|@|token=|Authorization: |Bearer |password|[:=&?;/'\"\\\\*a é\n]){0,24}",
        ) {
            let once = redact(&text);
            prop_assert!(once.len() <= text.len(), "{once}");
            prop_assert_eq!(redact(&once), once);
        }

        #[test]
        fn a_secret_is_gone_wherever_it_stands(
            before in "[ -~é]{0,20}",
            form in 0_usize..6,
            after in "[ -~é]{0,20}",
        ) {
            let (front, back) = [
                ("https://me:", "@host/"), ("?token=", "&a=b"), ("Authorization: Bearer ", "\n"), (" Bearer ", " "),
                (" password=", " "), (" \"api_key\": \"", "\""),
            ][form];
            let text = format!("{before}\n{front}S3CR3TS3CR3T{back}{after}");
            prop_assert!(!redact(&text).contains("S3CR3T"), "{}", redact(&text));
        }
    }
}
