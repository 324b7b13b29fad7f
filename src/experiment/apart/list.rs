//! What is listed of runs: pure.
//!
//! The object has a key for each namespace of runs. Its value has a word on each line, and begins and ends with a line
//! break, so that the policy can search for a whole line. The suffix of an experiment comes first, then its words:
//! `sa/NAME` for an account, `cm/NAME` and `secret/NAME` for what its runs execute.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::manifest::Kind;
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::place::Place;
use chaostoolkit_api::{Experiment, ResourceRef, names};

/// The longest name of an account that is listed, in bytes. The policy counts on it: a longer name would make a search cost
/// more than an expression may cost.
const MAX_NAME: usize = 100;
/// How many words an experiment may have in a namespace, besides its accounts.
const MAX_WORDS: usize = 64;
/// The longest list, in bytes. It follows from the costs of the policy, too.
pub const MAX_BYTES: usize = 900_000;
/// The mark of an account.
const ACCOUNT: &str = "sa/";

/// What is listed of one experiment in one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The namespace of the run.
    pub namespace: String,
    /// The suffix of the experiment.
    pub suffix: String,
    /// The words.
    pub words: BTreeSet<String>,
}

impl Entry {
    /// Returns what is to be listed of a run before its objects are created.
    #[must_use]
    pub fn of_run(uid: &str, resources: &Resources) -> Self {
        let accounts = resources.owned.iter().filter(|own| own.kind == Kind::ServiceAccount);
        let mut words: BTreeSet<String> = accounts.filter_map(|own| account(own.name())).collect();
        words.extend(executed(resources.pod()).into_iter().take(MAX_WORDS));
        Self { namespace: resources.workload.namespace().to_owned(), suffix: names::suffix(uid), words }
    }

    /// Returns what the status of an experiment says, if a run was decided on. It does not name all that the run executes.
    /// Anybody with the right to write a status can write it, so only names count that the experiment may have.
    #[must_use]
    pub fn recorded(experiment: &Experiment, home: &str) -> Option<Self> {
        let status = experiment.status.as_ref()?;
        let namespace = status.run_namespace.clone()?;
        if !Place::of(experiment, home).may_run_in(&namespace) {
            return None;
        }
        let suffix = names::suffix(experiment.uid());
        let is_own = |resource: &&ResourceRef| {
            Kind::ServiceAccount.is_of(resource)
                && resource.namespace == namespace
                && resource.name.split('-').any(|part| part == suffix)
        };
        let own = status.resources.iter().filter(is_own);
        let mut words: BTreeSet<String> = own.filter_map(|own| account(&own.name)).collect();
        let source = status.run.as_ref().and_then(|run| run.experiment.source.as_deref());
        let source = source.and_then(|source| source.strip_prefix("configmap/")?.split('/').next());
        words.extend(source.and_then(|name| word("cm/", name)));
        Some(Self { namespace, suffix, words })
    }
}

/// The names that the policy knows by itself, wherever there are runs.
const KNOWN: [&str; 3] =
    ["cm/chaostoolkit-experiment", "cm/chaostoolkit-env", "secret/chaostoolkit-settings"];

fn account(name: &str) -> Option<String> {
    word(ACCOUNT, name).filter(|_| name.len() <= MAX_NAME)
}

/// Returns the word for an object. A name that no object can have is not listed.
fn word(mark: &str, name: &str) -> Option<String> {
    names::check_dns_subdomain(name).ok()?;
    Some(format!("{mark}{name}")).filter(|word| !KNOWN.contains(&word.as_str()))
}

/// Returns the words for the `ConfigMap`s and Secrets that a pod refers to, whether they exist or not.
fn executed(pod: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![&pod["spec"]];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => {
                for (key, field) in fields {
                    let (mark, name) = match key.as_str() {
                        "configMap" | "configMapRef" | "configMapKeyRef" => ("cm/", &field["name"]),
                        // A volume has `secretName`, and a source of a projected volume has `name`.
                        "secret" if field["secretName"].is_string() => ("secret/", &field["secretName"]),
                        "secret" | "secretRef" | "secretKeyRef" => ("secret/", &field["name"]),
                        _ => ("", &Value::Null),
                    };
                    found.extend(name.as_str().and_then(|name| word(mark, name)));
                    left.push(field);
                }
            }
            _ => {}
        }
    }
    found
}

