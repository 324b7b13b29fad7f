//! What is known of a run before it starts.

use std::collections::BTreeSet;

use crate::toolkit::rights::Namespace;
use crate::toolkit::rights::rule::Grant;

/// What is known of the pod in which an experiment is to run, and of its account.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// The image, for messages.
    pub image: &'a str,
    /// The packages with extensions that the image has, if that is known.
    pub packages: Option<&'a BTreeSet<String>>,
    /// A module that the last run did not find in the image, if there is one.
    pub not_found: Option<&'a str>,
    /// The variables of the container, if all of them are known.
    pub variables: Option<BTreeSet<String>>,
    /// The rights that the account of the run lacks.
    pub lacking: BTreeSet<(Namespace, Grant)>,
    /// Whether the account of the run has no rights outside of namespaces.
    pub is_bounded: bool,
}
