//! The examples of an experiment in an image and in a Git repository. Their images are those of `hack/cluster/images.sh
//! extensions`.

use chaostoolkit_api::{Outcome, names};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::common::{kubectl, status};
use crate::{Example, LIMIT};

/// The image with git on the node.
const GIT: &str = "localhost/git:1";

/// The repository and the image of the example, which no test can reach.
const REPOSITORY: &str = "https://git.example/team/experiments.git";
const FETCHER: &str = "alpine/git:v2.49.1";

/// The experiment in the repository.
const EXPERIMENT: &str = "
version: 1.0.0
title: A greeting from a repository
description: Says hello, which should always be possible.
method:
- type: action
  name: say-hello
  provider: {type: process, path: echo, arguments: hello}
rollbacks: []
";

/// Makes a repository with the experiment, and serves it.
const SERVE: &str = r#"
set -e
git init --quiet --initial-branch=main /srv/experiments.git
cd /srv/experiments.git
printenv EXPERIMENT > experiment.yaml
git add experiment.yaml
git -c user.name=team -c user.email=team@example.com commit --quiet --message 'Add an experiment'
exec git daemon --export-all --base-path=/srv
"#;

#[tokio::test]
#[ignore = "needs a node"]
async fn an_experiment_is_mounted_from_an_image() {
    let example = Example::new("artifact").await;
    Example::apply(&example.text, &[]);
    let log = example.log_of_completed("artifact").await;
    assert!(log.contains("Running experiment: A greeting from an image"), "{log}");
    assert!(log.contains("Action: say-hello") && !log.contains("ERROR"), "{log}");
    let pod = example.made_for::<Pod>("artifact").await.remove(0);
    let volumes = pod.spec.unwrap().volumes.unwrap();
    let mounted = volumes.iter().find_map(|volume| volume.image.as_ref()?.reference.as_deref());
    assert_eq!(mounted, Some("registry.example/experiments:1"));
    let status = status(Some(&example.experiment("artifact").await));
    assert_eq!(status.outcome, Some(Outcome::Passed), "{status:?}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn an_experiment_is_cloned_from_a_repository() {
    let mut example = Example::new("git").await;
    let address = serve(&example).await;
    assert!(example.text.contains(REPOSITORY) && example.text.contains(FETCHER));
    example.text = example.text.replace(REPOSITORY, &format!("git://{address}/experiments.git"));
    example.text = example.text.replace(FETCHER, GIT);
    Example::apply(&example.text, &[]);
    let log = example.log_of_completed("git").await;
    assert!(log.contains("Running experiment: A greeting from a repository"), "{log}");
    assert!(log.contains("Action: say-hello") && !log.contains("ERROR"), "{log}");
    let pod = example.made_for::<Pod>("git").await.remove(0);
    let first = pod.spec.unwrap().init_containers.unwrap().into_iter().map(|container| container.name);
    assert_eq!(first.collect::<Vec<_>>(), ["clone", names::SIDECAR]);
    let status = status(Some(&example.experiment("git").await));
    assert_eq!(status.outcome, Some(Outcome::Passed), "{status:?}");
}

/// Starts a pod that serves the repository, and returns its address.
async fn serve(example: &Example) -> String {
    let runs = &example.install.run_namespace;
    let server = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "git", "namespace": runs}, "spec": {
        "automountServiceAccountToken": false,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "git", "image": GIT, "command": ["bash", "-c", SERVE],
            "env": [{"name": "EXPERIMENT", "value": EXPERIMENT}, {"name": "HOME", "value": "/srv"}],
            "readinessProbe": {"tcpSocket": {"port": 9418}, "periodSeconds": 1},
            "volumeMounts": [{"name": "repositories", "mountPath": "/srv"}],
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        }],
        "volumes": [{"name": "repositories", "emptyDir": {}}],
    }});
    Example::apply(&server.to_string(), &[]);
    let limit = format!("--timeout={}s", LIMIT.as_secs());
    let (ready, text) = kubectl(&["-n", runs, "wait", "--for=condition=Ready", "pod/git", &limit], "");
    assert!(ready, "{text}");
    example.install.pods().get("git").await.unwrap().status.unwrap().pod_ip.unwrap()
}
