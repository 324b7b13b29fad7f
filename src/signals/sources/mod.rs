//! The sources that the administrator has configured, and the questions to them.
//!
//! A file lists them. It is read again when it changes. No spec makes the operator call an address that is not in it.

mod base;
mod config;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use kube::core::ApiResource;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::process::metrics::Metrics;
use crate::requests::file::limited;
use crate::signals::reading::{Reading, SignalError};
use crate::signals::resource::ExpectedCondition;
use crate::signals::signal::Question;
use crate::signals::sources::config::{Granted, SourcesConfig};
pub(in crate::signals) use crate::signals::sources::source::IN_FLIGHT;
use crate::signals::sources::source::Source;
use chaostoolkit_api::reason::Reason;

/// The largest file that is read, in bytes. No ConfigMap is larger.
const LARGEST_FILE: u64 = 1 << 20;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_secs(5);

/// After which time without a question a source is asked whether it is there, for the metrics.
const IDLE: Duration = Duration::from_secs(60);

/// The sources. Clones share them.
#[derive(Clone)]
pub struct Sources(Arc<Shared>);

struct Shared {
    file: Option<PathBuf>,
    loaded: RwLock<Loaded>,
    metrics: Metrics,
}

/// What was read of the file.
#[derive(Default)]
struct Loaded {
    sources: BTreeMap<String, Arc<Source>>,
    resources: Vec<Granted>,
    /// Whether a version of the file was read.
    was_read: bool,
    /// Whether there was never a file.
    is_absent: bool,
    /// Why the file cannot be read as it is now. The sources are those of the last version that could be read.
    problem: Option<String>,
}

