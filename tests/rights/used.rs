//! What operators have asked the API server for.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};

use rstest::rstest;
use serde_json::{Value, json};

use crate::common::install::TENANTS;
use crate::common::variables;
use crate::granted::{Right, Role};

/// A request of an operator, whatever the answer was.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Whether the operator has the rights of the overlay `multi-tenant`. Otherwise it has those of `generic-rbac`.
    pub is_multi_tenant: bool,
    place: Place,
    verb: String,
    group: String,
    resource: String,
    /// Empty if the request is for no single object.
    name: String,
}

/// Where the object is.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In the namespace of the operator.
    Home,
    /// In another namespace.
    Away,
    /// In no namespace, or in all of them.
    Everywhere,
}

impl Display for Use {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let overlay = if self.is_multi_tenant { "multi-tenant" } else { "generic-rbac" };
        let Self { place, verb, group, resource, name, .. } = self;
        write!(formatter, "{overlay}, {place:?}: {verb} {group:?} {resource} {name}")
    }
}

impl Use {
    /// Returns the right that allows this, of the role with the narrowest place.
    pub fn right<'a>(&self, granted: &'a BTreeSet<Right>) -> Option<&'a Right> {
        let roles: &[Role] = match self.place {
            // The central overlays let the operator run things in each namespace.
            Place::Home if !self.is_multi_tenant => &[Role::Home, Role::Cluster, Role::RunObjects],
            Place::Home => &[Role::Home, Role::Cluster],
            Place::Away => &[Role::RunObjects, Role::OwnNamespace, Role::Cluster, Role::Conditions],
            Place::Everywhere => &[Role::Cluster, Role::ClusterWide],
        };
        let allows = |role: Role, right: &Right| {
            right.role == role
                && (&right.verb, &right.group, &right.resource) == (&self.verb, &self.group, &self.resource)
                && right.name.as_ref().is_none_or(|name| *name == self.name)
        };
        roles.iter().find_map(|role| granted.iter().find(|right| allows(*role, right)))
    }

    /// Returns the request that a line of the log tells of. Returns `None` if no operator has made it, or if it is for no
    /// resource.
    fn from(line: &str) -> Option<Self> {
        if !line.contains(r#""username":"system:serviceaccount:"#) {
            return None;
        }
        let line: Value = serde_json::from_str(line).unwrap();
        let of = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        // The account of an operator has the name of its namespace.
        let user = of("/user/username");
        let (home, account) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
        if home != account || home == "default" {
            return None;
        }
        let [resource, subresource] = [of("/objectRef/resource"), of("/objectRef/subresource")];
        let place = match of("/objectRef/namespace") {
            // The request for a namespace itself names it as the place.
            namespace if namespace.is_empty() || resource == "namespaces" => Place::Everywhere,
            namespace if namespace == home => Place::Home,
            _ => Place::Away,
        };
        (!resource.is_empty()).then(|| Self {
            is_multi_tenant: home.contains(TENANTS),
            place,
            verb: of("/verb"),
            group: of("/objectRef/apiGroup"),
            // A test has the objects of the manifests under a name of its own.
            name: of("/objectRef/name").replace(home, "chaostoolkit-crd"),
            resource: format!("{resource}/{subresource}").trim_end_matches('/').to_owned(),
        })
    }
}

/// Returns all requests of operators in the log of the API server. `RIGHTS_SINCE` says after how many bytes the tests began
/// whose requests count.
pub fn in_the_log() -> BTreeSet<Use> {
    let path = variables::required("CLUSTER_AUDIT_LOG", "the API server's audit log");
    let mut file = File::open(&path).unwrap_or_else(|error| panic!("cannot open {path}: {error}"));
    let begin = variables::number("RIGHTS_SINCE", 0);
    assert!(begin <= file.metadata().unwrap().len(), "the log is not that of the tests before");
    file.seek(SeekFrom::Start(begin)).unwrap();
    BufReader::new(file).lines().filter_map(|line| Use::from(&line.unwrap())).collect()
}

/// A line of the log.
fn line(user: &str, verb: &str, [namespace, resource, subresource, name]: [&str; 4]) -> String {
    let object =
        json!({"resource": resource, "subresource": subresource, "namespace": namespace, "name": name});
    json!({"user": {"username": format!("system:serviceaccount:{user}")}, "verb": verb, "objectRef": object})
        .to_string()
}

#[rstest]
#[case("get", ["home", "configmaps", "", "x"], Some(Role::Home))]
#[case("get", ["home", "pods", "", "x"], Some(Role::Cluster))]
#[case("get", ["away", "configmaps", "", "x"], None)]
#[case("get", ["away", "pods", "", "x"], Some(Role::RunObjects))]
#[case("get", ["away", "pods", "log", "x"], None)]
#[case("get", ["", "pods", "", ""], Some(Role::Cluster))]
#[case("list", ["", "pods", "", ""], None)]
#[case("get", ["away", "namespaces", "", "away"], Some(Role::Cluster))]
#[case("get", ["home", "leases", "", "mine"], Some(Role::Home))]
#[case("get", ["home", "leases", "", "other"], None)]
#[case("get", ["home", "leases", "", ""], None)]
fn the_right_for_a_request_is_of_the_role_where_the_object_is(
    #[case] verb: &str,
    #[case] what: [&str; 4],
    #[case] expected: Option<Role>,
) {
    let right = |role, resource: &str, name: Option<&str>| {
        let [verb, group, resource] = ["get", "", resource].map(str::to_owned);
        Right { role, verb, group, resource, name: name.map(str::to_owned) }
    };
    let granted = BTreeSet::from([
        right(Role::Home, "configmaps", None),
        right(Role::Home, "leases", Some("mine")),
        right(Role::Cluster, "namespaces", None),
        right(Role::Cluster, "pods", None),
        right(Role::RunObjects, "pods", None),
    ]);
    let request = Use::from(&line("home:home", verb, what)).unwrap();
    assert_eq!(request.right(&granted).map(|right| right.role), expected);
}

#[rstest]
#[case("home:other")]
#[case("default:default")]
fn only_an_account_with_the_name_of_its_namespace_is_an_operators(#[case] user: &str) {
    assert_eq!(Use::from(&line(user, "get", ["home", "pods", "", "x"])), None);
    assert_eq!(Use::from(&line("home:home", "get", ["", "", "", ""])), None, "for no resource");
    let tenants = format!("a{TENANTS}1:a{TENANTS}1");
    assert!(Use::from(&line(&tenants, "get", ["", "pods", "", ""])).unwrap().is_multi_tenant);
}
