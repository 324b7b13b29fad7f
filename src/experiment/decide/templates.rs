//! The templates that children are made from: pure.
//!
//! Users edit them, so they are a part of the API. They stay untyped from YAML to the API server, so that a field which
//! this operator does not know arrives as it was written.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;
use strum::VariantArray;

use crate::cluster::manifest::Kind;
use crate::experiment::decide::plan::TemplateSchedule;
use crate::experiment::error::TemplateError;
use crate::yaml;
use chaostoolkit_api::{Text, names};

/// The shipped templates by their keys.
static SHIPPED: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let config_map = yaml::parse(include_str!("../../../kustomize/base/templates.yaml")).unwrap_or_default();
    serde_json::from_value(config_map["data"].clone()).unwrap_or_default()
});

/// The templates, as their `ConfigMap` holds them.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    source: String,
    texts: BTreeMap<String, String>,
}

/// The kinds of templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum Template {
    /// Namespace of the run.
    Namespace,
    /// Service account of the run.
    ServiceAccount,
    /// Role of the run.
    Role,
    /// Binding of the role to the service account.
    RoleBinding,
    /// Pod of the run.
    Pod,
    /// `CronJob` of a schedule.
    CronJob,
}

impl Template {
    /// Its key in the `ConfigMap`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Namespace => "chaostoolkit-ns.yaml",
            Self::ServiceAccount => "chaostoolkit-sa.yaml",
            Self::Role => "chaostoolkit-role.yaml",
            Self::RoleBinding => "chaostoolkit-role-binding.yaml",
            Self::Pod => "chaostoolkit-pod.yaml",
            Self::CronJob => "chaostoolkit-cronjob.yaml",
        }
    }

    /// The kind of object that it describes.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Namespace => Kind::Namespace,
            Self::ServiceAccount => Kind::ServiceAccount,
            Self::Role => Kind::Role,
            Self::RoleBinding => Kind::RoleBinding,
            Self::Pod => Kind::Pod,
            Self::CronJob => Kind::CronJob,
        }
    }
}

impl Templates {
    /// Takes the templates from the data of the `ConfigMap` `source` (`namespace/name`).
    #[must_use]
    pub fn new(source: impl Into<String>, texts: BTreeMap<String, String>) -> Self {
        Self { source: source.into(), texts }
    }

    /// Returns the object that a template describes: a mapping of the right kind that has a name.
    pub fn object(&self, template: Template) -> Result<Value, TemplateError> {
        let kind = template.kind();
        let invalid = |problem: String| self.invalid(template, problem);
        let text = self.text(template).ok_or_else(|| invalid("is missing".to_owned()))?;
        let object = yaml::parse(text).map_err(|error| invalid(format!("is not YAML: {error}")))?;
        if object.get("kind").and_then(Value::as_str) != Some(kind.as_str()) {
            return Err(invalid(format!("is not a {kind}: its `kind` is {}", shown(object.get("kind")))));
        }
        match object.pointer("/metadata/name").and_then(Value::as_str) {
            // A namespace gets the name that the spec asks for.
            Some(name) if !name.is_empty() && kind == Kind::Namespace => Ok(object),
            Some(name) if !name.is_empty() => match names::check_template(name, kind.name_check()) {
                Ok(()) => Ok(object),
                Err(problem) => {
                    Err(invalid(format!("has a `metadata.name` that no {kind} can have: {problem}")))
                }
            },
            _ => Err(invalid("has no `metadata.name`".to_owned())),
        }
    }

    /// The text of a template. The shipped one takes the place of a missing one, unless the `ConfigMap` has no template at
    /// all: then it is probably another one.
    fn text(&self, template: Template) -> Option<&String> {
        let has_any = || Template::VARIANTS.iter().any(|known| self.texts.contains_key(known.key()));
        self.texts.get(template.key()).or_else(|| SHIPPED.get(template.key()).filter(|_| has_any()))
    }

