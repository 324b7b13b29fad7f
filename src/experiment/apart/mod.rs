//! Keeps runs apart: what the policy `kustomize/base/policy.yaml` has to know of them.
//!
//! The policy bounds what the accounts of runs may do to other runs. It learns from one object, `chaostoolkit-runs` in the
//! operator's namespace, which accounts the operator has created and what runs execute. A run is listed before its account
//! is created, and stays listed until its experiment and its account are gone.
//!
//! Only the operator that leads writes the object, and each write is bound to the version that was read. If somebody
//! deletes the object, it is created again within [`sweep::PERIOD`].

pub mod keeper;
pub mod list;
pub mod sweep;
