//! Files, headers and experiments that a run takes from elsewhere.

use chaostoolkit_journal::message::{Message, State as Stage};
use chaostoolkit_journal::{Refusal, RefusalKind};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_run_waits_for_its_files_and_secrets_are_not_read() {
    let spec = json!({"pod": {
        "files": [
            {"path": ".kube/config", "secret": {"name": "theirs", "key": "kubeconfig"}},
            {"path": "a", "configMap": {"name": "files", "key": "a"}},
        ],
        "proxy": {"http": "http://proxy:3128", "caBundle": {"name": "ca", "key": "ca.crt"}},
        "experiment": {"url": "https://h/e.json", "headers": [{"name": "Authorization", "secret": {"name": "theirs", "key": "header"}}]},
    }});
    let (fake, mut operator) = begin(&spec);
    let map = |name: &str, key: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "chaostoolkit-run"}, "data": {key: "x"}});
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Blocked", "ConfigMapMissing"]);
    fake.put(map("files", "b"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "ConfigMapKeyMissing");
    fake.put(map("ca", "ca.crt"));
    fake.put(map("files", "a"));
    assert_eq!(pods_created(&fake), 0);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &json!(pods_created(&fake))], [&json!("Completed"), &json!(1)]);
    assert!(fake.calls().iter().all(|call| !call.path.contains("/secrets")));
    check_protocol(&fake);
}

#[tokio::test]
async fn other_content_than_asked_is_a_failed_run_that_says_so() {
    let digest = "0".repeat(64);
    let spec = json!({"pod": {"experiment": {"url": "https://h/e.json", "sha256": digest}}});
    let (fake, mut operator) = begin(&spec);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["run"]["experiment"], json!({"source": "url", "sha256": digest}));
    let line = format!("its SHA-256 is {}, and spec.pod.experiment.sha256 asks for {digest}", "1".repeat(64));
    let refusal = Refusal { kind: RefusalKind::ExperimentInvalid, line: line.clone() };
    let message = Message { exit_code: Some(1), refusal: Some(refusal), ..Message::new(Stage::Ended) };
    fake.end(POD, 1, Some(&message));
    settle(&fake, &mut operator, None).await;
    let status = status(&fake);
    assert_eq!(
        [&status["phase"], &status["reason"], &status["outcome"]],
        ["Failed", "ExperimentInvalid", "Invalid"]
    );
    assert!(status["message"].as_str().unwrap().contains(&line), "{status}");
}
