//! The URL of a source, and the URLs below it: pure.

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::signals::path::check_path;
use crate::signals::text::within;

/// The longest URL, in bytes.
const MAX_LENGTH: usize = 2048;

/// The URL of a source: a scheme, a host with its port, and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The scheme, `http` or `https`.
    scheme: &'static str,
    /// The host and its port.
    authority: String,
    /// The path. It begins with a slash and does not end with one, or it is empty.
    path: String,
}

impl Base {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.scheme == "https"
    }

    /// Returns the URL of a target, which begins with a slash and has nothing that leads elsewhere. Returns `None` if the URL
    /// would not be below this one.
    #[must_use]
    pub fn join(&self, target: &str) -> Option<Uri> {
        if !target.starts_with('/') {
            return None;
        }
        let uri: Uri = format!("{self}{target}").parse().ok()?;
        let is_same_host = uri.scheme_str() == Some(self.scheme)
            && uri.authority().map(http::uri::Authority::as_str) == Some(&self.authority);
        let rest = uri.path().strip_prefix(self.path.as_str());
        (is_same_host && rest.is_some_and(|rest| rest.starts_with('/'))).then_some(uri)
    }
}

impl FromStr for Base {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        within(text, MAX_LENGTH)?;
        let begins =
            |start: &&str| text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
        if !["http://", "https://"].iter().any(begins) {
            return Err("does not begin with http:// or https://".to_owned());
        }
        let uri: Uri = text.parse().map_err(|_| "is no URL".to_owned())?;
        let scheme = if uri.scheme_str() == Some("https") { "https" } else { "http" };
        let authority =
            uri.authority().filter(|authority| !authority.host().is_empty()).ok_or("has no host")?;
        if authority.as_str().contains('@') {
            return Err("has a user or a password, which is not supported: use tokenFile".to_owned());
        }
        if text.contains(['?', '#']) {
            return Err("has a query or a fragment; only a path can follow the host".to_owned());
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        check_path(uri.path()).map_err(|problem| format!("its path {problem}"))?;
        Ok(Self { scheme, authority: authority.to_string(), path })
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, authority, path } = self;
        write!(f, "{scheme}://{authority}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::path::SourcePath;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://a", "http://a")]
    #[case("HTTPS://a.b:8443/", "https://a.b:8443")]
    #[case("http://[::1]:9090/prom/", "http://[::1]:9090/prom")]
    #[case("https://a/select/0/prometheus", "https://a/select/0/prometheus")]
    fn a_url_of_http_is_one(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<Base>().unwrap().to_string(), expected);
    }

    #[rstest]
    #[case("", "does not begin with http")]
    #[case("a", "does not begin with http")]
    #[case("/a", "does not begin with http")]
    #[case("a:9090", "does not begin with http")]
    #[case("ftp://a", "does not begin with http")]
    #[case("file:///etc/passwd", "does not begin with http")]
    #[case("http:///a", "")]
    #[case("http://", "")]
    #[case("http://user:secret@a", "use tokenFile")]
    #[case("http://a?b", "a query or a fragment")]
    #[case("http://a/#b", "a query or a fragment")]
    #[case("http://a/b/../c", "its path has a segment")]
    #[case("http://a//b", "its path has two slashes")]
    #[case("http://a/b//", "has two slashes")]
    #[case("http://a b", "is no URL")]
    fn other_urls_are_refused(#[case] text: &str, #[case] expected: &str) {
        let error = text.parse::<Base>().unwrap_err();
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
    }

    #[rstest]
    #[case("http://a", "/api/v1/query?query=up", Some("http://a/api/v1/query?query=up"))]
    #[case("http://a/prom", "/-/ready", Some("http://a/prom/-/ready"))]
    #[case("http://a", ":81/", None)]
    #[case("http://a", ".evil/", None)]
    #[case("http://a", "@evil/", None)]
    #[case("http://a/prom", "etheus", None)]
    #[case("http://a", "", None)]
    fn a_target_is_below_the_url(#[case] base: &str, #[case] target: &str, #[case] expected: Option<&str>) {
        let uri = base.parse::<Base>().unwrap().join(target);
        assert_eq!(uri.map(|uri| uri.to_string()).as_deref(), expected);
    }

    proptest! {
        #[test]
        fn whatever_an_author_writes_stays_at_the_host_and_below_the_path(
            path in "[/.@:?#%;\\\\a2eEfF ]{0,16}|/\\PC{0,16}|(/([.]{1,3}|a|%2[eEfF]|;)){0,5}",
            base in proptest::sample::select(vec!["http://host:80", "https://host/base", "http://host/a/b"]),
        ) {
            let base: Base = base.parse().unwrap();
            if let Ok(path) = path.parse::<SourcePath>() {
                let uri = base.join(path.as_str()).unwrap();
                prop_assert_eq!(uri.authority().unwrap().host(), "host");
                prop_assert_eq!(uri.scheme_str().unwrap(), base.scheme);
                let unescaped = uri.path().replace("%2e", ".").replace("%2E", ".").replace("%2f", "/").replace("%2F", "/");
                let below = unescaped.strip_prefix(base.path.as_str()).unwrap();
                prop_assert!(below.starts_with('/') && below.split(['/', ';']).all(|segment| segment != ".."), "{}", below);
                prop_assert_eq!(uri.to_string(), format!("{base}{}", path.as_str()));
            }
        }
    }
}
