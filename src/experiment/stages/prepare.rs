//! Decides on a run and builds its objects.

use serde_json::Value;

use crate::experiment::build::build;
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::source::DEFAULT_FILE;
use crate::experiment::decide::plan::{Facts, Plan, Source};
use crate::experiment::decide::understood::understood;
use crate::experiment::decide::{Decision, decide, fields};
use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use crate::toolkit::lint::lint;

/// Returns the plan of a run and its objects. Changes the draft of the status, and writes nothing.
pub async fn prepare(pass: &mut Pass<'_>) -> Result<(Plan, Resources), Error> {
    let (cluster, config) = (&pass.context.cluster, &pass.context.config);
    let parsed = understood(&pass.live, &config.namespace)?;
    let unknown = fields::described(&parsed.unknown);
    pass.draft.accepted(&unknown, &[]);
    let Decision { plan, facts, templates } = decide(cluster, config, &pass.live, &parsed).await?;
    let resources = build(&plan, &templates)?;
    let mut warned = fields::without_effect(pass.live.spec.as_ref());
    warned.extend(warnings(&plan, &facts, &resources));
    pass.draft.accepted(&unknown, &warned);
    Ok((plan, resources))
}

/// What the author probably did not mean.
fn warnings(plan: &Plan, facts: &Facts, resources: &Resources) -> Vec<String> {
    let mut warnings = match (&plan.source, &facts.text) {
        (Source::Inline(inline), _) => lint(DEFAULT_FILE, &inline.to_string()),
        (Source::File { file, .. }, Some(text)) => lint(file, text),
        _ => Vec::new(),
    };
    if plan.runner.is_some() && !resources.has_runner() {
        warnings.push(format!(
            "container {} of the pod has no `command`, so it runs without the runner and the outcome will be a guess",
            resources.toolkit().map_or(&Value::Null, |container| &container["name"])
        ));
    }
    warnings
}
