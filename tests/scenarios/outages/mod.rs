//! Tests that need a control plane that may be broken. Its parts are stopped, or started with other flags. The tests
//! run one after the other, since each outage hits all users of the cluster. `FAULTS_CLUSTER` names the cluster.

mod collected;
mod line;
mod server;
mod ticks;

use crate::common::control_plane::{control, control_with};

/// Restarts the controller manager with these variables.
async fn restart_controllers(variables: &'static [(&'static str, &'static str)]) {
    control("stop", "kcm").await;
    control_with("start", "kcm", variables).await;
}
