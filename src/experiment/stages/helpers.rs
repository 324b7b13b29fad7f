//! `spec.report.helperGraceSeconds`: ends the pod of a run whose helpers go on after the toolkit has ended.
//!
//! Without this, an agent or a proxy beside the toolkit would keep the pod for ever, and with it the next run of a schedule.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::experiment::children::pods;
use crate::experiment::error::Error;
use crate::experiment::judge::helpers;
use crate::experiment::pass::Pass;
use crate::experiment::status::events::{self, Action};
use crate::process::clock;
use chaostoolkit_api::PodAddress;
use chaostoolkit_api::reason::Reason;

/// Where the helpers of a pod are after the end of its toolkit.
enum Helpers {
    /// None goes on, or the pod was ended before.
    Over,
    /// They may go on until then.
    Until(Timestamp),
    /// Their time was over, and the pod, as it is now, was ended.
    Ended(Box<Pod>),
}

/// Releases a pod whose end is recorded. If helpers go on, ends the pod first, or returns when their time is over.
///
/// Their time begins when the operator has seen the end (`since`). The pod is held until it is over, so that the next operator
/// looks at it again.
pub async fn release(
    pass: &Pass<'_>,
    pod: &Pod,
    since: Timestamp,
    grace: SignedDuration,
) -> Result<Option<Timestamp>, Error> {
    let cluster = &pass.context.cluster;
    match step(pass, pod, since, grace).await? {
        Helpers::Over => pods::release(cluster, pod).await?,
        Helpers::Until(due) => return Ok(Some(due)),
        Helpers::Ended(changed) => pods::release(cluster, &changed).await?,
    }
    Ok(None)
}

/// Whether helpers keep a pod from ending, and the operator has not ended it yet.
#[must_use]
pub fn are_waited_for(pod: &Pod) -> bool {
    !helpers::going_on(pod).is_empty() && !pods::is_ended(pod)
}

/// Ends a pod whose end is recorded if helpers have gone on for too long. Returns when their time is over, if they go on.
pub async fn end(
    pass: &Pass<'_>,
    pod: &Pod,
    since: Timestamp,
    grace: SignedDuration,
) -> Result<Option<Timestamp>, Error> {
    match step(pass, pod, since, grace).await? {
        Helpers::Until(due) => Ok(Some(due)),
        Helpers::Over | Helpers::Ended(_) => Ok(None),
    }
}

async fn step(pass: &Pass<'_>, pod: &Pod, since: Timestamp, grace: SignedDuration) -> Result<Helpers, Error> {
    let helpers = helpers::going_on(pod);
    if helpers.is_empty() || pods::is_ended(pod) {
        return Ok(Helpers::Over);
    }
    let due = since.saturating_add(grace).unwrap_or(Timestamp::MAX);
    if due > clock::now() {
        return Ok(Helpers::Until(due));
    }
    let changed = pods::end(&pass.context.cluster, pod).await?;
    let note = format!(
        "ended pod {}: the toolkit had ended, and after {} s this went on: {}",
        PodAddress::of(pod),
        grace.as_secs(),
        helpers.join(", ")
    );
    pass.publish(&events::normal(Reason::HelpersStopped, Action::StopHelpers, &note)).await;
    Ok(Helpers::Ended(Box::new(changed)))
}
