//! What operators have asked the API server for.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};

use serde_json::Value;

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
            Place::Home => &[Role::Home, Role::Cluster],
            Place::Away => &[Role::RunObjects, Role::Cluster],
            Place::Everywhere => &[Role::Cluster],
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
            name: of("/objectRef/name"),
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
