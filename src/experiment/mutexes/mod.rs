//! `spec.mutex`: of all experiments of a namespace that name the same mutex, one runs at a time.
//!
//! [`holder`] says who holds one, by the statuses. [`claims`] bridges the moment until a status says so.

pub mod claims;
pub mod holder;
