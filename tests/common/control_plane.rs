//! A control plane that may be broken: its parts are stopped and started. Nobody else may use it meanwhile.

use std::process::Command;

use super::variables;

/// Stops or starts a part of the control plane: `etcd`, `apiserver` or `kcm`.
pub async fn control(what: &'static str, part: &'static str) {
    control_with(what, part, &[]).await;
}

/// Stops or starts a part. The variables set the flags that the part is started with.
pub async fn control_with(
    what: &'static str,
    part: &'static str,
    variables: &'static [(&'static str, &'static str)],
) {
    let cluster = variables::required("FAULTS_CLUSTER", "the cluster that may be broken");
    let done = tokio::task::spawn_blocking(move || {
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/hack/cluster/control.sh"))
            .args([what, part])
            .env("CLUSTER_NAME", cluster)
            .envs(variables.iter().copied())
            .status()
            .unwrap()
    });
    assert!(done.await.unwrap().success(), "{what} {part}");
}

/// Waits until the API server answers.
pub async fn answers() {
    let client = super::client().await;
    super::eventually("the API server answers", async || {
        let namespaces = kube::Api::<k8s_openapi::api::core::v1::Namespace>::all(client.clone());
        namespaces.get("default").await.ok()
    })
    .await;
}
