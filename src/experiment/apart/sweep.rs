//! Compares the list of runs with the experiments, from time to time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;
use tracing::warn;

use crate::cluster::{self, Cluster};
use crate::experiment::apart::keeper::{Keeper, State};
use crate::experiment::apart::list::Entry;
use crate::experiment::error::Error;
use chaostoolkit_api::Experiment;

/// How often the list is compared with the experiments. Somebody who deletes the object is undone after this time.
pub const PERIOD: Duration = Duration::from_secs(30);

/// How long the API server may need to see an object that was just created.
const ONE_WATCH: Duration = Duration::from_secs(2);

/// After how many comparisons the operator asks again whether the policy is in force.
const ASKED_EVERY: u32 = 20;

/// What is said if the policy does not answer.
const NOT_IN_FORCE: &str = "kustomize/base/policy.yaml is not installed, the version of Kubernetes is below 1.30, or the \
    binding names another namespace";

/// How many accounts are looked up in one comparison.
const MAX_LOOKED_UP: usize = 100;

/// An account: namespace, suffix of its experiment, name.
type Account = (String, String, String);

/// Makes the list true again: creates the object if it is missing, lists runs that a status records, and removes those
/// whose experiment and accounts are gone.
pub async fn sweep(keeper: &Keeper, experiments: &Store<DeserializeGuard<Experiment>>) {
    if !keeper.is_on() {
        return;
    }
    match try_sweep(keeper, experiments).await {
        Err(error) if error.is_not_found() => keeper.give_up("the kind ChaosToolkitRuns is not installed"),
        Err(error) if error.is_forbidden() && keeper.in_force() != Some(true) => {
            keeper.give_up(&error.describe());
        }
        Err(error) => warn!("cannot compare the list of runs with the experiments: {}", error.describe()),
        Ok(()) => {}
    }
}

async fn try_sweep(keeper: &Keeper, experiments: &Store<DeserializeGuard<Experiment>>) -> Result<(), Error> {
    let mut state = keeper.state.lock().await;
    state.sweeps = state.sweeps.wrapping_add(1);
    let is_first = state.sweeps == 1;
    // Ask often at first, since the policy is installed beside the operator, and then every 10 minutes.
    let is_asked = state.sweeps.is_power_of_two()
        || state.sweeps.is_multiple_of(ASKED_EVERY)
        || keeper.in_force().is_none();
    if !is_asked && keeper.in_force() == Some(false) {
        return Ok(());
    }
    keeper.refresh(&mut state).await?;
    // The policy looks for the object before it answers.
    keeper.change(&mut state, |_| {}).await?;
    if is_asked && !is_answered(keeper, is_first).await? {
        keeper.give_up(NOT_IN_FORCE);
        return Ok(());
    }
    keeper.begin();
    let recorded = recorded(experiments, keeper.home());
    state.age();
    // The first time, the cache of experiments may not be full. To wait for it here would keep the controller from waking up.
    let (experiments_gone, accounts_gone) =
        if is_first { (Vec::new(), Vec::new()) } else { gone(keeper, &mut state, &recorded).await };
    keeper
        .change(&mut state, |list| {
            for entry in recorded.values() {
                list.add(entry.clone());
            }
            for (namespace, suffix, account) in &accounts_gone {
                list.remove_account(namespace, suffix, account);
            }
            for (namespace, suffix) in &experiments_gone {
                list.remove(namespace, suffix);
            }
        })
        .await
}

/// Whether the policy answers. The first time, the API server may not have seen the object yet, since it learns of it by a
/// watch.
async fn is_answered(keeper: &Keeper, is_first: bool) -> Result<bool, Error> {
    if keeper.ask().await? {
        return Ok(true);
    }
    if !is_first {
        return Ok(false);
    }
    tokio::time::sleep(ONE_WATCH).await;
    keeper.ask().await
}

/// What the statuses of all experiments record, by namespace and suffix.
fn recorded(
    experiments: &Store<DeserializeGuard<Experiment>>,
    home: &str,
) -> BTreeMap<(String, String), Entry> {
    let seen = experiments.state();
    let read = seen.iter().filter_map(|seen| seen.0.as_ref().ok());
    read.filter_map(|experiment| Entry::recorded(experiment, home))
        .map(|entry| ((entry.namespace.clone(), entry.suffix.clone()), entry))
        .collect()
}

/// Finds the listed accounts that no status records and that do not exist, and the experiments of which nothing is left.
async fn gone(
    keeper: &Keeper,
    state: &mut State,
    recorded: &BTreeMap<(String, String), Entry>,
) -> (Vec<(String, String)>, Vec<Account>) {
    let Some(list) = state.list() else { return (Vec::new(), Vec::new()) };
    let mut experiments: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut suspects: Vec<Account> = Vec::new();
    for (namespace, suffix, accounts) in
        list.accounts().filter(|(namespace, suffix, _)| !state.is_fresh(namespace, suffix))
    {
        let key = (namespace.to_owned(), suffix.to_owned());
        let known = recorded.get(&key);
        let is_known = |name: &&str| known.is_some_and(|entry| entry.words.contains(&format!("sa/{name}")));
        let unknown: BTreeSet<String> =
            accounts.into_iter().filter(|name| !is_known(name)).map(str::to_owned).collect();
        let of_key = |name: &String| (key.0.clone(), key.1.clone(), name.clone());
        suspects.extend(unknown.iter().map(of_key));
        if known.is_none() {
            experiments.insert(key, unknown);
        }
    }
    let count = suspects.len();
    let start = state.cursor.checked_rem(count).unwrap_or_default();
    suspects.rotate_left(start);
    suspects.truncate(MAX_LOOKED_UP);
    state.cursor = start + suspects.len();
    let mut accounts_gone = Vec::new();
    for (namespace, suffix, name) in suspects {
        match is_there(keeper.cluster(), &namespace, &name).await {
            Ok(false) => {
                if let Some(left) = experiments.get_mut(&(namespace.clone(), suffix.clone())) {
                    left.remove(&name);
                }
                accounts_gone.push((namespace, suffix, name));
            }
            Ok(true) => {}
            Err(error) => warn!("cannot look up an account that is listed: {}", error.describe()),
        }
    }
    experiments.retain(|_, left| left.is_empty());
    (experiments.into_keys().collect(), accounts_gone)
}

/// Looks up an account. One that the operator may not look up exists as long as its namespace does.
async fn is_there(cluster: &Cluster, namespace: &str, name: &str) -> Result<bool, cluster::Error> {
    let accounts = cluster.service_accounts(namespace)?;
    let found: Result<Option<ServiceAccount>, _> = cluster.find(&accounts, "ServiceAccount", name).await;
    match found {
        Err(error) if error.is_forbidden() => {
            Ok(cluster.find(&cluster.namespaces(), "Namespace", namespace).await?.is_some())
        }
        found => Ok(found?.is_some()),
    }
}
