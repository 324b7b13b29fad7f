//! The journals that the operator keeps in `ConfigMap`s.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;

use chaostoolkit_api::names::JournalKey;
use chaostoolkit_api::{Experiment, names};
use chaostoolkit_journal::frame;

use crate::access::Access;
use crate::access::experiments::PAGE;
use crate::failure::{Failure, Outcome};
use crate::model::runs::View;

/// The longest journal that is unpacked, in bytes. The runner reads no longer ones either.
const LONGEST: u64 = 64 << 20;

/// The journals of a `ConfigMap`, unpacked.
pub type Journals = BTreeMap<JournalKey, Vec<u8>>;

impl Access {
    /// Reads the journal of a run. Fails if there is none.
    pub async fn journal(&self, experiment: &Experiment, view: &View) -> Outcome<Vec<u8>> {
        let number = view.run.number;
        let kept = view.run.journal.as_ref();
        let name = kept.and_then(|journal| journal.config_map.clone());
        let name = name.unwrap_or_else(|| names::journal(experiment.uid(), number));
        let Some(map) = self.journal_map(&name).await? else {
            let why = kept
                .and_then(|journal| journal.problem.clone())
                .unwrap_or_else(|| "there is no ConfigMap of it".to_owned());
            return Err(Failure::new(format!(
                "run @{number} of experiment {} has no journal: {why}",
                experiment.key()
            ))
            .hint("spec.report.journal says whether and how many journals are kept"));
        };
        let found = unpacked(&map).map_err(Failure::new)?.remove(&JournalKey::Verdict);
        found.ok_or_else(|| {
            Failure::new(format!("ConfigMap {}/{name} has no key {}", self.namespace, JournalKey::Verdict))
        })
    }

    /// Reads the `ConfigMap` with the journal of a run, if it exists.
    pub async fn journal_map(&self, name: &str) -> Outcome<Option<ConfigMap>> {
        let api = self.cluster.config_maps(&self.namespace).map_err(|error| self.failure(&error))?;
        self.cluster.find(&api, "ConfigMap", name).await.map_err(|error| self.failure(&error))
    }

    /// Lists the journals of the namespace: the names and labels of their `ConfigMap`s, in pages.
    pub async fn journal_names(&self) -> Outcome<Vec<PartialObjectMeta<ConfigMap>>> {
        let api = self.cluster.config_maps(&self.namespace).map_err(|error| self.failure(&error))?;
        // Only journals have an outcome.
        let selector = format!("{},{}", names::UID_LABEL, names::OUTCOME_LABEL);
        let mut parameters = ListParams::default().labels(&selector).limit(PAGE);
        let mut all = Vec::new();
        loop {
            let doing = format!("list the journals in namespace {}", self.namespace);
            let page = self
                .cluster
                .call(doing, api.list_metadata(&parameters))
                .await
                .map_err(|error| self.failure(&error))?;
            all.extend(page.items);
            match page.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => parameters.continue_token = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Reads the journals of a `ConfigMap`. The inner error says what is wrong with it.
    pub async fn journals(&self, name: &str) -> Outcome<Result<Journals, String>> {
        match self.journal_map(name).await? {
            Some(map) => Ok(unpacked(&map)),
            None => Ok(Err(format!("ConfigMap {}/{name} is gone", self.namespace))),
        }
    }
}

/// Unpacks the journals of a `ConfigMap`. Fails if one is no gzip, is cut off, or is no JSON object.
fn unpacked(map: &ConfigMap) -> Result<Journals, String> {
    let name = map.metadata.name.as_deref().unwrap_or_default();
    let packed = map.binary_data.iter().flatten();
    packed
        .filter_map(|(key, bytes)| Some((JournalKey::parse(key)?, bytes)))
        .map(|(key, bytes)| {
            let said = |problem: String| format!("ConfigMap {name} has a broken journal {key}: {problem}");
            let bytes = frame::unzip(&bytes.0, LONGEST).map_err(|error| said(error.to_string()))?;
            let is_object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
            if !is_object {
                return Err(said("it is no JSON object".to_owned()));
            }
            Ok((key, bytes))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    #[test]
    fn what_is_no_journal_is_named() {
        let of = |bytes: &[u8]| ConfigMap {
            binary_data: Some([(names::JOURNAL_KEY.to_owned(), ByteString(bytes.to_vec()))].into()),
            ..ConfigMap::default()
        };
        assert!(unpacked(&of(b"hello")).unwrap_err().contains("journal.json.gz"));
        assert!(unpacked(&of(b"")).is_err());
        assert_eq!(unpacked(&ConfigMap::default()), Ok(Journals::new()));
    }
}
