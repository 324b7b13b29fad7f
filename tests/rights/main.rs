//! Rights: what the manifests grant to the operator and to people, against what operators have asked for and what Kubernetes'
//! own roles have.
//!
//! `asked` reads in the audit log what all operators of the tests before have asked for, so hack/test.sh runs this last.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests panic to fail")]

#[path = "../common/mod.rs"]
mod common;

mod asked;
mod elsewhere;
mod granted;
mod people;
mod roles;
mod used;
