//! Checks before the cleanup changes anything.

use std::collections::HashSet;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::ensure;
use k8s_openapi::api::coordination::v1::Lease;
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::process::leader::claim;
use chaostoolkit_api::names;

/// The maximum time for which a lease is observed, to see whether an operator renews it.
const MAX_WATCH: Duration = Duration::from_secs(10);

/// The pause between two reads of a lease.
const PAUSE: Duration = Duration::from_millis(500);

/// Fails if an operator works in one of the namespaces, since it would add the removed finalizers again. An operator that
/// takes part in no election is not detected.
pub async fn check_that_no_operator_works(
    cluster: &Cluster,
    namespaces: HashSet<String>,
) -> anyhow::Result<()> {
    for namespace in namespaces {
        let api = cluster.leases(&namespace)?;
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
                "operator {holder} is at work in namespace {namespace} and would add the removed finalizers again. \
                 Stop the operator first, or delete the experiments and let it clean up. Use --force to ignore the operator"
            );
            let lasts = lease.spec.and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok());
            // The holder renews the lease more than twice within a third of its duration.
            if began.elapsed() > lasts.map_or(MAX_WATCH, Duration::from_secs).min(MAX_WATCH * 3) / 3 {
                break;
            }
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Asks the user whether to continue. Fails if the answer is no, or if nobody can answer.
pub fn confirm(out: &mut impl Write) -> anyhow::Result<()> {
    ensure!(std::io::stdin().is_terminal(), "nobody is there to ask: say --yes, or --dry-run");
    write!(out, "This stops all active runs and deletes the objects of all runs. Continue? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was changed");
    Ok(())
}
