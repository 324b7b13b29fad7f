//! The API of the operator.
//!
//! - [`ChaosToolkitExperiment`] is the object as users write it. Its schema becomes `manifests/crd.yaml`.
//! - [`Experiment`] is the same object as the operator reads it. Its `spec` is not typed.
//!
//! An object may have a field of the wrong type. With a typed `spec`, such an object would break the watch, or would be
//! dropped. Instead, [`Spec::parse`](spec::ChaosToolkitExperimentSpec::parse) returns an error that names the field, and
//! the operator reports it on the object.

pub mod bounded;
pub mod condition;
mod crd;
pub mod depth;
mod experiment;
pub mod freeze;
pub mod lenient;
pub mod names;
mod pod_address;
pub mod reason;
pub mod spec;
pub mod status;
mod text;
mod words;

pub use crd::{crd, freeze_crd};
pub use experiment::Experiment;
pub use freeze::ChaosToolkitFreeze as Freeze;
pub use pod_address::PodAddress;
pub use spec::{ChaosToolkitExperiment, ChaosToolkitExperimentSpec as Spec};
pub use status::progress::{self, Progress};
pub use status::{
    About, Activities, Counters, EndedPod, ExperimentStatus as Status, GivenUp, HeldMutex, HoldStatus,
    JournalRef, Outcome, PastRun, Phase, ReleasedJob, Rescue, ResourceRef, Rollbacks, Run, RunResult,
    ScheduleStatus, StartedRun, Starts, Stop, StoppedPod, Targets, Trigger, Warning,
};
pub use text::Text;
