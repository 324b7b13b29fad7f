//! `fields-policy`: prints the policy by which the API server warns of unknown fields.
//!
//! The policy looks at each mapping of the spec whose fields are known. Whatever is no mapping counts as an empty one, so no
//! value makes an expression fail. An expression may cost 1,000,000 units, so the policy looks at few fields of a mapping and
//! few entries of a list. The operator looks at all of them.

use std::fmt::Write;

use crate::commands::output::print;
use crate::experiment::decide::fields::{OF_THE_EXPERIMENT, other_keys_of_the_experiment};
use crate::experiment::decide::known_fields::{KNOWN, Place};
use crate::toolkit::lint::plain;

/// The maximum number of fields of a mapping that are looked at. Each mapping has fewer known ones.
const MAX_FIELDS: usize = 64;

/// The same for the entries of a list.
const MAX_ENTRY_FIELDS: usize = 16;

/// The maximum number of entries of a list that are looked at.
const MAX_ENTRIES: usize = 32;

/// The maximum number of fields that a warning names.
const MAX_NAMED: usize = 8;

/// The maximum number of characters of a key in a warning.
const MAX_SHOWN: usize = 60;

const HEAD: &str = "\
# Warns whoever writes a field into an experiment that the operator does not know. Nothing is refused.
#
# `make crd` generates this file from the types: see src/commands/fields_policy.rs. Mappings whose content is that of a pod or
# of an experiment are left alone.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: chaostoolkit-crd-fields
spec:
  # It only warns, so a failure of it has to stop nobody.
  failurePolicy: Ignore
  matchConstraints:
    resourceRules:
    - apiGroups: [chaostoolkit.org]
      apiVersions: [\"*\"]
      operations: [CREATE, UPDATE]
      resources: [chaosexperiments]
      scope: Namespaced
  matchConditions:
  # The generation counts the changes of the spec.
  - name: has-another-spec
    expression: request.operation == 'CREATE' || object.metadata.?generation != oldObject.metadata.?generation
  variables:
";

const TAIL: &str = "  validations:
  - expression: variables.unknown.size() == 0
    message: the spec has unknown fields, which are not used
    messageExpression: >-
      'unknown fields, which are not used: ' + variables.named.filter(at, at < variables.unknown.size())
      .map(at, variables.unknown[at]).join(', ')
      + (variables.unknown.size() > variables.named.size()
      ? ' and ' + string(variables.unknown.size() - variables.named.size()) + ' more' : '')
      + '; the condition Accepted says what was probably meant'
  - expression: variables.misplaced.size() == 0
    message: the experiment itself belongs under spec.experiment
    messageExpression: >-
      variables.misplaced.map(key, 'spec.' + key).join(', ') + (variables.misplaced.size() == 1 ? ' belongs' : ' belong')
      + ' under spec.experiment, which holds the experiment itself'
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: chaostoolkit-crd-fields
spec:
  policyName: chaostoolkit-crd-fields
  validationActions: [Warn]
";

/// Prints the policy and its binding.
pub fn run() -> anyhow::Result<()> {
    print(&policy())
}

/// Returns the policy and its binding as YAML.
#[must_use]
pub fn policy() -> String {
    let mut policy = HEAD.to_owned();
    variable(&mut policy, "indexes", &format!("[{}]", numbers(MAX_ENTRIES)));
    variable(&mut policy, "named", &format!("[{}]", numbers(MAX_NAMED)));
    for place in KNOWN.keys() {
        variable(&mut policy, &name(place), &value(place));
    }
    variable(&mut policy, "misplaced", &misplaced());
    let parts: Vec<String> = KNOWN.iter().map(|(place, fields)| unknown(place, fields)).collect();
    let lines = parts.join(",\n      ");
    variable(
        &mut policy,
        "unknown",
        &format!(
            "[{lines}]\n      .filter(lines, lines != '').join('\\n').split('\\n').filter(path, path != '')"
        ),
    );
    policy + TAIL
}

fn variable(policy: &mut String, name: &str, expression: &str) {
    // Nothing fails when a text is written to.
    let _ = write!(policy, "  - name: {name}\n    expression: >-\n      {expression}\n");
}

/// Returns the expression of a mapping, or of the list of mappings that are at a place.
fn value(place: &Place) -> String {
    let Some((key, parents)) = place.split_last() else {
        return "type(dyn(object).?spec.orValue(null)) == map ? dyn(object).spec : {}".to_owned();
    };
    let parent = format!("variables.{}", name(parents));
    let is_in_list = parents.iter().any(|key| key.ends_with("[]"));
    match key.strip_suffix("[]") {
        None if is_in_list => {
            format!("{parent}.map(item, type(item.?{key}.orValue(null)) == map ? item.{key} : {{}})")
        }
        None => format!("type({parent}.?{key}.orValue(null)) == map ? {parent}.{key} : {{}}"),
        Some(key) => format!(
            "type({parent}.?{key}.orValue(null)) == list ? variables.indexes.filter(at, at < {parent}.{key}.size())\n      \
             .map(at, {parent}.{key}[at]).map(item, type(item) == map ? item : {{}}) : []"
        ),
    }
}

/// Returns the expression of the paths of unknown fields in the mappings at a place, one a line.
fn unknown(place: &Place, fields: &[String]) -> String {
    let variable = format!("variables.{}", name(place));
    let path: String = place.iter().fold("spec.".to_owned(), |path, key| match key.strip_suffix("[]") {
        Some(list) => format!("{path}{list}[' + string(at) + ']."),
        None => format!("{path}{key}."),
    });
    let is_known = if place.is_empty() { " && !(key in variables.misplaced)" } else { "" };
    let paths = |mapping: &str, most: usize| {
        format!(
            "({mapping}.size() > {most} ? ['* (more than {most} fields)'] : {mapping}.filter(key,\n      \
             !(key in [{}]){is_known})\n      \
             .map(key, key.size() > {MAX_SHOWN} ? key.substring(0, {MAX_SHOWN}) + '...' : key)\n      \
             .map(key, key.matches(r'\\p{{Cc}}') ? '?' : key)).map(key, '{path}' + key).join('\\n')",
            texts(fields)
        )
    };
    if place.iter().any(|key| key.ends_with("[]")) {
        let each = paths(&format!("{variable}[at]"), MAX_ENTRY_FIELDS);
        format!(
            "variables.indexes.filter(at, at < {variable}.size()).map(at,\n      {each}).filter(lines, lines != '').join('\\n')"
        )
    } else {
        paths(&variable, MAX_FIELDS)
    }
}

/// Returns the expression of the keys of an experiment that stand straight under `spec`.
fn misplaced() -> String {
    let fields = KNOWN.get(&Place::new()).map_or_else(String::new, |fields| texts(fields));
    let words = texts(&OF_THE_EXPERIMENT.map(plain));
    let others = texts(&other_keys_of_the_experiment());
    format!(
        "variables.spec.size() > {MAX_FIELDS} ? [] : variables.spec.filter(key,\n      !(key in [{fields}])\n      \
         && (key in [{others}]\n      || (key.size() < {MAX_SHOWN} && key.lowerAscii().replace('-', '').replace('_', '')\n      \
         in [{words}])))"
    )
}

/// Returns the name of the variable of a place, such as `podEnv`.
fn name(place: &[String]) -> String {
    let mut name = String::new();
    for key in place {
        let key = key.trim_end_matches("[]");
        let (first, rest) = key.split_at(usize::from(!name.is_empty() && !key.is_empty()));
        name += &first.to_uppercase();
        name += rest;
    }
    if name.is_empty() { "spec".to_owned() } else { name }
}

fn texts(words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{}'", word.as_ref())).collect();
    words.join(", ")
}

fn numbers(count: usize) -> String {
    (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the expressions above rely on.
    #[test]
    fn the_schema_is_one_that_the_policy_can_look_at() {
        for (place, fields) in KNOWN.iter() {
            assert!(
                place.iter().filter(|key| key.ends_with("[]")).count() <= 1,
                "a list in a list: {place:?}"
            );
            let is_in_list = place.iter().any(|key| key.ends_with("[]"));
            assert!(fields.len() < if is_in_list { MAX_ENTRY_FIELDS } else { MAX_FIELDS }, "{place:?}");
            let is_word =
                |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            let keys = place.iter().map(|key| key.trim_end_matches("[]"));
            assert!(keys.chain(fields.iter().map(String::as_str)).all(is_word), "{place:?} {fields:?}");
        }
        let names: std::collections::BTreeSet<String> = KNOWN.keys().map(|place| name(place)).collect();
        assert_eq!(names.len(), KNOWN.len(), "each place has a variable of its own");
        assert!(["indexes", "named", "misplaced", "unknown"].iter().all(|own| !names.contains(*own)));
    }

    #[test]
    fn a_place_has_the_name_of_its_keys() {
        let place = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        assert_eq!(name(&[]), "spec");
        assert_eq!(name(&place(&["pod"])), "pod");
        assert_eq!(name(&place(&["pod", "experiment", "headers[]", "secret"])), "podExperimentHeadersSecret");
    }
}
