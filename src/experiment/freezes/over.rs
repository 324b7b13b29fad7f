//! Which freeze counts for a run: pure.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::experiment::build::resources::Resources;
use crate::experiment::hold::Hold;
use chaostoolkit_api::condition::short;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, Freeze, Status, Stop, freeze};

/// The namespaces in which a run takes place or has rights, and that of its experiment.
///
/// Rights in the whole cluster do not count as rights in each namespace. Otherwise any freeze would hold such a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach(BTreeSet<String>);

impl Reach {
    /// The reach of a run that is to be created.
    #[must_use]
    pub fn of_resources(experiment: &Experiment, resources: &Resources) -> Self {
        let references = resources.references();
        let namespaces = references.iter().map(|object| object.namespace.as_str());
        Self::new(namespaces.chain([experiment.namespace(), resources.workload.namespace()]))
    }

    /// The reach into one namespace.
    #[must_use]
    pub fn in_namespace(namespace: &str) -> Self {
        Self::new(std::iter::once(namespace))
    }

    /// The reach of a run that goes on.
    #[must_use]
    pub fn of_status(experiment: &Experiment, status: &Status) -> Self {
        let namespaces = status.resources.iter().map(|object| object.namespace.as_str());
        Self::new(namespaces.chain([experiment.namespace()]).chain(status.run_namespace.as_deref()))
    }

    /// The namespaces.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn new<'a>(namespaces: impl Iterator<Item = &'a str>) -> Self {
        Self(namespaces.filter(|namespace| !namespace.is_empty()).map(str::to_owned).collect())
    }
}

/// The state of a freeze that holds runs.
pub const ACTIVE: &str = "Active";

/// A freeze, as the operator reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    namespace: String,
    name: String,
    is_active: bool,
    until: Option<Timestamp>,
    reason: String,
    aborts: bool,
}

impl Read {
    /// Reads a freeze.
    #[must_use]
    pub fn of(freeze: &Freeze) -> Self {
        let spec = &freeze.spec;
        let reason = spec.reason.as_deref().unwrap_or_default().trim();
        Self {
            namespace: freeze.metadata.namespace.clone().unwrap_or_default(),
            name: freeze.metadata.name.clone().unwrap_or_default(),
            is_active: spec.active.unwrap_or(true),
            until: spec.until.as_ref().map(|until| until.0),
            reason: short(&reason.chars().take(freeze::LONGEST_REASON as usize).collect::<String>()),
            aborts: spec.abort_running.unwrap_or(false),
        }
    }

    /// Reads a freeze of which only the name is known. It counts as one that lasts, since it may be one.
    #[must_use]
    pub fn unreadable(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            is_active: true,
            until: None,
            reason: "the operator cannot read the spec of the freeze".to_owned(),
            aborts: false,
        }
    }

    /// Returns `NAMESPACE/NAME`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Returns when the freeze ends by itself, if it does.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Returns the state in one word.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        match self.until {
            _ if !self.is_active => "Inactive",
            Some(until) if until <= now => "Expired",
            _ => ACTIVE,
        }
    }

    /// Returns the time until which the freeze holds runs, if it holds any and will end by itself.
    #[must_use]
    pub fn expiry(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| self.is_active && *until > now)
    }

    /// Whether the freeze holds runs now.
    fn holds(&self, now: Timestamp) -> bool {
        self.is_active && self.until.is_none_or(|until| until > now)
    }

    fn covers(&self, reach: &Reach, home: &str) -> bool {
        self.namespace == home || reach.0.contains(&self.namespace)
    }

    /// The freeze in words: its name, its end and its reason.
    fn words(&self) -> String {
        let until = self.until.map(|until| format!(" until {until}")).unwrap_or_default();
        let reason = Some(&self.reason).filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{}{until}{reason}", self.key())
    }
}

/// Returns the freeze that keeps a run from starting. Of several, it is the one that lasts longest.
#[must_use]
pub fn held<'a>(
    freezes: impl Iterator<Item = &'a Read>,
    home: &str,
    reach: &Reach,
    now: Timestamp,
) -> Option<&'a Read> {
    let holding = freezes.filter(|freeze| freeze.holds(now) && freeze.covers(reach, home));
    holding.max_by_key(|freeze| (freeze.until.unwrap_or(Timestamp::MAX), std::cmp::Reverse(freeze.key())))
}

/// Returns the freeze that stops a run. Of several, it is the one that lasts longest.
#[must_use]
pub fn stopped<'a>(
    freezes: impl Iterator<Item = &'a Read>,
    home: &str,
    reach: &Reach,
    now: Timestamp,
) -> Option<&'a Read> {
    held(freezes.filter(|freeze| freeze.aborts), home, reach, now)
}

