//! The `ConfigMap` of variables that a run gets when the default one does not exist.

use serde_json::json;

use super::{Manifest, Plan};
use crate::experiment::resource::Kind;
use crate::names;

/// An empty `ConfigMap`, if the plan wants one.
pub fn env(plan: &Plan) -> Option<Manifest> {
    plan.env.own.then(|| {
        let name = names::child(&plan.env.config_map, &plan.owner.suffix());
        Manifest::new(
            Kind::ConfigMap,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}),
        )
    })
}
