//! Whether the operator has rights in the namespace of an experiment that is not in its own.
//!
//! The owner of such a namespace gives them by a `RoleBinding`. Without one, the author is told the command that makes it. The
//! operator asks before it creates anything, so that nothing is left half done.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};

use crate::cluster::{self, Cluster, posting};
use crate::experiment::decide::place::Place;
use crate::experiment::error::Error;
use crate::process::remembered::Remembered;
use chaostoolkit_api::names;

/// For how long an answer of the API server counts.
const FRESH: Duration = Duration::from_secs(5);

/// What the API server has answered of late, by namespace.
#[derive(Debug, Default)]
pub struct Bindings(Remembered<bool>);

impl Bindings {
    /// Fails with [`Error::RightsMissing`] if the operator has no rights in the namespace of an experiment at this place.
    pub async fn check(&self, cluster: &Cluster, place: Place<'_>) -> Result<(), Error> {
        let Some(namespace) = place.own_namespace() else { return Ok(()) };
        let known = match self.0.get(namespace, FRESH) {
            Some(known) => known,
            None => self.ask(cluster, namespace).await?,
        };
        if known { Ok(()) } else { Err(missing(cluster, place.home(), namespace).await) }
    }

    /// Returns [`Error::RightsMissing`] in place of a refusal that has this cause, and any other error as it is.
    pub async fn explained(&self, cluster: &Cluster, place: Place<'_>, error: Error) -> Error {
        let Some(namespace) = place.own_namespace().filter(|_| error.is_forbidden()) else { return error };
        // The answer from before the refusal does not count.
        match self.ask(cluster, namespace).await {
            Ok(false) => missing(cluster, place.home(), namespace).await,
            _ => error,
        }
    }

    /// Asks the API server. The right to create pods stands for all that the `ClusterRole` for runs holds.
    async fn ask(&self, cluster: &Cluster, namespace: &str) -> Result<bool, cluster::Error> {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(namespace.to_owned()),
                    verb: Some("create".to_owned()),
                    resource: Some("pods".to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let doing = format!("ask for the operator's rights in namespace {namespace}");
        let reviews = cluster.everywhere::<SelfSubjectAccessReview>();
        let answer = cluster.call(doing, reviews.create(&posting(), &review)).await?;
        let is_allowed = answer.status.is_some_and(|status| status.allowed);
        self.0.put(namespace.to_owned(), is_allowed, FRESH);
        Ok(is_allowed)
    }
}

/// The error that tells how the operator gets its rights in a namespace.
async fn missing(cluster: &Cluster, home: &str, namespace: &str) -> Error {
    // The API server knows the name of the operator's account for certain.
    let reviews = cluster.everywhere::<SelfSubjectReview>();
    let (parameters, question) = (posting(), SelfSubjectReview::default());
    let asked = reviews.create(&parameters, &question);
    let answer = cluster.call("ask for the name of the operator's account".to_owned(), asked).await;
    let user = answer.ok().and_then(|answer| answer.status?.user_info?.username);
    let user = user.unwrap_or_else(|| format!("system:serviceaccount:{home}:{}", names::ACCOUNT));
    Error::RightsMissing { namespace: namespace.to_owned(), command: command(namespace, &user) }
}

/// The command by which this user gets its rights in a namespace.
fn command(namespace: &str, user: &str) -> String {
    let subject = match user.strip_prefix("system:serviceaccount:") {
        Some(account) => format!("--serviceaccount={account}"),
        None => format!("--user={user}"),
    };
    format!(
        "kubectl -n {namespace} create rolebinding chaostoolkit --clusterrole={} {subject}",
        names::RUNS_ROLE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_for_the_account_of_the_operator() {
        assert_eq!(
            command("team", "system:serviceaccount:home:operator"),
            "kubectl -n team create rolebinding chaostoolkit --clusterrole=chaostoolkit-crd-runs --serviceaccount=home:operator"
        );
        assert!(command("team", "me").ends_with(" --user=me"));
    }
}
