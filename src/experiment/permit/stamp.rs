//! Who asked for the next run, as the API server has stamped it onto the experiment: pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use chaostoolkit_api::{Experiment, names};

/// The longest annotation that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// How many groups a user may have, how many further properties, and how many values of one.
const MOST: usize = 1000;

/// How many bytes of the name go into the status.
const LONGEST_NAME: usize = 253;

/// A user, as the API server knows one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The uid, which may be empty.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// Further properties.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What the annotations of an experiment say about its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// This user made the newest request.
    Known(Author),
    /// None of the annotations is there.
    Missing,
    /// The annotations belong to an earlier request.
    Stale,
    /// An annotation is missing or too long, or is not what the policy writes.
    Unreadable,
}

impl Stamp {
    /// Reads the annotations of an experiment.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let value = |name: &str| experiment.metadata.annotations.as_ref()?.get(name).map(String::as_str);
        let all = [
            names::AUTHOR_ANNOTATION,
            names::AUTHOR_UID_ANNOTATION,
            names::AUTHOR_GROUPS_ANNOTATION,
            names::AUTHOR_EXTRA_ANNOTATION,
            names::AUTHOR_REQUEST_ANNOTATION,
        ]
        .map(value);
        let [Some(name), Some(uid), Some(groups), Some(extra), Some(request)] = all else {
            let is_missing = all.iter().all(Option::is_none);
            return if is_missing { Self::Missing } else { Self::Unreadable };
        };
        let is_short = [name, uid, groups, extra, request].iter().all(|text| text.len() <= LONGEST);
        if name.is_empty() || !is_short {
            return Self::Unreadable;
        }
        let (Some(groups), Some(extra)) = (parsed::<Vec<String>>(groups), parsed(extra)) else {
            return Self::Unreadable;
        };
        let author = Author { name: name.to_owned(), uid: uid.to_owned(), groups, extra };
        if !author.is_bounded() {
            return Self::Unreadable;
        }
        let rerun = value(names::RERUN_ANNOTATION).unwrap_or_default();
        if is_newest(experiment, request, rerun) { Self::Known(author) } else { Self::Stale }
    }
}

impl Author {
    fn is_bounded(&self) -> bool {
        self.groups.len() <= MOST
            && self.extra.len() <= MOST
            && self.extra.values().all(|values| values.len() <= MOST)
    }

    /// Returns the name for the status: its first 253 bytes.
    #[must_use]
    pub fn short_name(&self) -> String {
        let fits = |end: &usize| self.name.is_char_boundary(*end);
        let end = (0..=self.name.len().min(LONGEST_NAME)).rev().find(fits).unwrap_or_default();
        self.name[..end].to_owned()
    }
}

/// Whether a request is the newest one that may lead to a run.
fn is_newest(experiment: &Experiment, request: &str, rerun: &str) -> bool {
    let Some(generation) = experiment.metadata.generation else { return false };
    let is_of = |generation: i64| request == format!("{generation}/{rerun}");
    // The deletion of an experiment raises its generation once, and changes nothing that its author asked for.
    is_of(generation) || (experiment.is_deleting() && is_of(generation - 1))
}

