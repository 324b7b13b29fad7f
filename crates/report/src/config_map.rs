//! Reads runs from the `ConfigMap`s in which the operator keeps journals.

use chaostoolkit_api::names::{
    EXPERIMENT_ANNOTATION, JOURNAL_KEY, POD_UID_ANNOTATION, RUN_LABEL, TRUNCATED_ANNOTATION,
};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::error::Error;
use crate::model::Run;
use crate::options::Options;
use crate::redact::MAX_NAME;
use crate::text;

/// How the keys of the journals of other starts of the toolkit begin and end.
const OTHERS: (&str, &str) = ("journal-", ".json.gz");

impl Run {
    /// Reads the runs of a `ConfigMap` with a journal: the one that decides, and then those of other starts of the toolkit
    /// in the same container. Fails if it has no journal, or if one cannot be read.
    pub fn from_config_map(map: &ConfigMap, options: Options) -> Result<Vec<Self>, Error> {
        let metadata = &map.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let from = line(&format!("ConfigMap {namespace}/{}", metadata.name.as_deref().unwrap_or_default()));
        let data = map.binary_data.as_ref();
        let journal = data
            .and_then(|data| data.get(JOURNAL_KEY))
            .ok_or_else(|| Error::NoJournal { from: from.clone() })?;
        let starts = data.into_iter().flatten().filter_map(|(key, journal)| Some((number(key)?, journal)));
        let mut starts: Vec<_> = starts.collect();
        starts.sort_by_key(|(start, _)| *start);
        let mut runs = vec![Self::from_journal(&from, &journal.0, options)?];
        for (start, journal) in starts {
            let run = Self::from_journal(&format!("{from}, start {start}"), &journal.0, options)?;
            runs.push(Self { start_number: Some(start), ..run });
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

/// The number of the start in a key such as `journal-2.json.gz`.
fn number(key: &str) -> Option<u32> {
    key.strip_prefix(OTHERS.0)?.strip_suffix(OTHERS.1)?.parse().ok()
}

fn line(found: &str) -> String {
    text::cut(&text::one_line(found), MAX_NAME)
}
