//! Tells the kinds of errors apart, and cuts texts that quote the value of a variable.

use super::lines::Said;
use super::types::RefusalKind;

/// Returns the kind of an error.
pub(super) fn kind(said: &Said) -> RefusalKind {
    match said {
        Said::Usage(_) => RefusalKind::ArgumentsInvalid,
        Said::Error(text) => of_text(text),
        Said::Exception { name, text } => of_exception(name, text),
    }
}

/// The words are those of chaostoolkit and chaostoolkit-lib from 1.0 to 1.21.
fn of_text(text: &str) -> RefusalKind {
    let has = |words: &str| text.contains(words);
    if has("could not find Python module") || has("does not expose") || has("pip install") {
        RefusalKind::ExtensionMissing
    } else if has("reference to an environment key that does not exist") {
        RefusalKind::ConfigurationMissing
    } else if text.starts_with("Failed to fetch the experiment") {
        RefusalKind::ExperimentUnreachable
    } else {
        RefusalKind::ExperimentInvalid
    }
}

fn of_exception(name: &str, text: &str) -> RefusalKind {
    let is_author = matches!(
        last(name),
        "InvalidURL" | "MissingSchema" | "InvalidSchema" | "LocationParseError" | "UnicodeError"
    );
    match name {
        "ModuleNotFoundError" | "ImportError" => RefusalKind::ExtensionMissing,
        "AttributeError" if text.starts_with("module ") => RefusalKind::ExtensionMissing,
        "FileNotFoundError" => RefusalKind::ConfigurationMissing,
        _ if is_author => RefusalKind::ExperimentInvalid,
        _ if name.starts_with("requests.") || name.starts_with("urllib3.") || name.starts_with("socket.") => {
            RefusalKind::ExperimentUnreachable
        }
        _ => of_text(text),
    }
}

/// Returns the line about an exception. Only some exceptions never quote a value, so the text of the others ends before
/// the first quotation mark.
pub(super) fn exception_line(name: &str, text: &str) -> String {
    let is_kept = name.starts_with("chaoslib.")
        || matches!(
            last(name),
            "ModuleNotFoundError"
                | "ImportError"
                | "AttributeError"
                | "FileNotFoundError"
                | "PermissionError"
                | "JSONDecodeError"
                | "ConnectionError"
                | "ConnectTimeout"
                | "ReadTimeout"
                | "SSLError"
                | "ProxyError"
        );
    let text = if is_kept { without_urls(text) } else { before_quote(text) };
    if text.is_empty() { name.to_owned() } else { format!("{name}: {text}") }
}

/// Returns the line about an error in the arguments. `--var` sets a variable, so its value is cut.
pub(super) fn usage_line(text: &str) -> String {
    match text.split_once("--var'") {
        Some((before, _)) => format!("{before}--var'…"),
        None => without_urls(text),
    }
}

fn before_quote(text: &str) -> String {
    match text.find(['\'', '"', '`']) {
        Some(quote) => format!("{}…", &text[..quote]),
        None => without_urls(text),
    }
}

/// Shortens an error of urllib3, which prints the path of the URL apart from the host, to its cause:
/// `POOL: Max retries exceeded with url: PATH (Caused by ERROR("CONNECTION: CAUSE"))`.
fn cause_of(text: &str) -> String {
    let Some((before, rest)) = text.split_once("Max retries exceeded with url: ") else {
        return text.to_owned();
    };
    // Without the URL to which a connection failed, the pool names the host.
    let before = match before.find(": HTTP") {
        Some(pool) => &before[..pool + 2],
        None => before,
    };
    let Some((_, cause)) = rest.split_once(" (Caused by ") else {
        return format!("{before}Max retries exceeded");
    };
    let cause = ["): ", ">: "].iter().find_map(|end| Some(cause.split_once(end)?.1)).unwrap_or(cause);
    let cause = cause.strip_prefix("Failed to establish a new connection: ").unwrap_or(cause);
    let cause = cause.strip_suffix("))").unwrap_or(cause).trim_end_matches(['\'', '"']);
    format!("{before}{cause}")
}

/// Cuts URLs after the host, since a path or a query can hold a token, and removes user and password.
#[must_use]
pub fn without_urls(text: &str) -> String {
    let text = cause_of(text);
    let mut line = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + "://".len());
        line.push_str(before);
        let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '\'' | '"' | ')' | '>' | ',');
        let (url, _) = url.split_at(url.find(is_end).unwrap_or(url.len()));
        let url = url.trim_end_matches([':', '.', ';']);
        let after = &rest[at + "://".len() + url.len()..];
        let (authority, is_longer) = match url.find(['/', '?', '#']) {
            Some(end) => (&url[..end], true),
            None => (url, false),
        };
        line.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        if is_longer {
            line.push_str("/…");
        }
        rest = after;
    }
    line.push_str(rest);
    line
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
