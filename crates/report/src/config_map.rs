//! Reads runs from the `ConfigMap`s in which the operator keeps journals.

use std::collections::BTreeMap;

use chaostoolkit_api::names::{
    EXPERIMENT_ANNOTATION, JournalKey, POD_UID_ANNOTATION, RUN_LABEL, TRUNCATED_ANNOTATION,
};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::error::Error;
use crate::model::Run;
use crate::options::Options;
use crate::redact::line;

impl Run {
    /// Reads the runs of a `ConfigMap` with a journal: the one that decides, and then those of other starts of the toolkit
    /// in the same container. Fails if it has no journal, or if one cannot be read.
    pub fn from_config_map(map: &ConfigMap, options: Options) -> Result<Vec<Self>, Error> {
        let metadata = &map.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let from = line(&format!("ConfigMap {namespace}/{}", metadata.name.as_deref().unwrap_or_default()));
        let data = map.binary_data.iter().flatten();
        let journals = data.filter_map(|(key, journal)| Some((JournalKey::parse(key)?, &journal.0)));
        // The one that the verdict is from comes first.
        let journals: BTreeMap<JournalKey, &Vec<u8>> = journals.collect();
        if !journals.contains_key(&JournalKey::Verdict) {
            return Err(Error::NoJournal { from });
        }
        let mut runs = Vec::new();
        for (key, journal) in journals {
            let (from, start_number) = match key {
                JournalKey::Verdict => (from.clone(), None),
                JournalKey::Start(start) => (format!("{from}, start {start}"), Some(start)),
            };
            runs.push(Self { start_number, ..Self::from_journal(&from, journal, options)? });
        }
        let annotation =
            |key| metadata.annotations.as_ref().and_then(|all| all.get(key)).map(|text| line(text));
        let experiment = annotation(EXPERIMENT_ANNOTATION);
        let number =
            metadata.labels.as_ref().and_then(|all| all.get(RUN_LABEL)).and_then(|text| text.parse().ok());
        for run in &mut runs {
            if let Some((namespace, name)) = experiment.as_deref().and_then(|key| key.split_once('/')) {
                (run.namespace, run.name) = (Some(namespace.to_owned()), Some(name.to_owned()));
            }
            run.id = annotation(POD_UID_ANNOTATION).filter(|uid| !uid.is_empty());
            run.number = number;
            run.source.truncated = annotation(TRUNCATED_ANNOTATION).is_some_and(|value| value == "true");
        }
        Ok(runs)
    }
}
