//! Where an experiment is, and which namespaces its runs may use for that reason: pure.
//!
//! The runs of an experiment in the operator's namespace take place where its spec says. Any other experiment runs in its own
//! namespace.

use chaostoolkit_api::spec::InvalidSpec;
use chaostoolkit_api::{Experiment, Spec, names};

/// The two namespaces that decide where an experiment may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The namespace of the operator.
    home: &'a str,
    /// The namespace of the experiment. `None` if it is the operator's.
    own: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// Returns the place of an experiment. One that names no namespace counts as in the operator's.
    #[must_use]
    pub fn of(experiment: &'a Experiment, home: &'a str) -> Self {
        let own = experiment.namespace();
        Self { home, own: (!own.is_empty() && own != home).then_some(own) }
    }

    /// Returns the namespace of the operator.
    #[must_use]
    pub const fn home(self) -> &'a str {
        self.home
    }

    /// Returns the namespace of the experiment if it is not the operator's, so that its runs take place there.
    #[must_use]
    pub const fn own_namespace(self) -> Option<&'a str> {
        self.own
    }

    /// Returns the namespace in which a run of this spec takes place.
    pub fn run_namespace<'s>(self, spec: &'s Spec) -> Result<&'s str, InvalidSpec>
    where
        'a: 's,
    {
        let path = || "spec.namespace".to_owned();
        let Some(own) = self.own else {
            let wanted = spec.namespace.as_deref().unwrap_or(names::DEFAULT_RUN_NAMESPACE);
            return self.check(path(), wanted).map(|()| wanted);
        };
        self.check("metadata.namespace".to_owned(), own)?;
        if spec.namespace.as_deref().is_some_and(|wanted| wanted != own) {
            let problem = format!(
                "an experiment outside the operator's namespace runs in its own namespace; remove the field or set it to {own:?}"
            );
            return Err(InvalidSpec::forbidden(path(), problem));
        }
        Ok(own)
    }

    /// Checks that a run may reach into a namespace: neither into those of the cluster's own parts nor into the operator's.
    pub fn check(self, path: String, namespace: &str) -> Result<(), InvalidSpec> {
        names::check_dns_label(namespace).map_err(|problem| InvalidSpec::new(path.clone(), problem))?;
        if namespace == self.home || namespace.starts_with("kube-") {
            let problem = format!(
                "{namespace:?} is not for experiments: a run there could reach the cluster's or the operator's own parts"
            );
            return Err(InvalidSpec::forbidden(path, problem));
        }
        Ok(())
    }

    /// Whether a run of the experiment may take place in a namespace, as far as that can be said without its spec.
    #[must_use]
    pub fn may_run_in(self, namespace: &str) -> bool {
        self.own.is_none_or(|own| own == namespace) && self.may_reach(namespace)
    }

    /// Whether a run of the experiment may have rights in a namespace.
    #[must_use]
    pub fn may_reach(self, namespace: &str) -> bool {
        self.check(String::new(), namespace).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    /// Returns the namespace of a run, or what is wrong with the spec.
    fn run_namespace(namespace: &str, spec: &Value) -> String {
        let metadata = json!({"metadata": {"name": "x", "namespace": namespace}});
        let experiment: Experiment = serde_json::from_value(metadata).unwrap();
        let spec = Spec::read(Some(spec)).spec;
        let place = Place::of(&experiment, "home");
        place.run_namespace(&spec).map_or_else(|invalid| invalid.to_string(), str::to_owned)
    }

    #[rstest]
    #[case::at_home("home", json!({}), "chaostoolkit-run")]
    #[case::where_the_spec_says("home", json!({"namespace": "shop"}), "shop")]
    #[case::in_its_own("team", json!({}), "team")]
    #[case::in_its_own_by_name("team", json!({"namespace": "team"}), "team")]
    fn an_experiment_elsewhere_runs_in_its_own_namespace(
        #[case] namespace: &str,
        #[case] spec: Value,
        #[case] expected: &str,
    ) {
        assert_eq!(run_namespace(namespace, &spec), expected);
    }

    #[rstest]
    #[case::the_operators("home", json!({"namespace": "home"}), "spec.namespace")]
    #[case::of_the_cluster("home", json!({"namespace": "kube-system"}), "spec.namespace")]
    #[case::another("team", json!({"namespace": "shop"}), "remove the field or set it to \"team\"")]
    #[case::the_default_one("team", json!({"namespace": "chaostoolkit-run"}), "runs in its own namespace")]
    #[case::empty("team", json!({"namespace": ""}), "runs in its own namespace")]
    #[case::in_one_of_the_cluster("kube-system", json!({}), "metadata.namespace")]
    #[case::named_too("kube-system", json!({"namespace": "kube-system"}), "is not for experiments")]
    fn no_run_takes_place_anywhere_else(
        #[case] namespace: &str,
        #[case] spec: Value,
        #[case] expected: &str,
    ) {
        let problem = run_namespace(namespace, &spec);
        assert!(problem.contains(expected), "{problem}");
    }

    #[test]
    fn further_namespaces_are_neither_the_operators_nor_the_clusters() {
        let own = Place { home: "home", own: Some("team") };
        assert!(own.may_reach("shop") && own.may_reach("team"));
        assert!(!own.may_reach("home") && !own.may_reach("kube-public") && !own.may_reach("a/b"));
        assert!(own.may_run_in("team") && !own.may_run_in("shop"));
        let home = Place { home: "home", own: None };
        assert!(home.may_run_in("shop") && !home.may_run_in("home"));
    }
}