impl Loaded {
    /// Names the sources that an experiment in a namespace may use.
    fn usable(&self, namespace: &str) -> String {
        let usable = self.sources.values().filter(|source| source.config().namespaces.have(namespace));
        let names: Vec<&str> = usable.map(|source| source.config().name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

impl Sources {
    /// Reads the sources from a file. Without a file, there are none. A file that cannot be read has none for now.
    #[must_use]
    pub fn open(file: Option<PathBuf>, metrics: Metrics) -> Self {
        let sources = Self(Arc::new(Shared { file, loaded: RwLock::default(), metrics }));
        sources.reload();
        sources
    }

    /// Reads the file again. A version that cannot be read changes nothing, and is told of once.
    pub fn reload(&self) {
        let Some(file) = &self.0.file else { return };
        if self.is_absent(file) {
            return;
        }
        let text = limited(file, LARGEST_FILE);
        let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
        let config = text.and_then(|text| SourcesConfig::parse(&text));
        self.0.metrics.sources_read(config.is_ok());
        match config {
            Ok(config) => self.take(config),
            Err(problem) => {
                let problem = format!("{}: {problem}", file.display());
                let mut loaded = self.0.loaded.write().unwrap_or_else(PoisonError::into_inner);
                if loaded.problem.as_ref() != Some(&problem) {
                    let kept = loaded.sources.len();
                    warn!(
                        problem,
                        kept, "the file of sources cannot be read; the sources that are known stay"
                    );
                    loaded.problem = Some(problem);
                }
            }
        }
    }

    /// Whether there is no file yet. Manifests name a file that the administrator may never write, so this is no problem.
    fn is_absent(&self, file: &Path) -> bool {
        let mut loaded = self.0.loaded.write().unwrap_or_else(PoisonError::into_inner);
        let was_never_there = loaded.is_absent || (loaded.problem.is_none() && !loaded.was_read);
        loaded.is_absent = was_never_there && matches!(file.try_exists(), Ok(false));
        loaded.is_absent
    }

    /// Takes the sources of a configuration. One that is as before stays open.
    fn take(&self, config: SourcesConfig) {
        let SourcesConfig { sources: configs, resources } = config;
        let known = self.loaded().sources.clone();
        let mut sources = BTreeMap::new();
        let mut opened = Vec::new();
        for config in configs {
            let name = config.name.clone();
            let certificates = config.ca_file.as_deref().map(|file| limited(file, LARGEST_FILE));
            let source = match known.get(&name) {
                Some(same) if same.is_of(&config, certificates.as_ref()) => same.clone(),
                _ => {
                    opened.push(name.clone());
                    Arc::new(Source::open(config, certificates, self.0.metrics.clone()))
                }
            };
            sources.insert(name, source);
        }
        for gone in known.keys().filter(|name| !sources.contains_key(*name)) {
            self.0.metrics.source_gone(gone);
        }
        let is_other = !opened.is_empty() || known.len() != sources.len();
        let mut loaded = self.0.loaded.write().unwrap_or_else(PoisonError::into_inner);
        if is_other || loaded.problem.is_some() || loaded.resources != resources {
            info!(count = sources.len(), opened = opened.join(","), "read the file of sources");
        }
        *loaded = Loaded { sources, resources, was_read: true, is_absent: false, problem: None };
    }

    /// Reads the file again while it changes, and asks idle sources whether they are there, until `stop` is cancelled.
    pub async fn follow(self, stop: CancellationToken) {
        if self.0.file.is_none() {
            return;
        }
        let work = async {
            loop {
                self.check_idle();
                tokio::time::sleep(PAUSE).await;
                let again = self.clone();
                // A panic of the reader is in the log. The next attempt may succeed.
                let _ = tokio::task::spawn_blocking(move || again.reload()).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    fn check_idle(&self) {
        for source in self.loaded().sources.values().filter(|source| source.is_idle(IDLE)) {
            let source = source.clone();
            tokio::spawn(async move { source.check().await });
        }
    }

    /// Asks a source on behalf of an experiment in a namespace.
    pub async fn read(&self, question: &Question, namespace: &str) -> Result<Reading, SignalError> {
        let source = self.source(question, namespace)?;
        source.read(&question.asks).await
    }

    /// Fails if an experiment in this namespace may not ask this question. Asks nobody.
    pub fn check(&self, question: &Question, namespace: &str) -> Result<(), SignalError> {
        self.source(question, namespace).map(|_| ())
    }

    /// Returns the source of a question, if an experiment in this namespace may use it.
    fn source(&self, question: &Question, namespace: &str) -> Result<Arc<Source>, SignalError> {
        let (name, wanted) = (&question.source, question.asks.source_type());
        let loaded = self.loaded();
        let unknown = |message: &str| SignalError::new(Reason::SourceUnknown, message);
        let Some(source) = loaded.sources.get(name) else {
            let why = match (&self.0.file, &loaded.problem) {
                (None, _) => ": the operator was started without --sources".to_owned(),
                (Some(_), None) if loaded.is_absent => {
                    ": the operator has no file of sources, which its administrator writes".to_owned()
                }
                (_, Some(_)) => {
                    ", or the file of sources cannot be read; the log of the operator says why".to_owned()
                }
                _ => {
                    format!("; experiments in the namespace {namespace} may use {}", loaded.usable(namespace))
                }
            };
            return Err(unknown(&format!("no source {name} is configured{why}")));
        };
        if !source.config().namespaces.have(namespace) {
            let message = format!("experiments in the namespace {namespace} may not use the source {name}");
            return Err(SignalError::new(Reason::SourceNotAllowed, &message));
        }
        let kind = source.config().kind;
        if kind != wanted {
            return Err(unknown(&format!("the source {name} is of the type {kind}, not {wanted}")));
        }
        Ok(source.clone())
    }

    /// Returns the resource of the API server for the object of a condition, if the administrator grants its kind.
    pub fn granted(&self, expected: &ExpectedCondition) -> Result<ApiResource, SignalError> {
        let ExpectedCondition { group, version, kind, .. } = expected;
        let is_granted = |granted: &&Granted| granted.api_group == *group && granted.kind == *kind;
        let granted =
            self.loaded().resources.iter().find(is_granted).map(|granted| granted.at_version(version));
        granted.ok_or_else(|| {
            let group = if group.is_empty() { "the core group" } else { group };
            let message = format!("the administrator grants no conditions of the kind {kind} of {group}");
            SignalError::new(Reason::SourceNotAllowed, &message)
        })
    }

    /// Ignores that the lock is poisoned: a panic leaves nothing half-written.
    fn loaded(&self) -> RwLockReadGuard<'_, Loaded> {
        self.0.loaded.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Sources {
    /// There are none.
    fn default() -> Self {
        Self::open(None, Metrics::default())
    }
}

#[cfg(test)]
mod tests;
