//! The objects of a run at the API server.

pub mod create;
