//! Freezes at the API server.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::Value;

use chaostoolkit_api::Freeze;
use chaostoolkit_operator::cluster::{Error, Objects};

use crate::access::{Access, FIELD_MANAGER};
use crate::failure::{Failure, Outcome};

/// What is told of an operator that has no freezes.
const NO_FREEZES: &str = "this cluster does not know the kind ChaosToolkitFreeze, so nobody can freeze runs";

impl Access {
    /// Creates a freeze, or changes it.
    pub async fn freeze(&self, freeze: &Value) -> Outcome<()> {
        let name = freeze["metadata"]["name"].as_str().unwrap_or_default();
        let api = self.freezes()?;
        let checked = api.name(name).map_err(|error| self.failure(&error))?;
        // Whoever pulls the brake does not care who has set a field before.
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let doing = format!("apply freeze {}/{name}", self.namespace);
        let applied = self.cluster.call(doing, api.patch(&checked, &parameters, &Patch::Apply(freeze))).await;
        applied.map(|_| ()).map_err(|error| self.of_freeze(&error))
    }

    /// Deletes a freeze. Returns whether there was one.
    pub async fn unfreeze(&self, name: &str) -> Outcome<bool> {
        let api = self.freezes()?;
        let checked = api.name(name).map_err(|error| self.failure(&error))?;
        let doing = format!("delete freeze {}/{name}", self.namespace);
        match self.cluster.call(doing, api.delete(&checked, &DeleteParams::default())).await {
            Ok(_) => Ok(true),
            Err(error) if is_absent(&error, name) => Ok(false),
            Err(error) => Err(self.of_freeze(&error)),
        }
    }

    fn freezes(&self) -> Outcome<Objects<Freeze>> {
        self.cluster.freezes(&self.namespace).map_err(|error| self.failure(&error))
    }

    fn of_freeze(&self, error: &Error) -> Failure {
        if error.is_not_found() {
            return Failure::new(NO_FREEZES).hint("apply manifests/crd.yaml of this version of the operator");
        }
        self.failure(error)
    }
}

/// Whether the kind is known, and there is no freeze of this name.
fn is_absent(error: &Error, name: &str) -> bool {
    let details = error.status().and_then(|status| status.details.as_ref());
    error.is_not_found() && details.is_some_and(|details| details.name == name)
}
