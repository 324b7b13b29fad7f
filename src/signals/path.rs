//! Paths below the URL of a source: pure.
//!
//! An author chooses the path. It must lead to the host of the source and below its path, for the operator and for each proxy on
//! the way. So whatever one of them could read in another way is refused.

use std::str::FromStr;

use crate::signals::text::{quoted, within};

/// The longest path, in bytes.
const MAX_LENGTH: usize = 1024;

/// A path with a query, if there is one. It begins with a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePath(String);

impl SourcePath {
    /// Returns the path as it stands in a request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourcePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        within(text, MAX_LENGTH)?;
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        check_path(path).map_err(|problem| format!("{} {problem}", quoted(text)))?;
        let is_query = |letter: u8| is_plain(letter) || b"/?%".contains(&letter);
        if let Some(problem) = unplain(query, is_query).or_else(|| escapes(query).err()) {
            return Err(format!("{} {problem}", quoted(text)));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Checks a path without a query. The error continues a sentence that begins with the path.
pub fn check_path(path: &str) -> Result<(), String> {
    let Some(segments) = path.strip_prefix('/') else {
        return Err("does not begin with a slash".to_owned());
    };
    if let Some(problem) = unplain(path, |letter| is_plain(letter) || b"/%".contains(&letter)) {
        return Err(problem);
    }
    // A server may take what follows a semicolon for parameters of the segment.
    let name = |segment| str::split(segment, ';').next().unwrap_or_default();
    if segments.split('/').any(|segment| matches!(name(segment), "." | "..")) {
        return Err("has a segment \".\" or \"..\"".to_owned());
    }
    if path.contains("//") {
        return Err("has two slashes in a row".to_owned());
    }
    // A server may unescape these before it looks at the segments, or twice.
    let dangerous = |byte: u8| byte < b' ' || b"./\\%\x7f".contains(&byte);
    match escapes(path)?.into_iter().find(|byte| dangerous(*byte)) {
        Some(byte) => Err(format!("has the escape %{byte:02X}, which is not allowed")),
        None => Ok(()),
    }
}

/// The letters that stand for themselves both in a path and in a query
/// ([RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-3.3)).
const fn is_plain(letter: u8) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(
            letter,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
        )
}

/// Says what is wrong if a letter is not one of these.
fn unplain(text: &str, is_allowed: impl Fn(u8) -> bool) -> Option<String> {
    let wrong = text.chars().find(|letter| !u8::try_from(*letter).is_ok_and(&is_allowed))?;
    Some(match wrong {
        '#' => "has a fragment, which no server sees".to_owned(),
        wrong => format!("has the letter {wrong:?}: write its UTF-8 bytes as escapes such as %20"),
    })
}

/// Returns the bytes that are escaped.
fn escapes(text: &str) -> Result<Vec<u8>, String> {
    let mut parts = text.split('%');
    parts.next();
    let byte = |part: &str| {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    };
    parts
        .map(|part| byte(part).ok_or_else(|| "has a % that no two hexadecimal digits follow".to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/")]
    #[case("/health")]
    #[case("/a/b.c/..d/e..")]
    #[case("/a/")]
    #[case("/a;b=c/d")]
    #[case("/a%20b/%C3%A4")]
    #[case("/status?service=pay&x=a/b?c")]
    #[case("/status?x=../..//&y=%2e%2E%2f%00")]
    #[case("/a?")]
    #[case("/@evil.example:80")]
    fn a_path_below_the_source_is_fine(#[case] path: &str) {
        assert_eq!(path.parse::<SourcePath>().unwrap().as_str(), path);
    }

    #[rstest]
    #[case("", "does not begin with a slash")]
    #[case("health", "does not begin with a slash")]
    #[case("?a", "does not begin with a slash")]
    #[case("http://evil.example/", "does not begin with a slash")]
    #[case("@evil.example/", "does not begin with a slash")]
    #[case(".evil.example/", "does not begin with a slash")]
    #[case(":80/", "does not begin with a slash")]
    #[case("//evil.example/", "two slashes")]
    #[case("/a//b", "two slashes")]
    #[case("/..", "\"..\"")]
    #[case("/a/../b", "\"..\"")]
    #[case("/a/./b", "\"..\"")]
    #[case("/a/..;x/b", "\"..\"")]
    #[case("/.;/b", "\"..\"")]
    #[case("/a/..?b", "\"..\"")]
    #[case("/a/%2e%2e/b", "%2E")]
    #[case("/a/%2E./b", "%2E")]
    #[case("/a%2fb", "%2F")]
    #[case("/a%5Cb", "%5C")]
    #[case("/a%252e", "%25")]
    #[case("/a%00", "%00")]
    #[case("/a%0d%0aHost:evil", "%0D")]
    #[case("/a%", "two hexadecimal digits")]
    #[case("/a%2", "two hexadecimal digits")]
    #[case("/a%+1", "two hexadecimal digits")]
    #[case("/a?b=%zz", "two hexadecimal digits")]
    #[case("/a\\b", "letter '\\\\'")]
    #[case("/a b", "letter ' '")]
    #[case("/a?b c", "letter ' '")]
    #[case("/a\r\nHost: evil", "letter '\\r'")]
    #[case("/ä", "letter 'ä'")]
    #[case("/a#b", "fragment")]
    #[case("/a?b#c", "fragment")]
    fn what_could_lead_elsewhere_is_refused(#[case] path: &str, #[case] expected: &str) {
        let error = path.parse::<SourcePath>().unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains(char::is_control), "{error}");
    }
}
