//! One source: its requests, and whether it can be reached.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::process::clock;
use crate::process::metrics::Metrics;
use crate::process::remembered::Remembered;
use crate::requests::client::{Failure, HttpClient, LARGEST};
use crate::requests::file::token;
use crate::signals::answer::{Answer, invalid};
use crate::signals::reading::{Reading, SignalError};
use crate::signals::signal::{Asks, SourceType};
use crate::signals::sources::config::SourceConfig;
use chaostoolkit_api::reason::Reason;

/// How many requests to a source are in flight. Each may hold a response of 1 MiB.
pub(in crate::signals) const IN_FLIGHT: usize = 4;

/// For how long a reading answers the same question again. Many experiments may ask it at the same time.
const AGE: Duration = Duration::from_secs(1);

/// How many readings are remembered.
const MOST: usize = 64;

/// A source.
pub struct Source {
    config: SourceConfig,
    /// The certificates that it was opened with.
    certificates: Option<Result<Vec<u8>, String>>,
    client: Result<HttpClient, String>,
    room: Semaphore,
    readings: Remembered<Result<Reading, SignalError>>,
    seen: Mutex<Seen>,
    metrics: Metrics,
}

/// What was seen of a source.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Whether its last answer was one.
    is_up: Option<bool>,
    /// When it was asked last.
    asked: Option<Instant>,
}

impl Source {
    /// Opens a source. Its certificates are the content of its file, if it names one.
    #[must_use]
    pub fn open(
        config: SourceConfig,
        certificates: Option<Result<Vec<u8>, String>>,
        metrics: Metrics,
    ) -> Self {
        let client = match &certificates {
            Some(Err(problem)) => Err(format!("caFile cannot be read: {problem}")),
            Some(Ok(pem)) => HttpClient::new(Some(pem), true, config.limit),
            None => HttpClient::new(None, config.base.is_encrypted(), config.limit),
        };
        let name = &config.name;
        if let Err(problem) = &client {
            warn!(source = name, problem, "a source cannot be used");
        }
        if config.token_file.is_some() && !config.base.is_encrypted() {
            warn!(source = name, "the token of a source goes over a connection that is not encrypted");
        }
        let (room, readings) = (Semaphore::new(IN_FLIGHT), Remembered::of(MOST));
        Self { config, certificates, client, room, readings, seen: Mutex::default(), metrics }
    }

    /// Returns the configuration.
    #[must_use]
    pub const fn config(&self) -> &SourceConfig {
        &self.config
    }

    /// Whether the source was opened with this configuration and these certificates.
    #[must_use]
    pub fn is_of(&self, config: &SourceConfig, certificates: Option<&Result<Vec<u8>, String>>) -> bool {
        self.config == *config && self.certificates.as_ref() == certificates
    }

    /// Whether nobody has asked the source for this time.
    #[must_use]
    pub fn is_idle(&self, time: Duration) -> bool {
        self.seen().asked.is_none_or(|asked| asked.elapsed() >= time)
    }

    /// Asks the source, and reads its answer.
    pub async fn read(&self, asks: &Asks) -> Result<Reading, SignalError> {
        let question = asks.key();
        if let Some(read) = self.readings.get(&question, AGE) {
            return read;
        }
        let answer = self.get(&asks.target(self.config.limit)).await;
        self.note(&answer);
        let read = answer.and_then(|answer| asks.read(&answer));
        self.readings.put(question, read.clone(), AGE);
        read
    }

    /// Finds out whether the source can be reached.
    pub async fn check(&self) {
        let target = match self.config.kind {
            SourceType::Prometheus => "/api/v1/query?query=1",
            SourceType::Alertmanager => "/api/v2/status",
            SourceType::Http => "/",
        };
        self.note(&self.get(target).await);
    }

    /// Makes a request within the limit.
    async fn get(&self, target: &str) -> Result<Answer, SignalError> {
        self.lock().asked = Some(Instant::now());
        let limit = self.config.limit;
        let request = async {
            let _permit = self.enter().await?;
            let client = self.client.as_ref().map_err(|_| unusable())?;
            let uri = self
                .config
                .base
                .join(target)
                .ok_or_else(|| invalid("the path leads away from the source"))?;
            let authorization = self.authorization().await?;
            let response = client.get(uri, authorization).await.map_err(|failure| self.failed(failure))?;
            Ok(Answer { status: response.status, body: response.body })
        };
        tokio::time::timeout(limit, request).await.unwrap_or_else(|_| {
            let message = format!("the source did not answer within {} seconds", limit.as_secs());
            Err(SignalError::new(Reason::SourceTimeout, &message))
        })
    }

    /// Waits for room for another request. If the source does not answer, nobody waits for it.
    async fn enter(&self) -> Result<SemaphorePermit<'_>, SignalError> {
        let busy = || {
            let message =
                format!("{IN_FLIGHT} other requests wait for the source, which did not answer before");
            SignalError::new(Reason::SourceTimeout, &message)
        };
        if self.seen().is_up == Some(false) {
            return self.room.try_acquire().map_err(|_| busy());
        }
        self.room.acquire().await.map_err(|_| busy())
    }

    /// Reads the token, which may have changed since the last request.
    async fn authorization(&self) -> Result<Option<HeaderValue>, SignalError> {
        let Some(file) = self.config.token_file.clone() else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || token(&file)).await;
        match read.unwrap_or_else(|_| Err("the reader panicked".to_owned())) {
            Ok(header) => Ok(Some(header)),
            Err(problem) => {
                if self.seen().is_up != Some(false) {
                    warn!(source = self.config.name, problem, "the token of a source cannot be used");
                }
                Err(unusable())
            }
        }
    }

    fn failed(&self, failure: Failure) -> SignalError {
        match failure {
            Failure::TooLarge { .. } => {
                let kib = LARGEST >> 10;
                invalid(&format!(
                    "the answer of the source is larger than {kib} KiB: ask for less, as with an aggregation"
                ))
            }
            Failure::Unreachable { brief, whole } => {
                if self.seen().is_up != Some(false) {
                    warn!(source = self.config.name, url = %self.config.base, problem = whole, "a source cannot be reached");
                }
                SignalError::new(Reason::SourceUnreachable, &format!("the source cannot be reached: {brief}"))
            }
        }
    }

    /// Notes whether the source has answered.
    fn note(&self, answer: &Result<Answer, SignalError>) {
        let reached = match answer {
            // A question that brings too much has an answer.
            Err(error) if error.reason == Reason::SignalInvalid => Ok(()),
            Err(error) => Err(error.clone()),
            // An author chooses the page, so its status says nothing about the source.
            Ok(_) if self.config.kind == SourceType::Http => Ok(()),
            Ok(answer) => answer.refused(),
        };
        let before = self.lock().is_up.replace(reached.is_ok());
        let name = &self.config.name;
        self.metrics.source_asked(name, reached.is_ok().then(clock::now));
        match (reached, before) {
            // The log has the causes already.
            (Err(error), _) if error.reason == Reason::SourceUnreachable => {}
            (Err(error), None | Some(true)) => warn!(source = name, %error, "a source does not answer"),
            (Ok(()), Some(false)) => info!(source = name, "the source answers again"),
            _ => {}
        }
    }

    fn seen(&self) -> Seen {
        *self.lock()
    }

    /// Ignores that the lock is poisoned: a panic leaves nothing half-written.
    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a source whose files cannot be used. Authors are not told of files.
fn unusable() -> SignalError {
    let message = "the source cannot be used as it is configured; the log of the operator says why";
    SignalError::new(Reason::SourceUnreachable, message)
}
