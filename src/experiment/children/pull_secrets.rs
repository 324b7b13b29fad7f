//! The pull secrets of the service account of a run.

use k8s_openapi::api::core::v1::ServiceAccount;

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::{self, Cluster};
use crate::experiment::build::pull_secrets::{account_to_read, with_those_of_the_account};
use crate::experiment::build::resources::Resources;
use chaostoolkit_api::Text;

/// Returns the workload with the pull secrets of its account beside those that the operator adds. The account has to
/// exist by now, if the run creates it. Others may have added secrets to it.
pub async fn completed(
    cluster: &Cluster,
    resources: &Resources,
    of_the_operator: &[String],
) -> Result<Manifest, cluster::Error> {
    let workload = &resources.workload;
    let api = cluster.service_accounts(workload.namespace())?;
    // The API server refuses a pod with a name that is none.
    let account = account_to_read(resources, of_the_operator).filter(|account| api.name(account).is_ok());
    let Some(account) = account else { return Ok(workload.clone()) };
    let found: Option<ServiceAccount> = cluster.find(&api, Kind::ServiceAccount.as_str(), account).await?;
    let secrets = found.and_then(|found| found.image_pull_secrets).unwrap_or_default();
    let secrets: Vec<String> =
        secrets.into_iter().map(|secret| secret.name).filter(|name| !name.is_empty()).collect();
    if secrets.is_empty() {
        return Ok(workload.clone());
    }
    Ok(with_those_of_the_account(workload, &secrets))
}
