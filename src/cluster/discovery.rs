//! What the operator finds out about itself and its cluster once, at the start.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, WatchParams};
use kube::core::PartialObjectMeta;
use tracing::{info, warn};

use crate::process::config::RELEASED_IMAGE;
use chaostoolkit_api::ChaosToolkitExperiment;

/// The container of the operator in its Deployment, should there be several.
const CONTAINER: &str = "crd";

/// The first minor version of Kubernetes 1 that has native sidecars without being asked for them.
/// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>
const SIDECARS_SINCE: u32 = 29;

/// What the operator's own pod says about its image.
pub struct OwnImage {
    /// The image.
    pub name: String,
    /// The Secrets to pull it with.
    pub pull_secrets: Vec<String>,
}

/// Finds out which image the operator itself runs from. Returns nothing outside of a pod, or without the right to look.
pub async fn own_image(client: &Client) -> Option<OwnImage> {
    let spec = own_pod(client).await?.spec?;
    let container =
        spec.containers.iter().find(|found| found.name == CONTAINER).or_else(|| spec.containers.first())?;
    let secrets = spec.image_pull_secrets.iter().flatten();
    Some(OwnImage {
        name: container.image.clone()?,
        pull_secrets: secrets.map(|secret| secret.name.clone()).collect(),
    })
}

/// The pod that this program runs in, if it runs in one and may look at it.
async fn own_pod(client: &Client) -> Option<Pod> {
    // Kubernetes sets neither outside of pods; HOSTNAME alone is set anywhere.
    std::env::var_os("KUBERNETES_SERVICE_HOST")?;
    let name = std::env::var("HOSTNAME").ok()?;
    let namespace = client.default_namespace();
    let api = Api::<Pod>::namespaced(client.clone(), namespace);
    let pod = ask(&format!("look up the own pod {namespace}/{name}"), async || api.get(&name).await).await;
    if pod.is_none() {
        warn!("the runner comes from {RELEASED_IMAGE}, unless --runner-image says otherwise");
    }
    pod
}

/// Whether the cluster has native sidecars.
pub async fn has_sidecars(client: &Client) -> bool {
    let version = ask("ask for the version of Kubernetes", async || client.apiserver_version().await).await;
    version.is_none_or(|version| is_recent(&version.major, &version.minor))
}

/// Whether the API server sends lists as streams, which spares both sides the memory of a whole one. Its version does not
/// tell: the feature has been on, off and on again from one to the next.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists>
pub async fn streams_lists(client: &Client, namespace: &str) -> bool {
    let api = Api::<PartialObjectMeta<ChaosToolkitExperiment>>::namespaced(client.clone(), namespace);
    let parameters = WatchParams::default().timeout(1).initial_events();
    let answer =
        ask("ask whether lists come as streams", async || match api.watch_metadata(&parameters, "").await {
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 422) => Ok(false),
            answer => answer.map(|_| true),
        });
    let streams = answer.await.unwrap_or(true);
    if !streams {
        info!("lists do not come as streams here: they are read in pages");
    }
    streams
}

/// Asks until there is an answer: without one, every pod of this life would be made on a guess. A refusal is an answer.
async fn ask<T>(doing: &str, question: impl AsyncFn() -> Result<T, kube::Error>) -> Option<T> {
    loop {
        match tokio::time::timeout(LIMIT, question()).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error @ kube::Error::Api(_))) if is_refusal(&error) => {
                warn!(%error, "cannot {doing}");
                return None;
            }
            Ok(Err(error)) => warn!(%error, "cannot {doing} yet"),
            Err(_) => warn!("cannot {doing} yet: no answer within {LIMIT:?}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long it is until the next question.
const PAUSE: Duration = Duration::from_secs(1);

fn is_refusal(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404))
}

/// Whether a version has native sidecars. Some providers write a minor version such as `28+`.
fn is_recent(major: &str, minor: &str) -> bool {
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    };
    match (number(major), number(minor)) {
        (Some(1), Some(minor)) => minor >= SIDECARS_SINCE,
        (Some(major), _) => major > 1,
        (None, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1", "28", false)]
    #[case("1", "28+", false)]
    #[case("1", "29", true)]
    #[case("1", "36", true)]
    #[case("2", "0", true)]
    #[case("", "", true)]
    fn sidecars_are_there_since_1_29(#[case] major: &str, #[case] minor: &str, #[case] expected: bool) {
        assert_eq!(is_recent(major, minor), expected);
    }
}
