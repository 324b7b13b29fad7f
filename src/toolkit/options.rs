//! The options of `chaos run` that a spec requests.

use chaostoolkit_api::spec::{InvalidSpec, Mistakes, PodSpec};
use chaostoolkit_api::{Spec, Text};

/// Returns the options of `chaos run` that the spec requests. Fails if `pod.chaosArgs` has one of them too, or has no `run`
/// to which they belong.
pub fn options(spec: &Spec, pod: &PodSpec) -> Result<Vec<String>, InvalidSpec> {
    let asked = [
        ("rollbackStrategy", "--rollback-strategy", spec.rollback_strategy.map(Text::as_str)),
        ("hypothesisStrategy", "--hypothesis-strategy", spec.hypothesis_strategy.map(Text::as_str)),
        ("dryRun", "--dry", spec.dry_run.map(Text::as_str)),
    ];
    let arguments = pod.chaos_args.clone().unwrap_or_default();
    let (mut options, mut mistakes) = (Vec::new(), Mistakes::default());
    for (field, option, value) in asked {
        let Some(value) = value else { continue };
        let is_same = |argument: &String| {
            argument == option || argument.strip_prefix(option).is_some_and(|rest| rest.starts_with('='))
        };
        if arguments.iter().any(is_same) {
            let problem = format!("is also set by {option} in spec.pod.chaosArgs: remove one of them");
            mistakes.add(InvalidSpec::new(format!("spec.{field}"), problem));
            continue;
        }
        if !arguments.is_empty() && !arguments.iter().any(|argument| argument == "run") {
            let problem = format!("cannot be added as {option}, since spec.pod.chaosArgs has no \"run\"");
            mistakes.add(InvalidSpec::new(format!("spec.{field}"), problem));
            continue;
        }
        options.push(format!("{option}={value}"));
    }
    mistakes.none().map(|()| options)
}
