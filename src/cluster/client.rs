//! Creates the client. It connects to the cluster that the process runs in, or else to the cluster of the kubeconfig.

use anyhow::Context as _;
use kube::Client;
use kube::client::ClientBuilder;
use tower::util::MapResponseLayer;

use crate::cluster::depth;

/// Creates the client. Fails if there is neither a cluster around the process nor a kubeconfig.
pub async fn infer() -> anyhow::Result<Client> {
    let mut config = kube::Config::infer()
        .await
        .context("cannot find a cluster: the process runs in no pod, and there is no kubeconfig")?;
    // 15 retries of a call take longer than any limit, and a repeated POST conflicts with the object that it created. The
    // controller repeats failed passes instead.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config).context("cannot create a client from the configuration")?;
    Ok(builder.with_layer(&MapResponseLayer::new(depth::shallow)).build())
}
