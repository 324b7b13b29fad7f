//! Many experiments that are blocked hold up nobody.

use std::sync::Arc;
use std::time::Duration;

use chaostoolkit_api::Experiment;
use chaostoolkit_operator::experiment::{error_policy, reconcile};
use futures::StreamExt;
use futures::channel::mpsc;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Config, ReconcileReason, ReconcileRequest, applier};
use kube::runtime::reflector::{ObjectRef, store};
use kube::runtime::watcher::Event;
use tokio::time::Instant;

use super::control::{set, with_rollbacks};
use super::*;

/// How many experiments wait for a `ConfigMap`.
const BLOCKED: usize = 1000;
/// How long each call takes.
const LATENCY: Duration = Duration::from_secs(1);

type Watched = DeserializeGuard<Experiment>;

fn blocked(number: usize) -> Value {
    let mut blocked = experiment(&json!({"startDeadlineSeconds": 0}));
    blocked["metadata"]["name"] = json!(format!("blocked-{number}"));
    blocked["metadata"]["uid"] = json!(format!("uid-of-{number}"));
    blocked
}

fn request(name: &str) -> ReconcileRequest<Watched> {
    let obj_ref = ObjectRef::new(name).within("chaostoolkit-crd");
    ReconcileRequest { obj_ref, reason: ReconcileReason::Unknown }
}

#[tokio::test(start_paused = true)]
async fn an_abort_and_a_deletion_do_not_wait_for_a_thousand_blocked_experiments() {
    for is_deletion in [false, true] {
        let fake = cluster();
        fake.put(namespace("chaostoolkit-run"));
        let (fake, mut operator) = begin_in(fake, &with_rollbacks(json!({})));
        settle(&fake, &mut operator, None).await;
        assert_eq!(status(&fake)["phase"], "Running");
        fake.slow_down(LATENCY);
        let (experiments, mut writer) = store::<Watched>();
        let read = |path: &str| serde_json::from_value(fake.get(path).unwrap()).unwrap();
        writer.apply_watcher_event(&Event::Init);
        let (queue, requests) = mpsc::unbounded();
        for number in 0..BLOCKED {
            let path = fake.put(blocked(number));
            writer.apply_watcher_event(&Event::InitApply(read(&path)));
            queue.unbounded_send(request(&format!("blocked-{number}"))).unwrap();
        }
        writer.apply_watcher_event(&Event::InitDone);
        operator.fill_cache();
        let passes = applier(
            |seen, context| Box::pin(reconcile(seen, context)),
            error_policy,
            Arc::clone(&operator.context),
            experiments,
            requests.map(Ok::<_, std::io::Error>),
            Config::default(),
        );
        let passes = tokio::spawn(passes.for_each(async |_| {}));
        tokio::time::sleep(LATENCY * 30).await;
        assert!(fake.calls().len() > 100, "the others are at work");
        if is_deletion {
            fake.delete(EXPERIMENT);
        } else {
            set(&fake, "abort", json!(true));
        }
        writer.apply_watcher_event(&Event::Apply(read(EXPERIMENT)));
        queue.unbounded_send(request("exp")).unwrap();
        let began = Instant::now();
        while fake.get(POD).unwrap()["metadata"]["deletionTimestamp"].is_null() {
            assert!(began.elapsed() < LATENCY * 20, "the run is not stopped after {:?}", began.elapsed());
            tokio::time::sleep(LATENCY / 10).await;
        }
        passes.abort();
    }
}
