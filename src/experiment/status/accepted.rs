//! What the status says of the spec.

use crate::experiment::decide::fields;
use crate::experiment::status::draft::Draft;
use chaostoolkit_api::Phase;
use chaostoolkit_api::condition::{State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::spec::InvalidSpec;

impl Draft {
    /// The spec has these unknown fields.
    pub fn unknown(&mut self, unknown: &[String]) {
        let (of_pod, unused): (Vec<&String>, Vec<&String>) =
            unknown.iter().partition(|path| fields::is_of_a_pod(path));
        let listed = |heading: &str, paths: &[&String]| {
            let paths: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
            (!paths.is_empty()).then(|| format!("{heading}: {}", paths.join(", ")))
        };
        let fields: Vec<String> = listed("unknown fields, which are not used", &unused)
            .into_iter()
            .chain(listed("unknown fields of a pod, on which the API server decides", &of_pod))
            .collect();
        self.unknown_fields = (!fields.is_empty()).then(|| fields.join("; "));
    }

    /// The spec is valid. It has these unknown fields and these warnings.
    pub fn accepted(&mut self, unknown: &[String], warnings: &[String]) {
        self.unknown(unknown);
        let reason = match (unknown, warnings) {
            ([], []) => Reason::Accepted,
            (_, []) => Reason::UnknownFields,
            _ => Reason::AcceptedWithWarnings,
        };
        let all: Vec<&str> = self.unknown_fields.iter().chain(warnings).map(String::as_str).collect();
        let message = if all.is_empty() { "the spec is valid".to_owned() } else { all.join("; ") };
        self.set(Type::Accepted, State::True, reason, &message);
    }

    /// The spec is invalid. Nothing was run, so an edit that corrects it starts the run.
    pub fn rejected(&mut self, invalid: &InvalidSpec) {
        let message = match &self.unknown_fields {
            // They may be what the mistake comes from.
            Some(unknown) => format!("{invalid}; {unknown}"),
            None => invalid.to_string(),
        };
        self.set(Type::Accepted, State::False, Reason::InvalidSpec, &message);
        if invalid.has_forbidden() {
            self.set(Type::Permitted, State::False, Reason::Forbidden, &message);
        }
        self.phase(Phase::Failed, Reason::InvalidSpec, &message);
    }
}