fn parsed<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    /// Returns an experiment of generation 3 with a stamp and these changes to it. `null` removes an annotation.
    fn stamped(changes: &Value) -> Experiment {
        let mut annotations = json!({
            names::AUTHOR_ANNOTATION: "dev",
            names::AUTHOR_UID_ANNOTATION: "",
            names::AUTHOR_GROUPS_ANNOTATION: r#"["we,ird\"x","system:authenticated"]"#,
            names::AUTHOR_EXTRA_ANNOTATION: r#"{"scopes":["a","b"]}"#,
            names::AUTHOR_REQUEST_ANNOTATION: "3/again",
            names::RERUN_ANNOTATION: "again",
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            annotations[name] = value.clone();
        }
        annotations.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let metadata = json!({"name": "exp", "namespace": "n", "generation": 3, "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata})).unwrap()
    }

    #[test]
    fn the_author_is_known() {
        let Stamp::Known(author) = Stamp::of(&stamped(&json!({}))) else { panic!("no author") };
        assert_eq!((author.name.as_str(), author.uid.as_str()), ("dev", ""));
        assert_eq!(author.groups, ["we,ird\"x", "system:authenticated"]);
        assert_eq!(author.extra["scopes"], ["a", "b"]);
        let without_rerun = json!({names::RERUN_ANNOTATION: null, names::AUTHOR_REQUEST_ANNOTATION: "3/"});
        assert!(matches!(Stamp::of(&stamped(&without_rerun)), Stamp::Known(_)));
    }

    #[rstest]
    #[case(names::AUTHOR_ANNOTATION)]
    #[case(names::AUTHOR_UID_ANNOTATION)]
    #[case(names::AUTHOR_GROUPS_ANNOTATION)]
    #[case(names::AUTHOR_EXTRA_ANNOTATION)]
    #[case(names::AUTHOR_REQUEST_ANNOTATION)]
    fn each_annotation_counts(#[case] name: &str) {
        assert_eq!(Stamp::of(&stamped(&json!({name: null}))), Stamp::Unreadable);
        let long = stamped(&json!({name: "x".repeat(LONGEST + 1)}));
        assert_eq!(Stamp::of(&long), Stamp::Unreadable);
    }

    #[rstest]
    #[case(json!({names::AUTHOR_REQUEST_ANNOTATION: "2/again"}))]
    #[case(json!({names::AUTHOR_REQUEST_ANNOTATION: "4/again"}))]
    #[case(json!({names::AUTHOR_REQUEST_ANNOTATION: "03/again"}))]
    #[case(json!({names::AUTHOR_REQUEST_ANNOTATION: "3/"}))]
    #[case(json!({names::AUTHOR_REQUEST_ANNOTATION: "3"}))]
    #[case(json!({names::AUTHOR_REQUEST_ANNOTATION: ""}))]
    #[case(json!({names::RERUN_ANNOTATION: "once more"}))]
    #[case(json!({names::RERUN_ANNOTATION: null}))]
    fn a_stamp_of_another_request_is_stale(#[case] changes: Value) {
        assert_eq!(Stamp::of(&stamped(&changes)), Stamp::Stale);
    }

    #[rstest]
    #[case(names::AUTHOR_ANNOTATION, "")]
    #[case(names::AUTHOR_GROUPS_ANNOTATION, "")]
    #[case(names::AUTHOR_GROUPS_ANNOTATION, "a,b")]
    #[case(names::AUTHOR_GROUPS_ANNOTATION, "[1]")]
    #[case(names::AUTHOR_GROUPS_ANNOTATION, "[\"a\"] x")]
    #[case(names::AUTHOR_GROUPS_ANNOTATION, "{}")]
    #[case(names::AUTHOR_EXTRA_ANNOTATION, "[]")]
    #[case(names::AUTHOR_EXTRA_ANNOTATION, "{\"a\":\"b\"}")]
    #[case(names::AUTHOR_EXTRA_ANNOTATION, "null")]
    fn what_the_policy_would_not_write_is_unreadable(#[case] name: &str, #[case] value: &str) {
        assert_eq!(Stamp::of(&stamped(&json!({name: value}))), Stamp::Unreadable);
    }

    #[test]
    fn a_user_with_very_many_groups_or_properties_is_unreadable() {
        let most = |count: usize| vec!["g"; count];
        for (count, is_known) in [(MOST, true), (MOST + 1, false)] {
            let map: BTreeMap<String, [&str; 1]> =
                (0..count).map(|number| (number.to_string(), ["v"])).collect();
            for changes in [
                json!({names::AUTHOR_GROUPS_ANNOTATION: json!(most(count)).to_string()}),
                json!({names::AUTHOR_EXTRA_ANNOTATION: json!(map).to_string()}),
                json!({names::AUTHOR_EXTRA_ANNOTATION: json!({"k": most(count)}).to_string()}),
            ] {
                assert_eq!(matches!(Stamp::of(&stamped(&changes)), Stamp::Known(_)), is_known);
            }
        }
    }

    #[test]
    fn the_deletion_of_an_experiment_is_no_newer_request() {
        let deleted = |request: &str| {
            let mut experiment = stamped(&json!({names::AUTHOR_REQUEST_ANNOTATION: request}));
            experiment.metadata.deletion_timestamp =
                serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
            Stamp::of(&experiment)
        };
        assert!(matches!(deleted("2/again"), Stamp::Known(_)), "asked for before the deletion");
        assert!(matches!(deleted("3/again"), Stamp::Known(_)), "edited after the deletion");
        assert_eq!(deleted("1/again"), Stamp::Stale);
    }

    proptest! {
        #[test]
        fn no_annotation_is_too_odd(
            name in "\\PC{0,300}", groups in "[\\[\\]{}\",a:1\\\\]{0,40}", extra in "[\\[\\]{}\",a:1\\\\]{0,40}",
        ) {
            let stamp = Stamp::of(&stamped(&json!({names::AUTHOR_ANNOTATION: name,
                names::AUTHOR_GROUPS_ANNOTATION: groups, names::AUTHOR_EXTRA_ANNOTATION: extra})));
            if let Stamp::Known(author) = stamp {
                prop_assert!(author.short_name().len() <= LONGEST_NAME);
                prop_assert!(name.starts_with(&author.short_name()));
            }
        }
    }
}
