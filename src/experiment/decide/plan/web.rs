//! URLs of `http` and `https`, as far as a plan has to know them.

/// The longest URL, in bytes.
const MAX_URL: usize = 2048;

/// Checks a URL of `http` or `https`. The error names the problem, and quotes nothing that may be a password.
pub fn check(url: &str) -> Result<(), String> {
    if url.len() > MAX_URL {
        return Err(format!("has {} bytes; at most {MAX_URL} are possible", url.len()));
    }
    let Some(rest) = after_scheme(url) else {
        return Err("is not a URL that begins with http:// or https://".to_owned());
    };
    if url.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
        return Err("has a space or a control character".to_owned());
    }
    let host = authority(rest).rsplit('@').next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') {
        return Err("has no host".to_owned());
    }
    Ok(())
}

/// Whether a URL has a password that everybody can see who can read the spec. A variable in its place is none.
#[must_use]
pub fn shows_password(url: &str) -> bool {
    let user = after_scheme(url).and_then(|rest| authority(rest).rsplit_once('@')).map(|(user, _)| user);
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.starts_with("$("))
}

fn after_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://a", true)]
    #[case("HTTPS://a.b:8443/c?d#e", true)]
    #[case("http://[::1]:3128", true)]
    #[case("http://user:$(PASSWORD)@a", true)]
    #[case("", false)]
    #[case("a:3128", false)]
    #[case("socks5://a", false)]
    #[case("file:///a", false)]
    #[case("http://", false)]
    #[case("http:///a", false)]
    #[case("http://:80", false)]
    #[case("http://user:secret@/a", false)]
    #[case("http://a b", false)]
    #[case("http://a\n", false)]
    #[case(&format!("http://{}", "a".repeat(2048)), false)]
    fn only_urls_of_http_are_urls(#[case] url: &str, #[case] valid: bool) {
        let checked = check(url);
        assert_eq!(checked.is_ok(), valid, "{checked:?}");
        assert!(!checked.err().unwrap_or_default().contains("secret"));
    }

    #[rstest]
    #[case("http://user:secret@a", true)]
    #[case("https://:secret@a/b", true)]
    #[case("http://user@a", false)]
    #[case("http://user:@a", false)]
    #[case("http://user:$(PASSWORD)@a", false)]
    #[case("http://a/b:c@d", false)]
    fn a_password_is_seen(#[case] url: &str, #[case] shows: bool) {
        assert_eq!(shows_password(url), shows);
    }
}
