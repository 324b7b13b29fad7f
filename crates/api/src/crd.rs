//! Generates the `CustomResourceDefinition` from the Rust types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use kube::CustomResourceExt;
use serde_json::json;

use crate::freeze::ChaosToolkitFreeze;
use crate::spec::ChaosToolkitExperiment;

/// Returns the definition that users apply. `manifests/crd.yaml` is its printed form.
///
/// The derive makes `spec` a required field. Version 0.14.0 did not require it, and its own examples omit it.
///
/// The status is atomic for [server-side apply](https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy),
/// since the operator writes all of it. Otherwise the API server records who owns which of its fields. That makes the
/// object twice as long, and each write slower.
#[must_use]
pub fn crd() -> CustomResourceDefinition {
    let mut crd = ChaosToolkitExperiment::crd();
    for version in &mut crd.spec.versions {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            schema.required = None;
            if let Some(status) = status(schema) {
                status.x_kubernetes_map_type = Some("atomic".to_owned());
                status.default = Some(unseen());
            }
        }
    }
    crd
}

/// Returns the definition of freezes. `manifests/crd.yaml` has it, too.
///
/// The status has two numbers, and the operator writes all of it, so it is atomic as well.
#[must_use]
pub fn freeze_crd() -> CustomResourceDefinition {
    let mut crd = ChaosToolkitFreeze::crd();
    for version in &mut crd.spec.versions {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            // A freeze without a spec is one that lasts until it is deleted.
            schema.required = None;
            if let Some(status) = status(schema) {
                status.default = Some(unseen());
            }
        }
    }
    crd
}

fn status(schema: &mut JSONSchemaProps) -> Option<&mut JSONSchemaProps> {
    schema.properties.as_mut().and_then(|properties| properties.get_mut("status"))
}

/// The status of an object that the operator has not seen yet. Without it, a tool that waits by kstatus would take a new object
/// for one that is current. -1 is no generation, so such a tool waits for the operator.
fn unseen() -> JSON {
    JSON(json!({"observedGeneration": -1}))
}