    /// The schedule that the template of the `CronJob` has. That of 0.14.0, every minute, counts as none: nobody chose it.
    pub fn schedule(&self) -> Result<Option<TemplateSchedule>, TemplateError> {
        let spec = self.object(Template::CronJob)?["spec"].take();
        let cron = spec["schedule"].as_str().map(str::trim).filter(|cron| !cron.is_empty());
        let cron = cron.filter(|cron| !cron.split_whitespace().eq(["*"; 5]));
        let time_zone = spec["timeZone"].as_str().map(str::to_owned);
        Ok(cron.map(|cron| TemplateSchedule { cron: cron.to_owned(), time_zone }))
    }

    /// An error about the content of this template.
    pub fn invalid(&self, template: Template, problem: impl Into<String>) -> TemplateError {
        TemplateError::Invalid {
            source_name: self.source.clone(),
            key: template.key(),
            problem: problem.into(),
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), ToString::to_string)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rstest::rstest;

    /// The shipped templates.
    pub fn shipped() -> Templates {
        let text = include_str!("../../../kustomize/base/templates.yaml");
        let config_map = yaml::parse(text).unwrap();
        let texts = serde_json::from_value(config_map["data"].clone()).unwrap();
        Templates::new("chaostoolkit-crd/chaostoolkit-resources-templates", texts)
    }

    impl Templates {
        /// Replaces one template.
        #[must_use]
        pub fn with(mut self, template: Template, text: String) -> Self {
            self.texts.insert(template.key().to_owned(), text);
            self
        }
    }

    fn pod_template(text: &str) -> Result<Value, TemplateError> {
        Templates::new("a/b", BTreeMap::from([(Template::Pod.key().to_owned(), text.to_owned())]))
            .object(Template::Pod)
    }

    #[test]
    fn unknown_fields_survive() {
        let pod = pod_template("{kind: Pod, metadata: {name: a}, spec: {fromTheFuture: {x: [1]}}}").unwrap();
        assert_eq!(pod["spec"]["fromTheFuture"]["x"][0], 1);
    }

    #[rstest]
    #[case("", "is not a Pod: its `kind` is absent")]
    #[case("hello", "is not a Pod")]
    #[case("kind: [", "is not YAML")]
    #[case("{kind: Role, metadata: {name: a}}", "is not a Pod: its `kind` is \"Role\"")]
    #[case("{kind: Pod, metadata: {}}", "has no `metadata.name`")]
    #[case("{kind: Pod, metadata: {name: 5}}", "has no `metadata.name`")]
    fn what_is_wrong_is_named(#[case] text: &str, #[case] problem: &str) {
        let error = pod_template(text).unwrap_err().to_string();
        assert!(error.starts_with("key chaostoolkit-pod.yaml of ConfigMap a/b"), "{error}");
        assert!(error.contains(problem), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }

    #[test]
    fn the_shipped_template_takes_the_place_of_a_missing_one() {
        let pod = "{kind: Pod, metadata: {name: mine}}".to_owned();
        let templates = Templates::new("a/b", BTreeMap::from([(Template::Pod.key().to_owned(), pod)]));
        assert_eq!(templates.object(Template::Pod).unwrap()["metadata"]["name"], "mine");
        for template in Template::VARIANTS.iter().filter(|template| **template != Template::Pod) {
            assert_eq!(templates.object(*template).unwrap(), shipped().object(*template).unwrap());
        }
    }

    #[rstest]
    #[case("", None)]
    #[case("spec: {schedule: '*  * * * *'}", None)]
    #[case("spec: {schedule: '*/1 * * * *'}", Some(("*/1 * * * *", None)))]
    #[case("spec: {schedule: '0 3 * * *', timeZone: Etc/UTC}", Some(("0 3 * * *", Some("Etc/UTC"))))]
    fn a_schedule_that_somebody_chose_counts(
        #[case] spec: &str,
        #[case] expected: Option<(&str, Option<&str>)>,
    ) {
        let text = format!("kind: CronJob\nmetadata: {{name: a}}\n{spec}\n");
        let schedule = shipped().with(Template::CronJob, text).schedule().unwrap();
        let found = schedule.as_ref().map(|found| (found.cron.as_str(), found.time_zone.as_deref()));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = Templates::new("a/b", BTreeMap::new()).object(Template::Role).unwrap_err();
        assert_eq!(error.to_string(), "key chaostoolkit-role.yaml of ConfigMap a/b is missing");
    }
}
