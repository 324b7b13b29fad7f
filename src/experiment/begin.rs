//! The begin of a run or of a schedule, and what holds it up.

use std::time::Duration;

use crate::experiment::build::resources::Resources;
use crate::experiment::context::TEARDOWN_RESYNC;
use crate::experiment::decide::plan::Plan;
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::pass::Pass;
use crate::experiment::stages::prepare::prepare;
use crate::experiment::stages::start::{self, Started, Workload};
use crate::experiment::stages::startable::Wanted;
use crate::experiment::stages::{adopt, follow, restored, schedule, suspend, unknown_fields};
use crate::experiment::wait::Wait;

/// Starts a run or a schedule, and follows it. Returns what to wait for, or nothing if the run has ended already.
pub(super) async fn begin(pass: &mut Pass<'_>, intent: &Intent) -> Result<Option<Wait>, Error> {
    let begun = match try_begin(pass, intent).await {
        Err(error) if error.is_for_people() => {
            // What blocks the next run of a schedule blocks neither the record nor the abort of those that go on.
            pass.again = schedule::go_on(pass, intent, &error).await?;
            return Err(error);
        }
        begun => begun?,
    };
    match begun {
        Begun::Waiting(action) => Ok(Some(action)),
        Begun::Workload(Workload::CronJob(cron_job), decided) => {
            let (plan, resources) = &*decided;
            schedule::sync(pass, intent, (&cron_job, Wanted { plan, resources, not_before: None }))
                .await
                .map(Some)
        }
        Begun::Workload(Workload::Pod(_), _) if pass.context.workers.are_awaited() => {
            // The pod is held, so it cannot be lost. What waits goes before the record of it.
            pass.defers_record = true;
            Ok(Some(Wait::at_most(Duration::ZERO)))
        }
        Begun::Workload(Workload::Pod(pod), _) => follow::follow(pass, intent, &pod).await,
    }
}

/// What has come of an attempt to begin.
enum Begun {
    /// Nothing yet.
    Waiting(Wait),
    /// A run, or a schedule of runs, with its plan and the objects that it consists of.
    Workload(Workload, Box<(Plan, Resources)>),
}

/// Decides on a run and creates its objects, unless it was restored from a backup, is adopted from the Python operator, or
/// is suspended.
async fn try_begin(pass: &mut Pass<'_>, intent: &Intent) -> Result<Begun, Error> {
    if let Some(action) = restored::hold(pass, intent) {
        return Ok(Begun::Waiting(action));
    }
    unknown_fields::refuse(pass)?;
    let (plan, resources) = prepare(pass).await?;
    let is_adoption = adopt::is_due(&pass.live);
    start::set_finalizers(pass).await?;
    if is_adoption {
        return adopt::adopt(pass, &plan, &resources).await.map(Begun::Waiting);
    }
    if let Some(action) = suspend::suspend(pass, intent, &plan) {
        return Ok(Begun::Waiting(action));
    }
    Ok(match start::start(pass, &plan, &resources).await? {
        Started::Workload(workload) => Begun::Workload(workload, Box::new((plan, resources))),
        Started::Replacing => Begun::Waiting(Wait::at_most(TEARDOWN_RESYNC)),
        Started::Held(wait) => Begun::Waiting(wait),
    })
}
