//! What needs a control plane that may be broken: its parts are stopped, or started with other flags. One after the
//! other, since each of them is about all that use it. `FAULTS_CLUSTER` is the name of the cluster.

mod collected;
mod line;
mod server;
mod ticks;

use crate::common::control_plane::{control, control_with};

/// Starts the controller manager anew, with these variables.
async fn restart_controllers(variables: &'static [(&'static str, &'static str)]) {
    control("stop", "kcm").await;
    control_with("start", "kcm", variables).await;
}
