//! Decides on a run and builds its objects.

use serde_json::Value;

use crate::experiment::build::build;
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::source::DEFAULT_FILE;
use crate::experiment::decide::plan::{Facts, Plan, Source, files, grace, proxy};
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::decide::understood::{understood, unknown_beside};
use crate::experiment::decide::{Decision, decide, fields};
use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use crate::experiment::preflight;
use crate::toolkit::lint::lint;
use crate::toolkit::rollback_time;
use chaostoolkit_api::Experiment;
use chaostoolkit_api::spec::read::Parsed;

/// Returns the plan of a run and its objects. Changes the draft of the status, and writes nothing.
pub async fn prepare(pass: &mut Pass<'_>) -> Result<(Plan, Resources), Error> {
    let (cluster, config) = (&pass.context.cluster, &pass.context.config);
    let parsed = match understood(&pass.live, &config.namespace) {
        Ok(parsed) => parsed,
        Err(invalid) => {
            pass.draft.unknown(&fields::described(&unknown_beside(&pass.live, &invalid)));
            return Err(invalid.into());
        }
    };
    let unknown = fields::described(&parsed.unknown);
    pass.draft.accepted(&unknown, &[]);
    pass.context.bindings.check(cluster, pass.place()).await?;
    let Decision { mut plan, facts, templates } = decide(pass.reads(), config, &pass.live, &parsed).await?;
    let resources = build(&plan, &templates)?;
    plan.findings =
        preflight::findings(pass.context, &pass.live, (&plan, &facts), &resources, pass.due).await?;
    let mut warned = warned(&pass.live, &parsed, (&plan, &facts, &templates), &resources);
    warned.extend(config.unchecked_authors.then(|| UNCHECKED.to_owned()));
    pass.draft.accepted(&unknown, &warned);
    Ok((plan, resources))
}

/// Returns what the author of an experiment probably did not mean, with one sentence each: pure.
#[must_use]
pub fn warned(
    experiment: &Experiment,
    parsed: &Parsed,
    (plan, facts, templates): (&Plan, &Facts, &Templates),
    resources: &Resources,
) -> Vec<String> {
    let mut warned = fields::without_effect(experiment.spec.as_ref());
    warned.extend(underived(plan));
    let options = parsed.spec.pod.as_ref().filter(|_| plan.pod.is_none());
    warned.extend(options.into_iter().flat_map(files::unreadable));
    warned.extend(options.into_iter().flat_map(proxy::shown_passwords));
    warned.extend(warnings(plan, facts, resources));
    warned.extend(shortened(plan, templates));
    warned.extend(plan.findings.warnings());
    warned
}

/// The warning on each experiment while authors are not checked.
const UNCHECKED: &str =
    "the operator does not ask whether its author may do what the run may do (--unchecked-authors)";

/// What the author probably did not mean.
fn warnings(plan: &Plan, facts: &Facts, resources: &Resources) -> Vec<String> {
    let inline = match &plan.source {
        Source::Inline(inline) => Some((DEFAULT_FILE, inline.to_string())),
        _ => None,
    };
    let experiment = match (&plan.source, &facts.text, &inline) {
        (_, _, Some((file, text))) => Some((*file, text.as_str())),
        (Source::File { file, .. }, Some(text), _) => Some((file.as_str(), text.as_str())),
        _ => None,
    };
    let mut warnings = experiment.map_or_else(Vec::new, |(file, text)| lint(file, text));
    warnings.extend(
        experiment.and_then(|(file, text)| long_rollbacks(rollback_time::seconds(file, text), resources)),
    );
    if plan.runner.is_some() && !resources.has_runner() {
        warnings.push(format!(
            "container {} of the pod has no `command`, so it runs without the runner and the outcome will be a guess",
            resources.toolkit().map_or(&Value::Null, |container| &container["name"])
        ));
    }
    warnings
}

/// Names what the generated Role leaves out.
fn underived(plan: &Plan) -> impl Iterator<Item = String> {
    let generated = plan.rights.generated.as_ref();
    let problems = generated.into_iter().flat_map(|generated| &generated.problems);
    problems.map(|problem| format!("spec.role.generate: {problem}"))
}

/// Says that the pod gets a shorter grace period than it asks for.
fn shortened(plan: &Plan, templates: &Templates) -> Option<String> {
    let mut pod = plan.pod.clone().or_else(|| templates.object(Template::Pod).ok())?;
    if let Some((spec, asked)) = pod["spec"].as_object_mut().zip(plan.patches.grace()) {
        spec.insert(grace::FIELD.to_owned(), asked.clone());
    }
    grace::shortened(grace::asked(&pod["spec"]).ok()??)
}

/// Says that the pod may not live long enough for its rollbacks, once it is told to stop.
fn long_rollbacks(seconds: u64, resources: &Resources) -> Option<String> {
    let grace = resources.pod()["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(DEFAULT_GRACE);
    rollback_time::warning(seconds, grace)
}

/// The grace period of a pod that names none. <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination>
const DEFAULT_GRACE: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::manifest::{Kind, Manifest};
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::enough(300, Some(300), false)]
    #[case::too_long(301, Some(300), true)]
    #[case::by_the_default_of_kubernetes(31, None, true)]
    fn rollbacks_that_outlive_the_pod_are_announced(
        #[case] seconds: u64,
        #[case] grace: Option<u64>,
        #[case] expected: bool,
    ) {
        let of = |kind, spec: Value| Manifest::new(kind, json!({"metadata": {"name": "x"}, "spec": spec}));
        let pod = json!({"terminationGracePeriodSeconds": grace});
        let resources = |workload| Resources::new(of(Kind::Namespace, json!({})), vec![], workload);
        let scheduled = json!({"jobTemplate": {"spec": {"template": {"spec": pod}}}});
        for workload in [of(Kind::Pod, pod), of(Kind::CronJob, scheduled)] {
            let told = long_rollbacks(seconds, &resources(workload));
            assert_eq!(told.is_some(), expected, "{told:?}");
        }
    }
}
