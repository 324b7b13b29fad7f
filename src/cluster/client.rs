//! The client of all: for the cluster that this runs in, or else that of the kubeconfig.

use anyhow::Context as _;
use kube::Client;
use kube::client::ClientBuilder;
use tower::util::MapResponseLayer;

use crate::cluster::depth;

/// Makes it.
pub async fn infer() -> anyhow::Result<Client> {
    let mut config = kube::Config::infer().await.context("no cluster: neither in one nor a kubeconfig")?;
    // Fifteen repetitions of a call outlast every limit, and a repeated POST meets its own object. Failed passes are
    // repeated by the controller instead.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config).context("cannot make a client from the configuration")?;
    Ok(builder.with_layer(&MapResponseLayer::new(depth::shallow)).build())
}
