//! Creates the client. It connects to the cluster that the process runs in, or else to the cluster of the kubeconfig.

use anyhow::Context as _;
use http::Response;
use http::header::{DATE, HeaderValue, WARNING};
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822;
use kube::Client;
use kube::client::{ClientBuilder, DynBody};
use tower::util::MapResponseLayer;

use crate::cluster::requests::Counting;
use crate::cluster::{depth, slim};
use crate::process::clock;
use crate::process::metrics::Metrics;

/// Creates the client. Fails if there is neither a cluster around the process nor a kubeconfig.
pub async fn infer() -> anyhow::Result<Client> {
    counted(&Metrics::default()).await
}

/// Creates the client. Its requests are counted in these metrics.
pub async fn counted(metrics: &Metrics) -> anyhow::Result<Client> {
    let config = kube::Config::infer()
        .await
        .context("cannot find a cluster: the process runs in no pod, and there is no kubeconfig")?;
    built(config, |_| (), metrics.clone()).context("cannot create a client from the configuration")
}

/// Creates the client for a configuration. `warned` gets each
/// [warning](https://kubernetes.io/docs/reference/using-api/api-concepts/#api-warnings) of the API server.
pub fn of(config: kube::Config, warned: fn(&HeaderValue)) -> kube::Result<Client> {
    built(config, warned, Metrics::default())
}

fn built(mut config: kube::Config, warned: fn(&HeaderValue), metrics: Metrics) -> kube::Result<Client> {
    // 15 retries of a call take longer than any limit, and a repeated POST conflicts with the object that it created. The
    // controller repeats failed passes instead.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config)?;
    let heard = move |answer: Response<Box<DynBody>>| {
        answer.headers().get_all(WARNING).iter().for_each(warned);
        observed(answer)
    };
    Ok(builder.with_layer(&MapResponseLayer::new(heard)).with_layer(&Counting(metrics)).build())
}

/// Reads the clock of the API server from a response, and leaves out what is nested too deeply in it and what nobody reads.
fn observed(answer: Response<Box<DynBody>>) -> Response<Box<DynBody>> {
    if let Some(date) = answer.headers().get(DATE).and_then(|date| server_time(date.to_str().ok()?)) {
        clock::heard(date);
    }
    slim::without_managed_fields(depth::shallow(answer))
}

/// Reads the header `Date` of a response.
fn server_time(date: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(date).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_response_is_read() {
        let read = server_time("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read, Some("1994-11-06T08:49:37Z".parse().unwrap()));
        assert_eq!(server_time("yesterday"), None);
    }
}
