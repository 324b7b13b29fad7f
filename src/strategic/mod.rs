//! Strategic merge patches over untyped pods.
//!
//! A patch has the form of a pod. Mappings are merged, and null removes a field. A list is merged if Kubernetes has a merge
//! key for it, and replaced otherwise. The semantics are those of [Kubernetes], list order and directives included. It has
//! no type of a pod: a field that is not in the table has the default, so a field of a later version is patched as well.
//!
//! Kubernetes leaves nulls and directives in a list item that is new, and drops them when it reads the pod.
//! [`without_directives`] drops the directives, since this pod is sent as it is.
//!
//! [Kubernetes]: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/

mod check;
mod directive;
mod keys;
mod lists;
mod merge;
mod path;

pub use check::check;
pub use directive::{is_directive, plain, without_directives};
pub use merge::{Problem, merge};
pub use path::Path;

#[cfg(test)]
pub(crate) mod tests;
