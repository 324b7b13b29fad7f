//! Experiments at the API server.

use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use chaostoolkit_api::{Experiment, names};
use chaostoolkit_operator::cluster::manifest::Kind;

use crate::access::{Access, FIELD_MANAGER};
use crate::failure::{Failure, Outcome};

impl Access {
    /// Reads an experiment as the operator reads it.
    pub async fn experiment(&self, name: &str) -> Outcome<Experiment> {
        let value = self.stored(name).await?;
        read(value)
    }

    /// Reads an experiment as it is stored, without managed fields.
    pub async fn stored(&self, name: &str) -> Outcome<Value> {
        match self.find(name).await? {
            Some(found) => Ok(found),
            None => Err(self.absent(name, self.is_installed().await?)),
        }
    }

    /// Reads an experiment as it is stored, if it exists.
    pub async fn find(&self, name: &str) -> Outcome<Option<Value>> {
        let api =
            self.cluster.stored_experiments(Some(&self.namespace)).map_err(|error| self.failure(&error))?;
        let found =
            self.cluster.find(&api, "experiment", name).await.map_err(|error| self.failure(&error))?;
        found.map(|found| to_value(&found)).transpose()
    }

    /// Whether the cluster knows experiments.
    pub async fn is_installed(&self) -> Outcome<bool> {
        let api =
            self.cluster.stored_experiments(Some(&self.namespace)).map_err(|error| self.failure(&error))?;
        let one = ListParams::default().limit(1);
        let doing = format!("list experiments in namespace {}", self.namespace);
        match self.cluster.call(doing, api.list(&one)).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            // Whoever may not list may still read one by its name.
            Err(error) if error.is_forbidden() => Ok(true),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Lists the experiments of a namespace, or of all of them, in pages of 500. Calls `each` for each page.
    pub async fn pages(
        &self,
        is_everywhere: bool,
        selector: Option<&str>,
        mut each: impl FnMut(Vec<DynamicObject>) -> Outcome<()>,
    ) -> Outcome<()> {
        let namespace = (!is_everywhere).then_some(self.namespace.as_str());
        let api = self.cluster.stored_experiments(namespace).map_err(|error| self.failure(&error))?;
        let mut parameters =
            ListParams { label_selector: selector.map(str::to_owned), ..ListParams::default().limit(PAGE) };
        loop {
            let doing = format!("list experiments{}", place(namespace));
            let page = self
                .cluster
                .call(doing, api.list(&parameters))
                .await
                .map_err(|error| self.failure(&error))?;
            let next = page.metadata.continue_.filter(|next| !next.is_empty());
            each(page.items)?;
            let Some(next) = next else { return Ok(()) };
            parameters.continue_token = Some(next);
        }
    }

    /// Creates an object. With `is_dry_run`, the API server only says whether it would.
    pub async fn create(&self, kind: Kinded, object: &Value, is_dry_run: bool) -> Outcome<Created> {
        let (namespace, name) = self.place_of(object);
        let api = self.objects(kind, &namespace)?;
        api.name(&name).map_err(|error| self.failure(&error))?;
        let parameters = PostParams { dry_run: is_dry_run, field_manager: Some(FIELD_MANAGER.to_owned()) };
        let dynamic = from_value(object.clone())?;
        let doing = format!("create {} {namespace}/{name}", kind.title());
        match self.cluster.call(doing, api.create(&parameters, &dynamic)).await {
            Ok(created) => Ok(Created::New(to_value(&created)?)),
            Err(error) if error.is_already_exists() => Ok(Created::Exists),
            Err(error) => Err(self.failure(&error.of_creation())),
        }
    }

    /// Applies an object by server-side apply, as this command's field manager.
    pub async fn apply(&self, kind: Kinded, object: &Value, is_dry_run: bool) -> Outcome<Value> {
        let (namespace, name) = self.place_of(object);
        let api = self.objects(kind, &namespace)?;
        let checked = api.name(&name).map_err(|error| self.failure(&error))?;
        let parameters = PatchParams { dry_run: is_dry_run, ..PatchParams::apply(FIELD_MANAGER) };
        let doing = format!("apply {} {namespace}/{name}", kind.title());
        let applied = self.cluster.call(doing, api.patch(&checked, &parameters, &Patch::Apply(object))).await;
        applied.map_err(|error| self.failure(&error)).and_then(|applied| to_value(&applied))
    }

    /// Merges a patch into an experiment, and returns the experiment.
    pub async fn patch(&self, name: &str, doing: &str, patch: &Value) -> Outcome<Value> {
        let api =
            self.cluster.stored_experiments(Some(&self.namespace)).map_err(|error| self.failure(&error))?;
        let checked = api.name(name).map_err(|error| self.failure(&error))?;
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let doing = format!("{doing} experiment {}/{name}", self.namespace);
        match self.cluster.call(doing, api.patch(&checked, &parameters, &Patch::Merge(patch))).await {
            Ok(patched) => to_value(&patched),
            Err(error) if error.is_not_found() => Err(self.absent(name, self.is_installed().await?)),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Asks for a run by a value of the annotation `chaostoolkit.org/rerun`.
    pub async fn ask_for_rerun(&self, name: &str, value: &str) -> Outcome<Value> {
        let annotations = json!({ names::RERUN_ANNOTATION: value });
        self.patch(name, "ask for a rerun of", &json!({"metadata": {"annotations": annotations}})).await
    }

    fn objects(
        &self,
        kind: Kinded,
        namespace: &str,
    ) -> Outcome<chaostoolkit_operator::cluster::Objects<DynamicObject>> {
        let found = match kind {
            Kinded::Experiment => self.cluster.stored_experiments(Some(namespace)),
            Kinded::ConfigMap => self.cluster.objects(Kind::ConfigMap, namespace),
        };
        found.map_err(|error| self.failure(&error))
    }

    /// The namespace and the name of an object. One that names no namespace is in that of the command.
    fn place_of(&self, object: &Value) -> (String, String) {
        let text = |key: &str| object["metadata"][key].as_str().map(str::to_owned);
        (text("namespace").unwrap_or_else(|| self.namespace.clone()), text("name").unwrap_or_default())
    }
}

/// How many objects are in a page of a list.
pub const PAGE: u32 = 500;

/// The kinds that this command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinded {
    /// An experiment.
    Experiment,
    /// A `ConfigMap` that is in the file of an experiment.
    ConfigMap,
}

impl Kinded {
    const fn title(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// What has come of a creation.
pub enum Created {
    /// The object is new.
    New(Value),
    /// An object of that name exists already.
    Exists,
}

/// Returns where a list is, for messages.
#[must_use]
pub fn place(namespace: Option<&str>) -> String {
    namespace
        .map_or_else(|| " in all namespaces".to_owned(), |namespace| format!(" in namespace {namespace}"))
}

/// Reads an experiment from its stored form.
pub fn read(value: Value) -> Outcome<Experiment> {
    let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    serde_json::from_value(value)
        .map_err(|error| Failure::new(format!("experiment {name:?} cannot be read: {error}")))
}

/// Returns an object as JSON.
pub fn to_value(object: &impl serde::Serialize) -> Outcome<Value> {
    serde_json::to_value(object)
        .map_err(|error| Failure::new(format!("the answer of the API server cannot be read: {error}")))
}

fn from_value<T: DeserializeOwned>(value: Value) -> Outcome<T> {
    serde_json::from_value(value).map_err(|error| Failure::new(format!("the object cannot be read: {error}")))
}
