//! Watches of experiments that begin again if they break.

use futures::{Stream, StreamExt};
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_of};
use serde_json::Value;

use chaostoolkit_api::{Experiment, names};

use crate::access::Access;
use crate::access::errors::chain;
use crate::failure::{Failure, Outcome};

/// What a watch says.
#[derive(Debug)]
pub enum Change {
    /// An experiment is there, or has changed.
    Is(Value),
    /// An experiment was deleted.
    Gone(Value),
    /// All experiments that were there have been told.
    Listed,
    /// The watch is broken, and begins again.
    Broken(String),
}

impl Access {
    /// Watches one experiment, all of the namespace, or those of all namespaces. The experiments that are there come first. An
    /// error is one that no new attempt mends.
    pub fn watch(
        &self,
        name: Option<&str>,
        is_everywhere: bool,
        selector: Option<&str>,
    ) -> Outcome<impl Stream<Item = Outcome<Change>> + use<>> {
        let resource = ApiResource::erase::<Experiment>(&());
        names::check_dns_label(&self.namespace).map_err(Failure::usage)?;
        let api: Api<DynamicObject> = if is_everywhere {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
        };
        let label_selector = selector.map(str::to_owned);
        let mut parameters = watcher::Config { label_selector, ..watcher::Config::default() };
        if let Some(name) = name {
            names::check_dns_subdomain(name).map_err(Failure::usage)?;
            parameters = parameters.fields(&format!("metadata.name={name}"));
        }
        let access = self.clone();
        let changes = watch_of(api, parameters).default_backoff();
        Ok(changes.filter_map(move |event| {
            let change = access.change(event);
            async move { change }
        }))
    }

    fn change(&self, event: Result<Event<DynamicObject>, watcher::Error>) -> Option<Outcome<Change>> {
        let value = |object: &DynamicObject| serde_json::to_value(object).unwrap_or_default();
        match event {
            Ok(Event::Apply(object) | Event::InitApply(object)) => Some(Ok(Change::Is(value(&object)))),
            Ok(Event::Delete(object)) => Some(Ok(Change::Gone(value(&object)))),
            Ok(Event::InitDone) => Some(Ok(Change::Listed)),
            Ok(Event::Init) => None,
            Err(error) => Some(self.broken(error)),
        }
    }

    fn broken(&self, error: watcher::Error) -> Outcome<Change> {
        let words = chain(&error);
        let (watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source)) = error
        else {
            return Ok(Change::Broken(words));
        };
        let is_lasting =
            matches!(&source, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404));
        if !is_lasting {
            return Ok(Change::Broken(words));
        }
        let doing = format!("watch experiments in namespace {}", self.namespace);
        Err(self.failure(&chaostoolkit_operator::cluster::Error::Api { doing, source: Box::new(source) }))
    }
}
