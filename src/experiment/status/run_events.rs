//! Events about one run. They name its pod as the related object, so that later runs do not fold into the text of the first
//! one: the recorder folds events that differ only in their note.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::Event;

use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Run, Status, Text};

/// The event with the run as the related object, and with the number of the run unless it is the only one.
#[must_use]
pub fn of_run(event: Event, run: &Run, status: &Status) -> Event {
    let is_one_of_many = status.schedule.is_some() || run.number > 1;
    let note = match event.note {
        Some(note) if is_one_of_many => Some(format!("run {}: {note}", run.number)),
        note => note,
    };
    related(Event { note, ..event }, run, status)
}

/// The event as one of the run that is on the status now.
#[must_use]
pub fn of_present_run(event: Event, status: &Status) -> Event {
    match &status.run {
        Some(run) => of_run(event, run, status),
        None => event,
    }
}

/// The event with the pod of the run as the related object, or with its Job if it has no pod.
#[must_use]
pub fn related(event: Event, run: &Run, status: &Status) -> Event {
    let secondary = if run.pod_name.is_empty() {
        run.job_name.as_deref().map(|name| job(name, status))
    } else {
        Some(ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            namespace: status.run_namespace.clone(),
            name: Some(run.pod_name.clone()),
            uid: run.pod_uid.clone(),
            ..ObjectReference::default()
        })
    };
    Event { secondary, ..event }
}

/// The event with a Job as the related object.
#[must_use]
pub fn of_job(event: Event, name: &str, status: &Status) -> Event {
    Event { secondary: Some(job(name, status)), ..event }
}

fn job(name: &str, status: &Status) -> ObjectReference {
    ObjectReference {
        api_version: Some("batch/v1".to_owned()),
        kind: Some("Job".to_owned()),
        namespace: status.run_namespace.clone(),
        name: Some(name.to_owned()),
        ..ObjectReference::default()
    }
}

/// Whether a reason says that a run cannot start.
#[must_use]
pub fn is_stall(reason: Option<&str>) -> bool {
    let stalls = [
        Reason::StartStalled,
        Reason::ImagePullBackOff,
        Reason::CreateContainerConfigError,
        Reason::Unschedulable,
    ];
    stalls.iter().any(|stall| reason == Some(stall.as_str()))
}
