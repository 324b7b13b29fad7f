//! Many odd specs, and the operator's verdict on each.

use std::time::{Duration, Instant};

use chaostoolkit_api::condition::{self, Type};
use chaostoolkit_api::{Experiment, Phase};
use futures::{StreamExt, stream};
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams};
use kube::core::ApiResource;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::chance::Chance;
use crate::common::install::Install;
use crate::common::operator::quiet;
use crate::common::variables::number;
use crate::common::{LIMIT, audit, condition_of, experiment, set_up, status, within};
use crate::specs;
use crate::watched::note;

/// How many specs are tried, unless `SCENARIO_SPECS` is set.
const SPECS: usize = 300;

/// How many specs are sent at the same time.
const AT_ONCE: usize = 8;

#[tokio::test]
#[ignore = "needs an API server"]
async fn every_spec_that_the_api_server_takes_is_judged_and_can_be_deleted_however_odd_it_is() {
    let (count, seed) = (number("SCENARIO_SPECS", SPECS), number("SCENARIO_SEED", 1));
    let limit = LIMIT.max(Duration::from_millis(100) * u32::try_from(count).unwrap());
    let (install, mut operator) = set_up("odd").await;
    let judged = note(install.experiments(), |found| is_judged(found).then(|| "judged".to_owned()));
    let began = Instant::now();
    let schema = specs::schema();
    let mut chance = Chance::new(seed);
    let specs: Vec<Value> = (0..count).map(|_| specs::odd(&schema, &mut chance)).collect();
    let sent: Vec<Option<String>> = stream::iter(specs.into_iter().enumerate())
        .map(async |(number, mut spec)| {
            if let Some(spec) = spec.as_object_mut() {
                spec.entry("namespace").or_insert_with(|| json!(install.run_namespace));
            }
            let name = format!("odd-{number}");
            match send_once(&install, &experiment(&name, spec)).await {
                Ok(()) => Some(name),
                Err(refused) => {
                    assert!(
                        refused.message.contains("spec"),
                        "{name} was refused without a field: {refused:?}"
                    );
                    None
                }
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let taken: Vec<String> = sent.into_iter().flatten().collect();
    eprintln!("seed {seed}: of {count} specs {} were taken", taken.len());
    assert!(
        taken.len() > count / 10 && taken.len() < count,
        "{} of {count} specs were taken, so the specs are not odd enough",
        taken.len()
    );

    within(limit, "all are judged", async || {
        assert!(operator.is_alive(), "the operator has ended");
        let judged = judged.lock().unwrap();
        (judged.values().filter(|said| !said.is_empty()).count() >= taken.len()).then_some(())
    })
    .await;
    eprintln!("judged {:.0?} after the first was sent", began.elapsed());
    let api = install.experiments();
    let judged = api.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(judged.len(), taken.len());
    let mut invalid = 0;
    for found in &judged {
        let status = status(Some(found));
        let Some(accepted) = condition::find(&status.conditions, Type::Accepted) else { continue };
        if accepted.status == "False" {
            invalid += 1;
            assert!(accepted.message.starts_with("spec"), "{}: {}", found.name_any(), accepted.message);
            assert_eq!(condition_of(&status, Type::Finished), "True/InvalidSpec", "{}", found.name_any());
        }
    }
    eprintln!("{invalid} of them are invalid");
    assert!(invalid > 0 && invalid < judged.len(), "{invalid} of {} are invalid", judged.len());

    // Blocked experiments are tried again less and less often. With many of them, one is always due. Nothing
    // else is written.
    let before = audit::writes_of(&install.user).len();
    eprintln!("{before} writes for {} specs", judged.len());
    quiet(Duration::from_secs(5)).await;
    let after = audit::writes_of(&install.user).len();
    assert!(
        after - before <= judged.len() / 2,
        "{} writes in 5 seconds for {} specs",
        after - before,
        judged.len()
    );
    assert!(after <= judged.len() * 20, "{after} writes for {} specs", judged.len());

    api.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    within(limit, "all are gone", async || {
        api.list(&ListParams::default().limit(1)).await.unwrap().items.is_empty().then_some(())
    })
    .await;
    eprintln!("gone {:.0?} after the first was sent", began.elapsed());
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    assert!(operator.is_alive());
    assert!(!operator.log().contains("panicked"), "{}", operator.log());
}

/// Whether the operator has judged the spec.
fn is_judged(found: &Experiment) -> bool {
    let status = status(Some(found));
    let is_accepted = condition::find(&status.conditions, Type::Accepted).is_some();
    is_accepted || status.phase == Some(Phase::Aborted)
}

/// Creates an experiment. If the API server refuses it, returns the refusal. An answer may be too large for the client
/// to read. In that case it counts whether the experiment exists.
async fn send_once(install: &Install, object: &Value) -> Result<(), Box<kube::core::Status>> {
    let resource = ApiResource::erase::<Experiment>(&());
    let api = Api::<DynamicObject>::namespaced_with(install.client.clone(), &install.namespace, &resource);
    let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    match api.create(&PostParams::default(), &object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => {
            let is_there = api.get_metadata_opt(&object.name_any()).await.unwrap().is_some();
            let words = format!("spec unread: {error}");
            if is_there { Ok(()) } else { Err(Box::new(kube::core::Status::failure(&words, ""))) }
        }
    }
}
