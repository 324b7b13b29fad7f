//! What the spec says about how `chaos run` goes, and what of a spec decides on a run at all.

use serde_json::Value;

use chaostoolkit_api::spec::options::{DryRun, HypothesisStrategy, RollbackStrategy};
use chaostoolkit_api::spec::{InvalidSpec, PodSpec};
use chaostoolkit_api::{Spec, names};

/// What of a spec has an effect on a run that was decided on, or none on any.
const NOT_OF_THE_RUN: [&str; 7] = [
    "abort",
    "suspend",
    "rescue",
    "startDeadlineSeconds",
    "ttlSecondsAfterFinished",
    "cleanup",
    "keep_resources_on_delete",
];

/// A hash of all that decides on a run.
#[must_use]
pub fn spec_hash(spec: Option<&Value>) -> String {
    let mut spec = spec.and_then(Value::as_object).cloned().unwrap_or_default();
    spec.retain(|field, _| !NOT_OF_THE_RUN.contains(&field.as_str()));
    names::suffix(&Value::Object(spec).to_string())
}

/// The options of `chaos run` that the spec asks for, each said in one place only.
pub fn options(spec: &Spec, pod: &PodSpec) -> Result<Vec<String>, InvalidSpec> {
    let asked = [
        ("rollbackStrategy", "--rollback-strategy", spec.rollback_strategy.map(RollbackStrategy::as_str)),
        (
            "hypothesisStrategy",
            "--hypothesis-strategy",
            spec.hypothesis_strategy.map(HypothesisStrategy::as_str),
        ),
        ("dryRun", "--dry", spec.dry_run.map(DryRun::as_str)),
    ];
    let arguments = pod.chaos_args.clone().unwrap_or_default();
    let mut options = Vec::new();
    for (field, option, value) in asked {
        let Some(value) = value else { continue };
        let is_same = |argument: &String| {
            argument == option || argument.strip_prefix(option).is_some_and(|rest| rest.starts_with('='))
        };
        if arguments.iter().any(is_same) {
            let problem = format!("is said by {option} in spec.pod.chaosArgs too: take one away");
            return Err(InvalidSpec::new(format!("spec.{field}"), problem));
        }
        if !arguments.is_empty() && !arguments.iter().any(|argument| argument == "run") {
            let problem =
                format!("cannot become {option}, since spec.pod.chaosArgs has no \"run\" that takes it");
            return Err(InvalidSpec::new(format!("spec.{field}"), problem));
        }
        options.push(format!("{option}={value}"));
    }
    Ok(options)
}
