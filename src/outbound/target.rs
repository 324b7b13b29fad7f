//! A server that is told of runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode, Uri};

use crate::requests::client::{Failure, HttpClient};
use crate::requests::file::{LARGEST, limited, token};

/// The time limit of a request.
const LIMIT: Duration = Duration::from_secs(10);

/// The longest URL, in bytes.
const MAX_URL: usize = 2048;

/// Where to send, and how.
#[derive(Debug)]
pub struct Settings {
    /// The URL.
    pub url: Uri,
    /// The file with the token of the requests.
    pub token_file: Option<PathBuf>,
    /// The file with the certificates to trust. Otherwise those of the system are trusted.
    pub ca_file: Option<PathBuf>,
    /// More headers.
    pub headers: HeaderMap,
    /// The content type.
    pub content_type: &'static str,
    /// The statuses after which the same request is sent again.
    pub is_passing: fn(u16) -> bool,
}

/// What has come of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The server has taken it.
    Sent,
    /// Another attempt is useless.
    Refused(String),
    /// Another attempt may succeed, if the server is left alone for so many seconds.
    Failed(String, Option<u64>),
}

/// A server.
pub struct Target {
    settings: Settings,
    /// The client, with the certificates that it trusts.
    client: Option<(Option<Vec<u8>>, Arc<HttpClient>)>,
}

/// Reads the URL of a server. The error says what is wrong without its path, which may be a secret.
pub fn url(text: &str) -> Result<Uri, String> {
    if text.len() > MAX_URL {
        return Err(format!("has {} bytes; at most {MAX_URL} are possible", text.len()));
    }
    let url: Uri = text.parse().map_err(|_| "is no URL".to_owned())?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err("does not begin with http:// or https://".to_owned());
    }
    let authority = url.authority().filter(|authority| !authority.host().is_empty()).ok_or("has no host")?;
    if authority.as_str().contains('@') {
        return Err("has a user or a password, which is not supported: use a file with a token".to_owned());
    }
    Ok(url)
}

/// Whether a receiver of events may take the same event later.
#[must_use]
pub const fn is_passing_for_events(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// Whether a receiver of OTLP may take the same spans later.
/// <https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes>
#[must_use]
pub const fn is_passing_for_otlp(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

impl Target {
    /// Takes the settings. Nothing is opened yet.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings, client: None }
    }

    /// Returns the host, for the log. The path may be a secret.
    #[must_use]
    pub fn host(&self) -> String {
        self.settings.url.authority().map(ToString::to_string).unwrap_or_default()
    }

    /// Makes one attempt to send, within a limit of time.
    pub async fn send(&mut self, body: Vec<u8>) -> Attempt {
        let attempt = tokio::time::timeout(LIMIT, self.attempt(body)).await;
        attempt.unwrap_or_else(|_| {
            Attempt::Failed(format!("no answer within {} seconds", LIMIT.as_secs()), None)
        })
    }

    async fn attempt(&mut self, body: Vec<u8>) -> Attempt {
        let (client, headers) = match self.open().await {
            Ok(open) => open,
            Err(problem) => return Attempt::Failed(problem, None),
        };
        match client.post(self.settings.url.clone(), headers, body).await {
            Ok(response) => self.answered(response.status, response.retry_after),
            Err(Failure::TooLarge { status }) => self.answered(status, None),
            Err(Failure::Unreachable { whole, .. }) => Attempt::Failed(whole, None),
        }
    }

    fn answered(&self, status: u16, retry_after: Option<u64>) -> Attempt {
        if (200..300).contains(&status) {
            return Attempt::Sent;
        }
        let name = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let said = format!("it answers {status} {}", name.unwrap_or_default());
        if (self.settings.is_passing)(status) {
            Attempt::Failed(said, retry_after)
        } else {
            Attempt::Refused(said)
        }
    }

    /// Returns the client and the headers. The files may have changed since the last attempt.
    async fn open(&mut self) -> Result<(Arc<HttpClient>, HeaderMap), String> {
        let Settings { url, token_file, ca_file, headers, content_type, .. } = &self.settings;
        let (token_file, ca_file) = (token_file.clone(), ca_file.clone());
        let read = tokio::task::spawn_blocking(move || {
            let certificates = ca_file.map(|file| {
                limited(&file, LARGEST).map_err(|problem| format!("{}: {problem}", file.display()))
            });
            Ok((certificates.transpose()?, token_file.map(|file| token(&file)).transpose()?))
        });
        let (certificates, token): (Option<Vec<u8>>, Option<HeaderValue>) =
            read.await.unwrap_or_else(|_| Err("the reader of its files panicked".to_owned()))?;
        let known = self.client.as_ref().filter(|(known, _)| *known == certificates);
        let client = if let Some((_, client)) = known {
            client.clone()
        } else {
            let is_encrypted = url.scheme_str() == Some("https");
            let trusted = certificates.clone();
            // It may read the certificates of the system.
            let made =
                tokio::task::spawn_blocking(move || HttpClient::new(trusted.as_deref(), is_encrypted, LIMIT));
            Arc::new(made.await.unwrap_or_else(|_| Err("the reader of certificates panicked".to_owned()))?)
        };
        let mut headers = headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token);
        }
        self.client = Some((certificates, client.clone()));
        Ok((client, headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://hooks.example.com/services/T/B?x=1", None)]
    #[case("http://relay.ns:8080", None)]
    #[case("ftp://a", Some("does not begin"))]
    #[case("relay:8080", Some("does not begin"))]
    #[case("/path", Some("does not begin"))]
    #[case("http://me:secret@a", Some("has a user or a password"))]
    #[case("http://a b", Some("is no URL"))]
    fn a_url_is_one_of_http(#[case] text: &str, #[case] expected: Option<&str>) {
        match (url(text), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                assert!(error.contains(expected) && !error.contains("secret"), "{error}");
            }
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[rstest]
    #[case(400, false, false)]
    #[case(404, false, false)]
    #[case(410, false, false)]
    #[case(429, true, true)]
    #[case(500, true, false)]
    #[case(503, true, true)]
    fn some_answers_pass(#[case] status: u16, #[case] events: bool, #[case] otlp: bool) {
        assert_eq!((is_passing_for_events(status), is_passing_for_otlp(status)), (events, otlp));
    }
}
