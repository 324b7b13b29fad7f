//! Reads facts about the operator's own pod and the cluster, once at the start.

use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, PostParams, WatchParams};
use kube::core::PartialObjectMeta;
use tracing::{info, warn};

use crate::process::config::RELEASED_IMAGE;
use chaostoolkit_api::{ChaosToolkitExperiment, names};

/// The container of the operator in its Deployment, if there are several.
const CONTAINER: &str = "crd";

/// The first minor version of Kubernetes 1 in which native sidecars are enabled by default.
/// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>
const SIDECARS_SINCE: u32 = 29;

/// The image of the operator, as its own pod names it.
pub struct OwnImage {
    /// The name of the image.
    pub name: String,
    /// The Secrets that are used to pull the image.
    pub pull_secrets: Vec<String>,
}

/// Returns the image of the operator. Returns `None` outside of a pod, or without the permission to read the pod.
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

/// Returns the pod that this program runs in, if it runs in a pod and has the permission to read it.
async fn own_pod(client: &Client) -> Option<Pod> {
    // Only Kubernetes sets this variable. HOSTNAME is set elsewhere too.
    std::env::var_os("KUBERNETES_SERVICE_HOST")?;
    let name = std::env::var("HOSTNAME").ok().filter(|name| names::check_dns_subdomain(name).is_ok())?;
    let namespace = client.default_namespace();
    let api = Api::<Pod>::namespaced(client.clone(), namespace);
    let pod = ask("read the operator's own pod", async || api.get(&name).await).await;
    if pod.is_none() {
        warn!(
            namespace,
            name,
            default = RELEASED_IMAGE,
            "without its own pod, the operator uses the default image of the runner, unless --runner-image is set"
        );
    }
    pod
}

/// Returns whether the cluster supports native sidecars. Returns true if its version is unknown.
pub async fn has_sidecars(client: &Client) -> bool {
    let version = ask("read the version of Kubernetes", async || client.apiserver_version().await).await;
    version.is_none_or(|version| is_recent(&version.major, &version.minor))
}

/// Returns whether the operator may create pods in all namespaces. Returns false if the cluster does not say.
pub async fn may_run_everywhere(client: &Client) -> bool {
    let pods = ResourceAttributes {
        verb: Some("create".to_owned()),
        resource: Some("pods".to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(pods),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let api = Api::<SelfSubjectAccessReview>::all(client.clone());
    let question = async || api.create(&PostParams::default(), &review).await;
    let answer = ask("find out whether the operator may run things in all namespaces", question).await;
    answer.and_then(|answer| answer.status).is_some_and(|status| status.allowed)
}

/// Returns whether the API server sends lists as streams, so that neither side has to hold a whole list in memory.
///
/// The version of the API server does not show this: the feature was enabled, disabled and enabled again between versions.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists>
pub async fn streams_lists(client: &Client, namespace: &str) -> bool {
    let api = Api::<PartialObjectMeta<ChaosToolkitExperiment>>::namespaced(client.clone(), namespace);
    let parameters = WatchParams::default().timeout(1).initial_events();
    let answer = ask("find out whether the API server streams lists", async || {
        match api.watch_metadata(&parameters, "").await {
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 422) => Ok(false),
            answer => answer.map(|_| true),
        }
    });
    let streams = answer.await.unwrap_or(true);
    if !streams {
        info!("the API server does not stream lists; lists are read in pages");
    }
    streams
}

/// Repeats a question until there is an answer. A refusal is an answer too, and returns `None`.
///
/// Without an answer, the operator would create all pods from a guess until its next start.
async fn ask<T>(doing: &str, question: impl AsyncFn() -> Result<T, kube::Error>) -> Option<T> {
    loop {
        match tokio::time::timeout(LIMIT, question()).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error @ kube::Error::Api(_))) if is_refusal(&error) => {
                warn!(%error, "cannot {doing}");
                return None;
            }
            Ok(Err(error)) => warn!(%error, "cannot {doing} yet"),
            Err(_) => warn!(limit = ?LIMIT, "cannot {doing} yet: no answer within the limit"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The time limit of an answer.
const LIMIT: Duration = Duration::from_secs(5);
/// The pause before the next attempt.
const PAUSE: Duration = Duration::from_secs(1);

fn is_refusal(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404))
}

/// Returns whether a version has native sidecars. Some providers report a minor version such as `28+`.
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
