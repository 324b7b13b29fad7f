//! Pods whose experiment is gone.

use chaostoolkit_api::names;
use chaostoolkit_operator::experiment::stages::orphans;
use kube::runtime::reflector::store;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;

/// Sweeps orphaned pods. `is_known` says whether the cache of experiments is filled.
pub async fn sweep(fake: &FakeApi, operator: &mut Operator, is_known: bool) {
    let (experiments, mut writer) = store();
    writer.apply_watcher_event(&Event::Init);
    if let Some(experiment) = fake.get(EXPERIMENT).filter(|_| is_known) {
        writer.apply_watcher_event(&Event::InitApply(serde_json::from_value(experiment).unwrap()));
    }
    writer.apply_watcher_event(&Event::InitDone);
    operator.fill_cache();
    orphans::sweep(&operator.context, &experiments).await;
}

/// Returns a cluster with a run in progress.
async fn running() -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Running");
    (fake, operator)
}

#[tokio::test]
async fn a_pod_whose_experiment_is_gone_is_let_go_and_stopped() {
    let (fake, mut operator) = running().await;
    // The finalizers of the experiment were removed by hand, or another experiment has its name by now.
    for is_replaced in [false, true] {
        let pod = fake.get(POD).unwrap();
        let before = fake.get(EXPERIMENT).unwrap();
        fake.vanish(EXPERIMENT);
        if is_replaced {
            let mut other = experiment(&json!({}));
            other["metadata"]["uid"] = json!("another");
            fake.put(other);
        }
        sweep(&fake, &mut operator, true).await;
        let left = fake.get(POD).unwrap();
        assert_eq!(left["metadata"]["finalizers"], json!([]));
        assert!(!left["metadata"]["deletionTimestamp"].is_null(), "the pod is stopped");
        assert_eq!(left["metadata"]["deletionGracePeriodSeconds"], 30, "the rollbacks have time to run");
        let calls = fake.calls().len();
        sweep(&fake, &mut operator, true).await;
        assert_eq!(fake.calls().len(), calls, "a pod that is not held causes no call");
        fake.vanish(POD);
        fake.put(pod);
        fake.put(before);
    }
}

#[tokio::test]
async fn a_pod_whose_experiment_exists_is_left_alone() {
    let (fake, mut operator) = running().await;
    let writes = fake.writes().len();
    sweep(&fake, &mut operator, false).await;
    assert_eq!(fake.writes().len(), writes, "the cache was outdated");
    let calls = fake.calls().len();
    sweep(&fake, &mut operator, true).await;
    fake.edit(POD, |pod| pod["metadata"]["annotations"][names::EXPERIMENT_ANNOTATION] = json!("other/exp"));
    fake.vanish(EXPERIMENT);
    sweep(&fake, &mut operator, true).await;
    fake.edit(POD, |pod| pod["metadata"]["annotations"] = Value::Null);
    sweep(&fake, &mut operator, true).await;
    assert_eq!(fake.calls().len(), calls, "the pod belongs to another installation or to nobody");
}
