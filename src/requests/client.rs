//! The HTTP client of a server.
//!
//! It follows no redirects, uses no proxy of the environment, and reads a response up to a limit. The caller sets the limit of time.

use std::error::Error;
use std::io::{self, Cursor};
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::builderstates::WantsSchemes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// The largest body of a response, in bytes.
pub const LARGEST: usize = 1 << 20;

/// The largest head of a response, in bytes.
const LARGEST_HEAD: usize = 64 << 10;

/// For how long a connection stays open that nobody uses.
const IDLE: Duration = Duration::from_secs(30);

/// What the requests are called.
const AGENT: &str = concat!("chaostoolkit-operator/", env!("CARGO_PKG_VERSION"));

/// A client of one server.
pub struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Cursor<Vec<u8>>>>);

/// A response. The server may have sent anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// For how many seconds the server asks to be left alone.
    pub retry_after: Option<u64>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connection could not be made, or broke.
    Unreachable {
        /// The last cause, for authors. It names no address.
        brief: String,
        /// All causes, for the log.
        whole: String,
    },
    /// The body is larger than [`LARGEST`].
    TooLarge {
        /// The status code.
        status: u16,
    },
}

impl HttpClient {
    /// Creates a client. It trusts the certificates in PEM format, or else those of the system. A connection that cannot be made
    /// in time is given up.
    pub fn new(certificates: Option<&[u8]>, is_encrypted: bool, limit: Duration) -> Result<Self, String> {
        let builder = tls(certificates, is_encrypted)?;
        let builder = if is_encrypted { builder.https_only() } else { builder.https_or_http() };
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(limit));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .http1_max_buf_size(LARGEST_HEAD)
            .build(builder.enable_http1().wrap_connector(connector));
        Ok(Self(client))
    }

    /// Makes a GET request, and reads the whole response.
    pub async fn get(&self, uri: Uri, authorization: Option<HeaderValue>) -> Result<Response, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        self.request(Method::GET, uri, headers, Vec::new()).await
    }

    /// Makes a POST request, and reads the whole response.
    pub async fn post(&self, uri: Uri, headers: HeaderMap, body: Vec<u8>) -> Result<Response, Failure> {
        self.request(Method::POST, uri, headers, body).await
    }

    async fn request(
        &self,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response, Failure> {
        let mut request = Request::new(Full::new(Cursor::new(body)));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let response = self.0.request(request).await.map_err(|error| unreachable(&error))?;
        let status = response.status().as_u16();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        match Limited::new(response.into_body(), LARGEST).collect().await {
            Ok(body) => Ok(Response { status, retry_after, body: body.to_bytes().into() }),
            Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLarge { status }),
            Err(error) => Err(unreachable(&*error)),
        }
    }
}

/// Returns what connections trust.
fn tls(
    certificates: Option<&[u8]>,
    is_encrypted: bool,
) -> Result<HttpsConnectorBuilder<WantsSchemes>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = HttpsConnectorBuilder::new();
    let roots = match certificates {
        Some(certificates) => roots(certificates)?,
        // A connection without encryption trusts nobody.
        None if !is_encrypted => RootCertStore::empty(),
        None => {
            let of_system = builder.with_provider_and_native_roots(provider);
            return of_system.map_err(|error| {
                format!("no file of certificates is set, and the system has none: {error}")
            });
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_tls_config(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Reads certificates in PEM format.
fn roots(certificates: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(certificates) {
        let certificate =
            certificate.map_err(|error| format!("the file of certificates is not in PEM format: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("the file of certificates has one that cannot be used: {error}"))?;
    }
    if roots.is_empty() {
        return Err("the file of certificates has no certificate in PEM format".to_owned());
    }
    Ok(roots)
}

/// Returns the header that presents a token. Returns `None` if no header can have it.
#[must_use]
pub fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).ok()?;
    value.set_sensitive(true);
    (!token.trim().is_empty()).then_some(value)
}

/// Describes why a request failed. Some causes name addresses, so authors are told of the kind of cause.
fn unreachable<'a>(error: &'a (dyn Error + 'static)) -> Failure {
    let causes: Vec<&(dyn Error + 'static)> =
        std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
            .take(MAX_CAUSES)
            .collect();
    let texts: Vec<String> = causes.iter().map(ToString::to_string).collect();
    let io = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>());
    let brief = if texts.iter().any(|text| text == "dns error") {
        "the name of its host is not known".to_owned()
    } else if io.is_some_and(is_of_tls) {
        "its certificate is not accepted, or it speaks no TLS".to_owned()
    } else {
        io.map_or_else(|| "the connection failed".to_owned(), |io| io.kind().to_string())
    };
    Failure::Unreachable { brief, whole: on_one_line(&texts.join(": ")) }
}

/// The longest text of all causes, in characters.
const MAX_LENGTH: usize = 600;

fn on_one_line(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().take(MAX_LENGTH).map(plain).collect()
}

/// How many causes of an error are told.
const MAX_CAUSES: usize = 8;

/// Whether an error of a connection comes from TLS. The libraries wrap it once or twice.
fn is_of_tls(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(|inner| {
        inner.is::<rustls::Error>() || inner.downcast_ref::<io::Error>().is_some_and(is_of_tls)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        for (pem, expected) in [
            ("", "no certificate"),
            ("x", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "not in PEM format"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used"),
        ] {
            let error = HttpClient::new(Some(pem.as_bytes()), true, IDLE).map(|_| ()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_token_is_one_line_and_is_not_shown() {
        let header = bearer(" secret\n").unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer secret");
        assert!(!format!("{header:?}").contains("secret"));
        assert!(bearer("").is_none() && bearer(" \n").is_none() && bearer("a\nb").is_none());
    }
}