impl Read {
    /// What the freeze says to a run that is to start.
    #[must_use]
    pub fn hold(&self) -> Hold {
        let message = format!("no run starts during the freeze {}", self.words());
        Hold { reason: Reason::Frozen, message, until: self.until, again: None }
    }

    /// What the freeze says to a run that goes on.
    #[must_use]
    pub fn stop(&self, now: Timestamp) -> Stop {
        Stop {
            reason: Reason::Frozen.into(),
            message: format!("stopped by the freeze {}", self.words()),
            freeze: Some(self.key()),
            at: Some(Time(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn read(namespace: &str, name: &str, spec: Value) -> Read {
        let object = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitFreeze",
            "metadata": {"namespace": namespace, "name": name}, "spec": spec});
        Read::of(&serde_json::from_value(object).unwrap())
    }

    fn now() -> Timestamp {
        "2026-12-01T12:00:00Z".parse().unwrap()
    }

    fn reach(namespaces: &[&str]) -> Reach {
        Reach::new(namespaces.iter().copied())
    }

    #[rstest]
    #[case::without_fields(json!({}), "Active")]
    #[case::active(json!({"active": true}), "Active")]
    #[case::not_active(json!({"active": false}), "Inactive")]
    #[case::not_active_and_over(json!({"active": false, "until": "2026-12-01T11:00:00Z"}), "Inactive")]
    #[case::until_later(json!({"until": "2026-12-01T12:00:01Z"}), "Active")]
    #[case::until_now(json!({"until": "2026-12-01T12:00:00Z"}), "Expired")]
    fn a_freeze_holds_while_it_is_active_and_until_its_end(#[case] spec: Value, #[case] expected: &str) {
        let freeze = read("home", "f", spec);
        assert_eq!(freeze.state(now()), expected);
        let holds = held([&freeze].into_iter(), "home", &reach(&["run"]), now()).is_some();
        assert_eq!(holds, expected == "Active");
    }

    #[rstest]
    #[case::of_the_operator("home", &["run"], true)]
    #[case::of_the_run("run", &["run", "home"], true)]
    #[case::where_it_has_a_role("shop", &["run", "shop"], true)]
    #[case::elsewhere("other", &["run", "shop"], false)]
    fn a_freeze_holds_what_its_namespace_is_about(
        #[case] namespace: &str,
        #[case] namespaces: &[&str],
        #[case] expected: bool,
    ) {
        let freeze = read(namespace, "f", json!({"abortRunning": true}));
        let all = || [&freeze].into_iter();
        assert_eq!(held(all(), "home", &reach(namespaces), now()).is_some(), expected);
        assert_eq!(stopped(all(), "home", &reach(namespaces), now()).is_some(), expected);
    }

    #[test]
    fn of_several_freezes_the_one_that_lasts_longest_is_named() {
        let until = |time: &str| json!({"until": time});
        let all = [
            read("home", "a", until("2026-12-02T00:00:00Z")),
            read("run", "b", until("2026-12-03T00:00:00Z")),
            read("run", "c", json!({"active": false})),
            read("run", "d", json!({"until": "2026-12-01T13:00:00Z", "abortRunning": true})),
        ];
        let reach = reach(&["run"]);
        assert_eq!(held(all.iter(), "home", &reach, now()).unwrap().key(), "run/b");
        assert_eq!(stopped(all.iter(), "home", &reach, now()).unwrap().key(), "run/d");
        let lasting = [read("run", "z", json!({})), read("run", "y", json!({}))];
        let found = held(all.iter().chain(&lasting), "home", &reach, now()).unwrap();
        assert_eq!((found.key().as_str(), found.expiry(now())), ("run/y", None));
    }

    #[test]
    fn the_words_name_the_freeze_its_end_and_its_reason() {
        let freeze =
            read("home", "year-end", json!({"until": "2027-01-02T08:00:00Z", "reason": " year end "}));
        assert_eq!(
            freeze.hold().message,
            "no run starts during the freeze home/year-end until 2027-01-02T08:00:00Z: year end"
        );
        assert_eq!(read("home", "f", json!({})).stop(now()).message, "stopped by the freeze home/f");
    }

    #[test]
    fn a_freeze_that_cannot_be_read_holds() {
        let freeze = Read::unreadable("home", "f");
        assert!(held([&freeze].into_iter(), "home", &reach(&["run"]), now()).is_some());
        assert!(stopped([&freeze].into_iter(), "home", &reach(&["run"]), now()).is_none());
    }

    #[test]
    fn a_reason_of_any_length_is_cut() {
        let freeze = read("home", "f", json!({"reason": "é".repeat(5000)}));
        assert!(freeze.reason.len() <= 1024 && !freeze.reason.is_empty());
    }
}
