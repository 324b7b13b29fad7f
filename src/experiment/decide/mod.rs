//! From the spec of an experiment to the plan of a run.

pub mod checks;
pub mod fields;
pub mod known_fields;
pub mod observe;
pub mod place;
pub mod plan;
pub mod spec_hash;
pub mod targets;
pub mod templates;
pub mod understood;

use crate::cluster::reads::Reads;
use crate::experiment::decide::place::Place;
use crate::experiment::decide::plan::schedule::is_that_of_the_template;
use crate::experiment::decide::plan::{Facts, Plan, TemplateSchedule};
use crate::experiment::decide::templates::Templates;
use crate::experiment::error::{Error, TemplateError};
use crate::process::config::Config;
use chaostoolkit_api::spec::read::Parsed;
use chaostoolkit_api::{Experiment, Spec};

/// What was decided, and by what.
pub struct Decision {
    /// The plan of the run.
    pub plan: Plan,
    /// What was observed in the cluster.
    pub facts: Facts,
    /// The templates for the objects of the run.
    pub templates: Templates,
}

/// Decides on a run. Reads from the API server, and writes nothing.
pub async fn decide(
    reads: Reads<'_>,
    config: &Config,
    experiment: &Experiment,
    parsed: &Parsed,
) -> Result<Decision, Error> {
    let place = Place::of(experiment, &config.namespace);
    let namespace = checks::run_namespace(&parsed.spec, place)?;
    let templates = observe::templates(reads, &config.namespace, &parsed.spec).await?;
    let template_schedule = template_schedule(&parsed.spec, &templates)?;
    let facts = observe::facts(reads, config, experiment, &parsed.spec, &namespace).await?;
    let facts = Facts { template_schedule, ..facts };
    let plan = plan::plan(experiment, parsed, &facts)?;
    Ok(Decision { plan, facts, templates })
}

/// The schedule of the template, if the spec takes that one.
pub fn template_schedule(
    spec: &Spec,
    templates: &Templates,
) -> Result<Option<TemplateSchedule>, TemplateError> {
    if is_that_of_the_template(spec) { templates.schedule() } else { Ok(None) }
}