/// All that is listed: words by suffix by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl List {
    /// Reads the data of the object. Lines that the operator would not write are dropped.
    #[must_use]
    pub fn parse(data: &Value) -> Self {
        let mut list = Self::default();
        for (namespace, lines) in data.as_object().into_iter().flatten() {
            let mut experiments: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            let mut suffix = None;
            for line in lines.as_str().unwrap_or_default().lines().filter(|line| !line.is_empty()) {
                if !line.contains('/') {
                    suffix = Some(line);
                }
                let Some(suffix) = suffix else { continue };
                let words = experiments.entry(suffix.to_owned()).or_default();
                words.extend(line.contains('/').then(|| line.to_owned()));
            }
            if !experiments.is_empty() {
                list.0.insert(namespace.clone(), experiments);
            }
        }
        list
    }

    /// Returns the data of the object.
    #[must_use]
    pub fn format(&self) -> BTreeMap<String, String> {
        let lines = |experiments: &BTreeMap<String, BTreeSet<String>>| {
            let lines = experiments.iter().flat_map(|(suffix, words)| std::iter::once(suffix).chain(words));
            lines.fold("\n".to_owned(), |text, line| text + line + "\n")
        };
        self.0.iter().map(|(namespace, experiments)| (namespace.clone(), lines(experiments))).collect()
    }

    /// Returns the length of the data.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |(namespace, experiments): (&String, &BTreeMap<String, BTreeSet<String>>)| {
            let words = experiments.iter().flat_map(|(suffix, words)| std::iter::once(suffix).chain(words));
            namespace.len() + 1 + words.map(|word| word.len() + 1).sum::<usize>()
        };
        self.0.iter().map(of).sum()
    }

    /// Lists this. Earlier accounts of the experiment stay, since they may still exist.
    pub fn put(&mut self, entry: Entry) {
        let words = self.words_of(entry.namespace, entry.suffix);
        words.retain(|word| word.starts_with(ACCOUNT));
        words.extend(entry.words);
    }

    /// Lists this, too. Returns whether it is new.
    pub fn add(&mut self, entry: Entry) -> bool {
        let is_new = self.get(&entry.namespace, &entry.suffix).is_none();
        let words = self.words_of(entry.namespace, entry.suffix);
        let before = words.len();
        words.extend(entry.words);
        is_new || words.len() > before
    }

    /// Returns all namespaces and suffixes with the accounts that are listed for them.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &str, Vec<&str>)> {
        self.0.iter().flat_map(|(namespace, experiments)| {
            experiments.iter().map(move |(suffix, words)| {
                let accounts = words.iter().filter_map(|word| word.strip_prefix(ACCOUNT)).collect();
                (namespace.as_str(), suffix.as_str(), accounts)
            })
        })
    }

    /// Removes an account from the list.
    pub fn remove_account(&mut self, namespace: &str, suffix: &str, name: &str) {
        if let Some(words) = self.0.get_mut(namespace).and_then(|experiments| experiments.get_mut(suffix)) {
            words.remove(&format!("{ACCOUNT}{name}"));
        }
    }

    /// Removes an experiment from the list.
    pub fn remove(&mut self, namespace: &str, suffix: &str) {
        if let Some(experiments) = self.0.get_mut(namespace) {
            experiments.remove(suffix);
            if experiments.is_empty() {
                self.0.remove(namespace);
            }
        }
    }

    fn get(&self, namespace: &str, suffix: &str) -> Option<&BTreeSet<String>> {
        self.0.get(namespace)?.get(suffix)
    }

    fn words_of(&mut self, namespace: String, suffix: String) -> &mut BTreeSet<String> {
        self.0.entry(namespace).or_default().entry(suffix).or_default()
    }
}

#[cfg(test)]
mod tests;
