//! The list of runs for the policy that keeps them apart.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chaostoolkit_operator::cluster::Cluster;
use chaostoolkit_operator::experiment::apart::keeper::{FRESH, Keeper};
use chaostoolkit_operator::experiment::apart::list::Entry;
use chaostoolkit_operator::experiment::apart::sweep;
use futures::future::join_all;
use kube::runtime::reflector::store;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;

const LIST: &str = "/apis/chaostoolkit.org/v1/namespaces/chaostoolkit-crd/chaosruns/chaostoolkit-runs";

fn keeper(fake: &FakeApi) -> Keeper {
    Keeper::new(Cluster::new(fake.client(), LIMIT), "chaostoolkit-crd")
}

/// An operator that keeps the list, in a cluster with the policy or without.
async fn begin_apart(has_policy: bool) -> (FakeApi, Operator) {
    let fake = cluster_for_runs();
    fake.set_policy(has_policy);
    let mut operator = Operator::new(&fake, Hangs::Crash);
    Arc::get_mut(&mut operator.context).unwrap().apart = keeper(&fake);
    compare_list(&fake, &operator).await;
    (fake, operator)
}

/// Compares the list with the experiments, as the operator does from time to time.
async fn compare_list(fake: &FakeApi, operator: &Operator) {
    let (experiments, mut writer) = store();
    writer.apply_watcher_event(&Event::Init);
    if let Some(experiment) = fake.get(EXPERIMENT) {
        writer.apply_watcher_event(&Event::InitApply(serde_json::from_value(experiment).unwrap()));
    }
    writer.apply_watcher_event(&Event::InitDone);
    sweep::sweep(&operator.context.apart, &experiments).await;
}

fn listed(fake: &FakeApi) -> Value {
    fake.get(LIST).unwrap()["data"].clone()
}

fn entry(number: usize) -> Entry {
    Entry { namespace: "runs".to_owned(), suffix: format!("{number:010x}"), words: BTreeSet::new() }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_listed_before_its_account_exists_and_until_that_is_gone() {
    let (fake, mut operator) = begin_apart(true).await;
    assert_eq!(listed(&fake), json!({}));
    let pod = json!({"env": {"configMapName": "mine", "secretName": "ours"}, "experiment": {"configMapName": "other"}});
    for name in ["mine", "other"] {
        let mut map = config_map("chaostoolkit-run");
        map["metadata"]["name"] = json!(name);
        fake.put(map);
    }
    fake.put(experiment(&json!({"pod": pod})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    let expected = json!({"chaostoolkit-run": "\na235f4ad3e\ncm/mine\ncm/other\nsa/chaostoolkit-a235f4ad3e\nsecret/ours\n"});
    assert_eq!(listed(&fake), expected);
    let writes: Vec<String> = fake.writes().iter().map(short).collect();
    let place = |what: &str| writes.iter().position(|write| write == what).unwrap();
    assert!(place("PUT chaosruns") < place("POST serviceaccounts"), "{writes:?}");
    assert_eq!(writes.iter().filter(|write| write.contains("chaosruns")).count(), 2, "{writes:?}");

    let account = fake.list("ServiceAccount").remove(0);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    compare_list(&fake, &operator).await;
    assert_eq!(listed(&fake), expected, "the caches may be behind");
    tokio::time::advance(FRESH).await;
    // Somebody has kept the account.
    let kept = fake.put(account);
    compare_list(&fake, &operator).await;
    assert_eq!(listed(&fake), expected);
    fake.vanish(&kept);
    compare_list(&fake, &operator).await;
    assert_eq!(listed(&fake), json!({}));
    let before = fake.writes().len();
    compare_list(&fake, &operator).await;
    assert_eq!(fake.writes().len(), before, "nothing has changed");
}

#[tokio::test]
async fn without_the_policy_a_run_writes_nothing_more() {
    let (fake, mut operator) = begin_apart(false).await;
    let version = fake.get(LIST).unwrap()["metadata"]["resourceVersion"].clone();
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_eq!(fake.get(LIST).unwrap()["metadata"]["resourceVersion"], version);
    // The policy is installed later.
    fake.set_policy(true);
    compare_list(&fake, &operator).await;
    assert_eq!(listed(&fake), json!({"chaostoolkit-run": "\na235f4ad3e\nsa/chaostoolkit-a235f4ad3e\n"}));
}

#[tokio::test]
async fn a_list_that_somebody_deletes_or_empties_is_made_again() {
    let (fake, mut operator) = begin_apart(true).await;
    let pod = json!({"env": {"configMapName": "chaostoolkit-experiment", "secretName": "ours"}});
    fake.put(experiment(&json!({"pod": pod})));
    settle(&fake, &mut operator, Some(0)).await;
    let before = listed(&fake);
    assert!(before.to_string().contains("secret/ours"), "{before}");
    fake.vanish(LIST);
    compare_list(&fake, &operator).await;
    assert_eq!(listed(&fake), before, "also what no status has");
    fake.edit(LIST, |list| list["data"] = json!({}));
    compare_list(&fake, &operator).await;
    assert_eq!(listed(&fake), json!({"chaostoolkit-run": "\na235f4ad3e\nsa/chaostoolkit-a235f4ad3e\n"}));
    fake.vanish(LIST);
    Arc::get_mut(&mut operator.context).unwrap().apart = keeper(&fake);
    compare_list(&fake, &operator).await;
    compare_list(&fake, &operator).await;
    assert_eq!(listed(&fake), json!({"chaostoolkit-run": "\na235f4ad3e\nsa/chaostoolkit-a235f4ad3e\n"}));
}

#[tokio::test]
async fn a_run_that_cannot_be_listed_does_not_start() {
    let (fake, mut operator) = begin_apart(true).await;
    let full = (0..75_000).map(|number| format!("\n{number:010x}")).collect::<Vec<_>>().concat();
    fake.edit(LIST, |list| {
        list["data"] = json!({"other": full.clone() + "\n", "more": full[..74_990].to_owned() + "\n"});
    });
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Blocked", "Forbidden"]);
    assert!(status(&fake)["message"].as_str().unwrap().contains("is full"), "{}", status(&fake));
    assert!(fake.list("ServiceAccount").is_empty());
    fake.edit(LIST, |list| list["data"] = json!({}));
    compare_list(&fake, &operator).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
}

#[tokio::test]
async fn a_write_takes_all_that_waits_and_two_operators_lose_nothing() {
    let (fake, _) = begin_apart(true).await;
    let keepers = [keeper(&fake), keeper(&fake)];
    let before = fake.writes().len();
    let entries = (0..200).map(|number| keepers[number % 2].list(entry(number)));
    for written in join_all(entries).await {
        written.unwrap();
    }
    let text = listed(&fake)["runs"].as_str().unwrap().to_owned();
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 200);
    let writes = fake.writes().len() - before;
    assert!(writes <= 10, "{writes}");
    // A write that is cut off takes nothing with it.
    let cut = tokio::time::timeout(Duration::ZERO, keepers[0].list(entry(1000))).await;
    drop(cut);
    keepers[0].list(entry(1001)).await.unwrap();
    assert!(listed(&fake)["runs"].as_str().unwrap().contains(&entry(1001).suffix));
}
