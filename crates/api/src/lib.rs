//! The API: [`ChaosToolkitExperiment`] as users write it and as the API server checks it, and [`Experiment`], the
//! same object as the operator reads it.
//!
//! The two differ on purpose. The derived type is the contract: its schema becomes `manifests/crd.yaml`. The type that
//! is watched keeps `spec` as it came, so that one object with a field of the wrong type can neither break the watch
//! nor be lost: [`Spec::parse`](spec::ChaosToolkitExperimentSpec::parse) says which field is wrong, and the object
//! gets to know.

pub mod condition;
mod crd;
pub mod depth;
mod experiment;
pub mod lenient;
pub mod names;
mod pod_address;
pub mod reason;
pub mod spec;
pub mod status;
mod text;
mod words;

pub use crd::crd;
pub use experiment::Experiment;
pub use pod_address::PodAddress;
pub use spec::{ChaosToolkitExperiment, ChaosToolkitExperimentSpec as Spec};
pub use status::{
    About, Activities, Counters, ExperimentStatus as Status, JournalRef, Outcome, PastRun, Phase, Rescue,
    ResourceRef, Rollbacks, Run, ScheduleStatus, Trigger, Warning,
};
pub use text::Text;
