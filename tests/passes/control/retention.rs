//! What is kept after the end of a run, and for how long.

use super::*;

#[tokio::test]
async fn an_experiment_is_deleted_when_its_time_is_over() {
    let (fake, mut operator) = begin(&json!({"ttlSecondsAfterFinished": 3600}));
    settle(&fake, &mut operator, Some(0)).await;
    assert!(operator.again, "a pass comes when the time to live is over");
    let calls = fake.calls().len();
    let mut other = Operator::new(&fake, Hangs::Crash);
    other.pass().await;
    assert_eq!((fake.calls().len(), other.again), (calls, true), "no call is needed until then");
    set(&fake, "ttlSecondsAfterFinished", json!(0));
    settle(&fake, &mut operator, Some(0)).await;
    nothing_is_left(&fake);
    check_protocol(&fake);
    assert_eq!(deletions(&fake, EXPERIMENT), 1);
}

#[tokio::test]
async fn after_its_end_a_run_leaves_what_it_is_asked_to() {
    let rights = ["ServiceAccount", "Role", "RoleBinding"];
    for (code, when) in [(0, "onSuccess"), (1, "onFailure")] {
        for (keep, has_pod, has_rights) in
            [("keep", true, true), ("keepPod", true, false), ("delete", false, false)]
        {
            for asked in ["onSuccess", "onFailure"] {
                let (fake, mut operator) = begin(&json!({"cleanup": {asked: keep}}));
                settle(&fake, &mut operator, Some(code)).await;
                let what = format!("{asked}: {keep} after code {code}");
                let (has_pod, has_rights) = if asked == when { (has_pod, has_rights) } else { (true, true) };
                assert_eq!(fake.get(POD).is_some(), has_pod, "{what}");
                for kind in rights {
                    assert_eq!(fake.list(kind).len(), usize::from(has_rights), "{what}: {kind}");
                }
                assert_eq!(status(&fake)["resources"].is_null(), !has_rights, "{what}");
                if code == 0 {
                    let journal =
                        fake.list("ConfigMap").into_iter().any(|map| map["metadata"]["name"] == JOURNAL);
                    assert!(journal, "{what}: the journal stays");
                }
                is_over(&fake, &mut operator).await;
            }
        }
    }
}
