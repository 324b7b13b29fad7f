//! Many experiments with the same name, one after the other.

use std::collections::BTreeSet;

use chaostoolkit_api::Phase;
use chaostoolkit_api::names;
use kube::ResourceExt;
use serde_json::json;

use crate::common::{
    audit, delete_and_wait, pod_of, report_container, set_up, status, terminated, wait_for_phase,
};
use crate::watched::note;

#[tokio::test]
#[ignore = "needs an API server"]
async fn of_a_hundred_experiments_with_one_name_each_has_its_own_pod_or_none_and_nothing_is_left() {
    const TIMES: usize = 100;
    let (install, _operator) = set_up("again").await;
    let credited = note(install.experiments(), |found| status(Some(found)).run?.pod_uid);
    let owned = note(install.pods(), |pod| pod.labels().get(names::UID_LABEL).cloned());
    let mut uids = BTreeSet::new();
    for number in 0..TIMES {
        let made = install.apply_experiment("exp", json!({})).await;
        uids.insert(made.uid().to_owned());
        if number % 4 == 0 {
            let pod = pod_of(&install, "exp").await;
            if number % 8 == 0 {
                report_container(&install.pods(), &pod, terminated(0)).await;
                let ended = wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
                assert_eq!(ended.run.unwrap().pod_name, pod);
            }
        }
        delete_and_wait(&install.experiments(), "exp").await;
    }
    assert_eq!(uids.len(), TIMES);
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    let written = audit::settled_writes_of(&install.user).await;
    let created = written.iter().filter(|entry| entry.what() == "create pods" && entry.code < 300);
    let pods: Vec<&String> = created.map(|entry| &entry.name).collect();
    let distinct: BTreeSet<_> = pods.iter().collect();
    assert_eq!(pods.len(), distinct.len(), "no experiment has had two pods");
    let (credited, owned) = (credited.lock().unwrap(), owned.lock().unwrap());
    let credits: Vec<(&String, &String)> =
        credited.iter().flat_map(|(uid, pods)| pods.iter().map(move |pod| (uid, pod))).collect();
    assert!(credits.len() >= TIMES / 4, "{} pods were credited", credits.len());
    for (uid, pod) in credits {
        assert_eq!(owned[pod], BTreeSet::from([uid.clone()]), "pod {pod} is that of experiment {uid}");
    }
}
