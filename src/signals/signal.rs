//! What is asked of whom.

use std::time::Duration;

use crate::signals::answer::Answer;
use crate::signals::expect::{ExpectedAnswer, ExpectedSample};
use crate::signals::experiment::ExpectedEnd;
use crate::signals::matcher::Matcher;
use crate::signals::path::SourcePath;
use crate::signals::reading::{Reading, SignalError};
use crate::signals::resource::ExpectedCondition;
use crate::signals::{alertmanager, http, prometheus};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A signal, with what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// The answer of a source to a question.
    Source(Question),
    /// A condition of an object in the namespace of the run.
    Resource(ExpectedCondition),
    /// The end of another experiment in the same namespace.
    Experiment(ExpectedEnd),
}

/// A question to a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The name of the source.
    pub source: String,
    /// What is asked, and what is expected.
    pub asks: Asks,
}

/// What is asked of a source, and what is expected of the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Asks {
    /// A query.
    Prometheus {
        /// The query, in `PromQL`.
        query: String,
        /// What is expected.
        expected: ExpectedSample,
    },
    /// The active alerts, of which there should be none.
    Alertmanager {
        /// The matchers of the alerts.
        matchers: Vec<Matcher>,
    },
    /// A page.
    Http {
        /// The path below the URL of the source.
        path: SourcePath,
        /// What is expected.
        expected: ExpectedAnswer,
    },
}

/// The types of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum SourceType {
    /// Prometheus, or a server with its API.
    Prometheus,
    /// Alertmanager, or a server with its API.
    Alertmanager,
    /// Any HTTP server.
    Http,
}

impl Asks {
    /// Returns the type of source that this is asked of.
    #[must_use]
    pub const fn source_type(&self) -> SourceType {
        match self {
            Self::Prometheus { .. } => SourceType::Prometheus,
            Self::Alertmanager { .. } => SourceType::Alertmanager,
            Self::Http { .. } => SourceType::Http,
        }
    }

    /// Returns a short text that differs from that of any other question. A query may be long.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{:x}", Sha256::digest(format!("{self:?}")))
    }

    /// Returns the path and the query of the request, below the URL of the source.
    #[must_use]
    pub fn target(&self, limit: Duration) -> String {
        match self {
            Self::Prometheus { query, .. } => prometheus::target(query, limit),
            Self::Alertmanager { matchers } => alertmanager::target(matchers),
            Self::Http { path, .. } => path.as_str().to_owned(),
        }
    }

    /// Reads the response.
    pub fn read(&self, answer: &Answer) -> Result<Reading, SignalError> {
        match self {
            Self::Prometheus { expected, .. } => prometheus::read(answer, *expected),
            Self::Alertmanager { .. } => alertmanager::read(answer),
            Self::Http { expected, .. } => http::read(answer, expected),
        }
    }

    /// Returns what is expected, for messages.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Prometheus { expected, .. } => expected.to_string(),
            Self::Alertmanager { .. } => "no active alert".to_owned(),
            Self::Http { expected, .. } => expected.to_string(),
        }
    }
}

impl Signal {
    /// Returns what is expected, for messages.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Source(question) => question.asks.expected(),
            Self::Resource(expected) => format!("{}={}", expected.condition, expected.status),
            Self::Experiment(expected) => {
                let words: Vec<&str> = expected.results.iter().map(Into::into).collect();
                words.join(" or ")
            }
        }
    }
}
