//! What has to hold before anything is cleaned up.

use std::collections::HashSet;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::ensure;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::Api;
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::process::leader::claim;
use chaostoolkit_api::names;

/// How long a lease is watched at most, to see whether somebody renews it.
const MAX_WATCH: Duration = Duration::from_secs(10);

/// The pause between two looks at a lease.
const PAUSE: Duration = Duration::from_millis(500);

/// Fails if an operator works in one of the namespaces: it would put back the finalizers that are removed here. An operator
/// that takes part in no election is not noticed.
pub async fn check_that_no_operator_works(
    client: &Client,
    cluster: &Cluster,
    namespaces: HashSet<String>,
) -> anyhow::Result<()> {
    for namespace in namespaces {
        let api = Api::<Lease>::namespaced(client.clone(), &namespace);
        let mut first: Option<Lease> = None;
        let began = Instant::now();
        loop {
            let lease = cluster.find(&api, "Lease", names::LEASE).await?;
            let Some((holder, lease)) = lease.and_then(|lease| Some((claim::holder(&lease)?.clone(), lease)))
            else {
                break;
            };
            let first = first.get_or_insert_with(|| lease.clone());
            ensure!(
                first.metadata.resource_version == lease.metadata.resource_version,
                "operator {holder} is at work in namespace {namespace}, and would put back what is taken off. \
                 Stop it first, or delete the experiments and leave the cleanup to it; --force goes ahead"
            );
            let lasts = lease.spec.and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok());
            // The holder renews it more than twice in a third of its duration.
            if began.elapsed() > lasts.map_or(MAX_WATCH, Duration::from_secs).min(MAX_WATCH * 3) / 3 {
                break;
            }
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Asks the user whether to go ahead.
pub fn confirm(out: &mut impl Write) -> anyhow::Result<()> {
    ensure!(std::io::stdin().is_terminal(), "nobody is there to ask: say --yes, or --dry-run");
    write!(out, "Runs that go on are stopped, and what was created for runs is deleted. Go ahead? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was changed");
    Ok(())
}
