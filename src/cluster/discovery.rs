//! What the operator finds out about itself and its cluster once, at the start.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, WatchParams};
use kube::core::PartialObjectMeta;
use tracing::{info, warn};

use crate::cli::{NativeSidecar, RunnerArgs};
use crate::process::config::{RELEASED_IMAGE, Runner};
use chaostoolkit_api::ChaosToolkitExperiment;

/// The container of the operator in its Deployment, should there be several.
const CONTAINER: &str = "crd";

/// The first minor version of Kubernetes 1 that has native sidecars without being asked for them.
/// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>
const SIDECARS_SINCE: u32 = 29;

/// How the runner gets into pods: as told, and where nothing was told, as the operator itself came here.
pub async fn runner(client: &Client, args: RunnerArgs) -> Runner {
    let RunnerArgs { runner_image, runner_image_pull_policy, runner_pull_secret, native_sidecar } = args;
    let own = if runner_image.is_some() { None } else { own_pod(client).await };
    let spec = own.and_then(|pod| pod.spec).unwrap_or_default();
    let container =
        spec.containers.iter().find(|found| found.name == CONTAINER).or_else(|| spec.containers.first());
    let image = runner_image.or_else(|| container?.image.clone());
    let own_secrets = spec.image_pull_secrets.iter().flatten().map(|secret| secret.name.clone()).collect();
    let runner = Runner {
        image: image.unwrap_or_else(|| RELEASED_IMAGE.to_owned()),
        pull_policy: runner_image_pull_policy,
        pull_secrets: if runner_pull_secret.is_empty() { own_secrets } else { runner_pull_secret },
        sidecar: match native_sidecar {
            NativeSidecar::Yes => true,
            NativeSidecar::No => false,
            NativeSidecar::Auto => has_sidecars(client).await,
        },
        journal: true,
    };
    info!(image = runner.image, sidecar = runner.sidecar, "the runner");
    runner
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

async fn has_sidecars(client: &Client) -> bool {
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
