//! The examples of an experiment in an image and in a Git repository. Their images are those of `hack/cluster/images.sh
//! extensions`. Also a rescue of such an experiment.

use std::process::Command;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, names};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::{condition_of, kubectl, status, variables, within};
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
const SERVE: &str = "
set -e
git init --quiet --initial-branch=main /srv/experiments.git
cd /srv/experiments.git
printenv EXPERIMENT > experiment.yaml
git add experiment.yaml
git -c user.name=team -c user.email=team@example.com commit --quiet --message 'Add an experiment'
exec git daemon --export-all --base-path=/srv
";

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

/// An experiment that kills its toolkit, as it is in the image.
const KILLED: &str = "
version: 1.0.0
title: Killed before its rollbacks
description: The toolkit is killed, so another pod has to play the rollback.
method:
- type: action
  name: kill-the-toolkit
  provider: {type: process, path: sh, arguments: [-c, 'kill -9 $PPID']}
rollbacks:
- type: action
  name: mend
  provider: {type: process, path: echo, arguments: mended}
";

/// The reference of the image by its digest, which the registry of the node knows.
fn pinned() -> String {
    let registry = variables::required("CLUSTER_REGISTRY", "hack/cluster/env.sh sets it");
    let url = format!("http://{registry}/v2/experiments/manifests/1");
    let accept = "Accept: application/vnd.oci.image.manifest.v1+json";
    let output = Command::new("curl").args(["-fsSI", "-H", accept, &url]).output().unwrap();
    let head = String::from_utf8(output.stdout).unwrap();
    let digest = head.lines().find_map(|line| line.strip_prefix("Docker-Content-Digest: ")).unwrap().trim();
    format!("registry.example/experiments@{digest}")
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_killed_run_of_an_experiment_from_elsewhere_is_rescued() {
    let example = Example::new("artifact").await;
    let (home, runs) = (&example.install.namespace, &example.install.run_namespace);
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "killed", "namespace": runs},
        "data": {"killed.yaml": KILLED}});
    Example::apply(&map.to_string(), &[]);
    let digest = format!("{:x}", Sha256::digest(KILLED));
    let url = json!({"files": [{"path": "/experiments/killed.yaml", "configMap": {"name": "killed", "key": "killed.yaml"}}],
        "experiment": {"url": "/experiments/killed.yaml", "sha256": digest}});
    let artifact = json!({"experiment": {"artifact": {"reference": pinned(), "path": "killed.yaml"}}});
    let apply = |name: &str, pod: &Value| {
        let experiment = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
            "metadata": {"name": name, "namespace": home}, "spec": {"namespace": runs, "pod": pod, "rescue": true}});
        Example::apply(&experiment.to_string(), &[]);
    };
    for (name, pod) in [("url", &url), ("artifact", &artifact)] {
        apply(name, pod);
    }
    for name in ["url", "artifact"] {
        let rescued = async || {
            let status = status(Some(&example.experiment(name).await));
            let condition = condition_of(&status, Type::RolledBack);
            condition.contains("Rescue").then_some(status).filter(|_| !condition.ends_with("RescueStarted"))
        };
        let status = within(LIMIT, &format!("{name} is rescued"), rescued).await;
        assert_eq!(condition_of(&status, Type::RolledBack), "True/RescuePlayed", "{name}: {status:?}");
        let rescue = status.run.unwrap().rescue.unwrap();
        assert_eq!((rescue.problem, rescue.rollbacks.unwrap().total), (None, 1), "{name}");
        let log = example.install.pods().logs(&rescue.pod_name, &LogParams::default()).await.unwrap();
        assert!(log.contains("Rollback: mend") && !log.contains("kill-the-toolkit"), "{name}: {log}");
    }
}
