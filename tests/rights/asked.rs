//! The rights of the operator are those that it uses. The tests before this one have used them.

use std::collections::BTreeSet;

use crate::elsewhere::{self, Elsewhere};
use crate::granted::{self, Right};
use crate::used;

const OVERLAYS: [&str; 2] = ["generic-rbac", "multi-tenant"];

fn granted() -> BTreeSet<Right> {
    OVERLAYS.into_iter().flat_map(granted::with_components).collect()
}

/// The rights that a request in the log has needed.
fn used() -> BTreeSet<Right> {
    let granted = granted();
    let requests = used::in_the_log();
    assert!(requests.len() > 10, "no tests of operators ran before this one");
    requests.iter().filter_map(|request| request.right(&granted)).cloned().collect()
}

fn listed<'a>(rights: impl IntoIterator<Item = &'a Right>) -> String {
    rights.into_iter().map(|right| format!("\n  {right}")).collect::<Vec<_>>().concat()
}

/// A request that was refused counts, too.
#[test]
#[ignore = "needs the audit log of tests with an API server"]
fn no_operator_has_asked_for_what_the_manifests_do_not_grant() {
    let granted = OVERLAYS.map(granted::with_components);
    let lacks =
        |request: &&used::Use| request.right(&granted[usize::from(request.is_multi_tenant)]).is_none();
    let requests = used::in_the_log();
    let lacking: Vec<_> = requests.iter().filter(lacks).map(|request| format!("\n  {request}")).collect();
    assert!(lacking.is_empty(), "{}", lacking.concat());
}

#[test]
#[ignore = "needs the audit log of the layer `api`"]
fn the_manifests_grant_nothing_that_the_layer_api_has_not_used() {
    let (granted, used) = (granted(), used());
    let idle = granted.difference(&used).filter(|right| !elsewhere::all().any(|one| one.is(right)));
    let idle = listed(idle);
    assert!(idle.is_empty(), "nobody has used{idle}");
}

#[test]
#[ignore = "needs the audit log of the layer `node`"]
fn the_layer_node_uses_what_only_a_node_needs() {
    let (granted, used) = (granted(), used());
    let idle = granted.iter().filter(|right| elsewhere::NODE.iter().any(|one| one.is(right)));
    let idle = listed(idle.filter(|right| !used.contains(right)));
    assert!(idle.is_empty(), "nobody has used{idle}");
}

/// A right that is listed and that the layer uses, or that nobody has any more, is to be removed from the list.
#[test]
#[ignore = "needs the audit log of the layer `api`"]
fn no_right_is_listed_without_need() {
    let (granted, used) = (granted(), used());
    let has = |rights: &BTreeSet<Right>, one: &Elsewhere| rights.iter().any(|right| one.is(right));
    let without = elsewhere::all().filter(|one| !has(&granted, one) || has(&used, one));
    let without: Vec<_> = without.map(|one| format!("\n  {one:?}")).collect();
    assert!(without.is_empty(), "{}", without.concat());
}
