//! Refuses experiments whose gates wait for each other in a circle. None of their runs would ever start.

use std::collections::BTreeSet;

use crate::experiment::context::Context;
use crate::experiment::error::Error;
use crate::signals::asked;
use crate::signals::circle::{Waiting, circle};
use crate::signals::gate::Gate;
use chaostoolkit_api::spec::{GateSpec, InvalidSpec};
use chaostoolkit_api::{Experiment, Spec};

/// How many other experiments are looked at. A circle of more of them is not found, and its runs wait until they fail.
const MOST: usize = 32;

/// Fails if an experiment waits for itself, directly or through others. Those that wait already are not asked again: whoever
/// closes the circle is refused.
pub async fn refuse(context: &Context, experiment: &Experiment, gates: &[Gate]) -> Result<(), Error> {
    let first: BTreeSet<String> = gates.iter().filter_map(Gate::waits_for).map(str::to_owned).collect();
    if first.is_empty() {
        return Ok(());
    }
    let experiments = context.cluster.experiments(experiment.namespace())?;
    let mut waiting = Waiting::from([(experiment.name().to_owned(), first.clone())]);
    let mut next: Vec<String> = first.into_iter().collect();
    while let Some(name) = next.pop() {
        if waiting.len() > MOST {
            break;
        }
        if waiting.contains_key(&name) {
            continue;
        }
        let found = context.cluster.find(&experiments, "experiment", &name).await?;
        let others = found.map_or_else(BTreeSet::new, |found| waits_for(&found));
        next.extend(others.iter().cloned());
        waiting.insert(name, others);
    }
    match circle(experiment.name(), &waiting) {
        None => Ok(()),
        Some(circle) => {
            let problem =
                format!("the experiments wait for each other, so none of them ever starts: {circle}");
            Err(InvalidSpec::new("spec.gates", problem).into())
        }
    }
}

/// For whom an experiment waits. The rest of its spec may be invalid.
fn waits_for(experiment: &Experiment) -> BTreeSet<String> {
    let field = experiment.spec.as_ref().and_then(|spec| spec.get("gates"));
    let gates = field.and_then(|gates| serde_json::from_value::<Vec<GateSpec>>(gates.clone()).ok());
    asked::waits_for(&Spec { gates, ..Spec::default() })
}
