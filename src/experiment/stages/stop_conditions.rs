//! Watches the runs that go on for their stop conditions.

use k8s_openapi::api::core::v1::Pod;
use tracing::warn;

use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use crate::experiment::permit;
use crate::experiment::watches::{Access, Run};
use crate::signals::asked;
use crate::signals::signal::Signal;
use crate::signals::watch::StopCondition;
use chaostoolkit_api::spec::{InvalidSpec, StopConditionSpec};
use chaostoolkit_api::{Experiment, Spec};

/// The field of the spec.
const FIELD: &str = "stopConditions";

/// Has the run of a pod watched, whose container runs. The conditions count as the spec has them now.
pub async fn watch(pass: &mut Pass<'_>, pod: &Pod) -> Result<(), Error> {
    let watches = &pass.context.watches;
    let Some(uid) = pod.metadata.uid.clone() else { return Ok(()) };
    // The cache has the field, but not all of what is in it.
    let is_asked = pass.live.spec.as_ref().is_some_and(|spec| spec.get(FIELD).is_some());
    if !is_asked {
        watches.forget(&uid);
        return Ok(());
    }
    if !pass.is_complete() {
        if watches.has(&uid) {
            return Ok(());
        }
        pass.complete().await?;
    }
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let conditions = match conditions(&pass.live, &namespace) {
        Ok(conditions) => conditions,
        Err(invalid) => {
            // An edit during the run. Those from before it stay.
            warn!("the stop conditions of a run that goes on cannot be used: {invalid}");
            return Ok(());
        }
    };
    if watches.has_these(&uid, &conditions) {
        return Ok(());
    }
    let mut read = Vec::with_capacity(conditions.len());
    for condition in conditions {
        let access = access(pass, &condition.signal, &namespace).await?;
        read.push((condition, access));
    }
    let (experiment, home) = (pass.live.uid().to_owned(), pass.live.namespace().to_owned());
    watches.watch(Run { experiment, home, pod: uid, namespace }, read);
    Ok(())
}

/// How a signal is read. The rights of the author count as they are when the run begins to be watched.
async fn access(pass: &Pass<'_>, signal: &Signal, namespace: &str) -> Result<Access, Error> {
    let Signal::Resource(expected) = signal else { return Ok(Access::Source) };
    let granted = permit::signals::resource(pass.context, &pass.live, namespace, expected).await?;
    Ok(granted.map_or_else(Access::Refused, Access::Object))
}

/// The conditions of a spec. A mistake elsewhere in it keeps no run from being stopped.
fn conditions(experiment: &Experiment, run_namespace: &str) -> Result<Vec<StopCondition>, InvalidSpec> {
    let Some(field) = experiment.spec.as_ref().and_then(|spec| spec.get(FIELD)) else {
        return Ok(Vec::new());
    };
    let specs: Option<Vec<StopConditionSpec>> = serde_json::from_value(field.clone())
        .map_err(|error| InvalidSpec::new(format!("spec.{FIELD}"), error.to_string()))?;
    asked::stop_conditions(&Spec { stop_conditions: specs, ..Spec::default() }, run_namespace)
}
