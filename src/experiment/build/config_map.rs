//! The `ConfigMap`s of a run itself: that of variables, if the default one does not exist, and that of an experiment in
//! the spec.

use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::decide::plan::source::{DEFAULT_EXPERIMENT, DEFAULT_FILE};
use crate::experiment::decide::plan::{Owner, Plan, Source};
use chaostoolkit_api::names;

/// The empty `ConfigMap` of variables, if the plan asks for it.
pub fn env(plan: &Plan) -> Option<Manifest> {
    plan.env.own.then(|| {
        let name = names::child(&plan.env.config_map, &plan.owner.suffix());
        Manifest::new(
            Kind::ConfigMap,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}),
        )
    })
}

/// The `ConfigMap` with the experiment of the spec as a file.
pub fn experiment(plan: &Plan) -> Option<Manifest> {
    let Source::Inline(inline) = &plan.source else { return None };
    Some(Manifest::new(
        Kind::ConfigMap,
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": experiment_name(inline, &plan.owner)},
            "immutable": true,
            "data": {DEFAULT_FILE: inline.to_string()},
        }),
    ))
}

/// The name of that `ConfigMap`. It contains a hash of the experiment, so that an edited experiment gets another one.
/// Pods that run keep theirs, and a schedule uses the new one.
pub fn experiment_name(inline: &Value, owner: &Owner) -> String {
    let content = names::suffix(&inline.to_string());
    names::child(&format!("{DEFAULT_EXPERIMENT}-{content}"), &owner.suffix())
}
