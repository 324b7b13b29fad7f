//! `spec.role.generate`: the rules that the experiment needs, by namespace.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::experiment::decide::place::Place;
use crate::experiment::decide::plan::elsewhere::PATH_VARIABLE;
use crate::experiment::decide::plan::source::DEFAULT_FILE;
use crate::experiment::decide::plan::types::{Facts, Generated, Source};
use crate::experiment::decide::plan::values::{given, is_empty};
use crate::toolkit::rights::{self, Namespace, Need, rule};
use chaostoolkit_api::Spec;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes};

/// How many further namespaces a role may be bound in. More would not fit into what an admission policy may compute.
pub const MAX_BOUND_NAMESPACES: usize = 8;

/// The field that asks for it.
const FIELD: &str = "spec.role.generate";

/// Returns the rules if the spec asks for them, and the further namespaces: those that are listed, and those that the
/// experiment names.
pub fn generated(
    spec: &Spec,
    source: &Source,
    facts: &Facts,
    (place, run_namespace): (Place<'_>, &str),
    listed: Vec<String>,
) -> Result<(Option<Generated>, Vec<String>), InvalidSpec> {
    if !is_asked(spec) {
        return Ok((None, listed));
    }
    is_possible(spec, source)?;
    let (text, file, origin) = match source {
        Source::Inline(inline) => (Some(inline.to_string()), DEFAULT_FILE, None),
        Source::File { config_map, file } => {
            (facts.text.clone(), file.as_str(), Some(format!("configmap/{config_map}/{file}")))
        }
        Source::Url | Source::Remote(_) | Source::Artifact(_) => (None, DEFAULT_FILE, None),
    };
    let Some(text) = text else { return Ok((Some(Generated::default()), listed)) };
    let arguments = spec.pod.as_ref().and_then(|pod| pod.chaos_args.as_deref()).unwrap_or_default();
    let found = rights::rights(file, &text, arguments.iter().any(|argument| argument.contains("--var")));
    let path = |path: &str| match &origin {
        None => format!("spec.experiment.{path}"),
        Some(origin) => format!("{path} of {origin}"),
    };
    let named = named(&found.needs, path, place)?;
    let mut namespaces = listed;
    for name in named {
        if name != run_namespace && !namespaces.contains(&name) {
            namespaces.push(name);
        }
    }
    if namespaces.len() > MAX_BOUND_NAMESPACES {
        let problem = format!(
            "the experiment and spec.role.binds_to_namespaces name {} namespaces; at most {MAX_BOUND_NAMESPACES} are possible",
            namespaces.len()
        );
        return Err(InvalidSpec::new(FIELD, problem));
    }
    let role = spec.role.clone().unwrap_or_default();
    let listed = role.binds_to_namespaces.unwrap_or_default();
    let rules = std::iter::once(run_namespace).chain(namespaces.iter().map(String::as_str));
    let rules = rules
        .map(|name| (name.to_owned(), rules_in(name, listed.iter().any(|one| one == name), &found.needs)));
    let mut problems = found.problems;
    problems.extend(other_experiment(arguments, file));
    let rules: BTreeMap<String, Vec<Value>> = rules.filter(|(_, rules)| !rules.is_empty()).collect();
    Ok((Some(Generated { rules, problems, is_known: true, is_written: false }), namespaces))
}

/// Whether a spec asks for generated rules.
#[must_use]
pub fn is_asked(spec: &Spec) -> bool {
    spec.role.as_ref().is_some_and(|role| role.generate == Some(true))
}

/// Whether the operator can read the experiment, and creates the Role.
fn is_possible(spec: &Spec, source: &Source) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    let mut wrong = |problem: &str| mistakes.add(InvalidSpec::new(FIELD, problem));
    let role = spec.role.clone().unwrap_or_default();
    if given(role.name).is_some() {
        wrong("cannot be used with spec.role.name, which names an existing Role");
    }
    if given(role.bind).is_some() {
        wrong("cannot be used with spec.role.bind, which names an existing RoleBinding");
    }
    let pod = spec.pod.clone().unwrap_or_default();
    if pod.template.is_some_and(|template| !is_empty(&template)) {
        wrong("cannot be used with spec.pod.template, since it is not known what runs in a pod of your own");
    } else if matches!(source, Source::Artifact(_)) {
        wrong("cannot be used with an experiment from an artifact, which the operator does not read");
    } else if matches!(source, Source::Url | Source::Remote(_)) && spec.experiment.is_none() {
        wrong("cannot be used with an experiment from a URL, which the operator does not read");
    }
    mistakes.none()
}

/// Returns the namespaces that the activities name, and checks them as those of the spec.
fn named(
    needs: &[Need],
    path: impl Fn(&str) -> String,
    place: Place<'_>,
) -> Result<BTreeSet<String>, InvalidSpec> {
    let (mut names, mut mistakes) = (BTreeSet::new(), Mistakes::default());
    for need in needs {
        let Namespace::Known(name) = &need.namespace else { continue };
        if names.insert(name.clone()) {
            mistakes.or(place.check(path(&need.path), name), ());
        }
    }
    mistakes.none().map(|()| names)
}

/// Returns the rules for a namespace: those of the activities there. A namespace that the author lists gets all rules.
fn rules_in(namespace: &str, is_listed: bool, needs: &[Need]) -> Vec<Value> {
    let is_there =
        |need: &&Need| is_listed || matches!(&need.namespace, Namespace::Known(name) if name == namespace);
    rule::rules(needs.iter().filter(is_there).flat_map(|need| &need.grants))
}

/// Says that the author's arguments may run an experiment other than the one that was read.
fn other_experiment(arguments: &[String], file: &str) -> Option<String> {
    let is_this = |argument: &String| argument.contains(PATH_VARIABLE) || argument.contains(file);
    (!arguments.is_empty() && !arguments.iter().any(is_this)).then(|| {
        "spec.pod.chaosArgs does not name $(EXPERIMENT_PATH), so the toolkit may run an experiment that was not read"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::decide::plan::{Plan, plan};
    use chaostoolkit_api::Experiment;
    use rstest::rstest;
    use serde_json::json;

    fn scale(name: &str, ns: &Value) -> Value {
        json!({"type": "action", "name": name, "provider": {"type": "python", "module": "chaosk8s.deployment.actions",
            "func": "scale_deployment", "arguments": {"name": name, "replicas": 1, "ns": ns}}})
    }

    /// An experiment that scales a Deployment in each of these namespaces.
    fn in_namespaces(namespaces: &[&str]) -> Value {
        json!({"method": namespaces.iter().map(|ns| scale("a", &json!(ns))).collect::<Vec<_>>()})
    }

    fn planned(spec: Value, text: Option<&Value>) -> Result<Plan, InvalidSpec> {
        let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        let facts = Facts {
            operator_namespace: "the-operators".into(),
            text: text.map(Value::to_string),
            ..Facts::default()
        };
        plan(&experiment, &Spec::parse(experiment.spec.as_ref())?, &facts)
    }

    fn rules_of(plan: &Plan) -> Value {
        json!(plan.rights.generated.as_ref().map(|generated| &generated.rules))
    }

    fn patch(names: &[&str]) -> Value {
        json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"], "resourceNames": names}])
    }

    #[test]
    fn each_namespace_gets_the_rules_that_the_activities_need_there() {
        let method =
            [scale("a", &json!("shop")), scale("b", &json!("shop")), scale("c", &json!("chaostoolkit-run"))];
        let plan =
            planned(json!({"role": {"generate": true}, "experiment": {"method": method}}), None).unwrap();
        assert_eq!(rules_of(&plan), json!({"shop": patch(&["a", "b"]), "chaostoolkit-run": patch(&["c"])}));
        assert_eq!(plan.rights.namespaces, ["shop"]);
    }

    #[test]
    fn a_listed_namespace_gets_all_rules_also_those_whose_namespace_is_not_known() {
        let experiment = json!({"method": [scale("a", &json!("shop")), scale("b", &json!("${ns}"))]});
        let spec = |listed: &[&str]| json!({"role": {"generate": true, "binds_to_namespaces": listed}, "experiment": experiment});
        let plan = planned(spec(&["other"]), None).unwrap();
        assert_eq!(rules_of(&plan), json!({"shop": patch(&["a"]), "other": patch(&["a", "b"])}));
        assert_eq!(plan.rights.namespaces, ["other", "shop"]);
        let plan = planned(spec(&["shop", "chaostoolkit-run"]), None).unwrap();
        assert_eq!(
            rules_of(&plan),
            json!({"shop": patch(&["a", "b"]), "chaostoolkit-run": patch(&["a", "b"])})
        );
        assert_eq!(plan.rights.namespaces, ["shop"]);
        let plan = planned(spec(&[]), None).unwrap();
        assert_eq!(rules_of(&plan), json!({"shop": patch(&["a"])}));
        assert_eq!(plan.rights.generated.unwrap().problems.len(), 1);
    }

    #[rstest]
    #[case(json!({"name": "theirs", "generate": true}), json!({}), "cannot be used with spec.role.name")]
    #[case(json!({"bind": "theirs", "generate": true}), json!({}), "cannot be used with spec.role.bind")]
    #[case(json!({"generate": true}), json!({"experiment": {"asFile": false}}), "cannot be used with an experiment from a URL")]
    #[case(json!({"generate": true}), json!({"env": [{"name": "EXPERIMENT_URL", "value": "http://a/"}]}), "cannot be used with an experiment from a URL")]
    #[case(json!({"generate": true}), json!({"template": {"spec": {"containers": [{"name": "a"}]}}}), "cannot be used with spec.pod.template")]
    fn what_it_does_not_go_with_is_refused(#[case] role: Value, #[case] pod: Value, #[case] problem: &str) {
        let experiment =
            Experiment { spec: Some(json!({"role": role, "pod": pod})), ..Experiment::default() };
        let parsed = Spec::parse(experiment.spec.as_ref()).unwrap();
        let facts = Facts { has_url: pod["env"].is_array(), ..Facts::default() };
        let invalid = plan(&experiment, &parsed, &facts).unwrap_err();
        assert_eq!(invalid.path, FIELD);
        assert!(invalid.problem.starts_with(problem) && invalid.more.is_empty(), "{invalid}");
    }

    #[rstest]
    #[case(json!({"role": {"name": "theirs", "bind": "theirs", "generate": false}}))]
    #[case(json!({"role": {"generate": null}, "pod": {"experiment": {"asFile": false}}}))]
    fn without_it_the_rules_are_those_of_the_template(#[case] spec: Value) {
        assert_eq!(planned(spec, None).unwrap().rights.generated, None);
    }

    #[test]
    fn namespaces_pass_the_checks_of_the_spec_and_the_argument_is_named() {
        let experiment = in_namespaces(&["shop", "kube-system", "the-operators", "No", "kube-system"]);
        let inline = json!({"role": {"generate": true}, "experiment": experiment});
        let file = json!({"role": {"generate": true}});
        for (spec, before, after) in [
            (inline, "spec.experiment.", ""),
            (file, "", " of configmap/chaostoolkit-experiment/experiment.json"),
        ] {
            let invalid = planned(spec, Some(&experiment)).unwrap_err();
            let all: Vec<&str> = invalid.all().map(|one| one.path.as_str()).collect();
            let paths =
                [1, 2, 3].map(|index| format!("{before}method[{index}].provider.arguments.ns{after}"));
            assert_eq!(all, paths);
            assert!(invalid.has_forbidden());
        }
    }

    #[rstest]
    #[case::of_the_experiment(&[], 8, true)]
    #[case::one_too_many(&[], 9, false)]
    #[case::with_listed_ones(&["n0", "x"], 7, true)]
    #[case::with_too_many_listed_ones(&["x", "y"], 7, false)]
    fn there_are_at_most_eight_further_namespaces(
        #[case] listed: &[&str],
        #[case] named: usize,
        #[case] is_valid: bool,
    ) {
        let named: Vec<String> = (0..named).map(|number| format!("n{number}")).collect();
        let mut names: Vec<&str> = named.iter().map(String::as_str).collect();
        names.push("chaostoolkit-run");
        let role = json!({"generate": true, "binds_to_namespaces": listed});
        match planned(json!({"role": role, "experiment": in_namespaces(&names)}), None) {
            Ok(plan) => assert!(is_valid && plan.rights.namespaces.len() == 8),
            Err(invalid) => {
                assert_eq!((invalid.path.as_str(), is_valid), (FIELD, false));
                assert!(invalid.problem.ends_with("name 9 namespaces; at most 8 are possible"), "{invalid}");
            }
        }
    }

    #[test]
    fn an_experiment_that_is_not_there_yet_has_no_rules() {
        let generated = planned(json!({"role": {"generate": true}}), None).unwrap().rights.generated;
        assert_eq!(generated, Some(Generated::default()));
    }

    #[rstest]
    #[case(json!(["run", "$(EXPERIMENT_PATH)"]), &["shop"], 0)]
    #[case(json!(["run", "--var", "ns=other", "$(EXPERIMENT_PATH)"]), &[], 1)]
    #[case(json!(["run", "/other.json"]), &["shop"], 1)]
    fn the_arguments_may_replace_variables_or_the_experiment(
        #[case] arguments: Value,
        #[case] namespaces: &[&str],
        #[case] problems: usize,
    ) {
        let experiment = json!({"configuration": {"ns": "shop"}, "method": [scale("a", &json!("${ns}"))]});
        let spec =
            json!({"role": {"generate": true}, "experiment": experiment, "pod": {"chaosArgs": arguments}});
        let plan = planned(spec, None).unwrap();
        assert_eq!(plan.rights.namespaces, namespaces);
        assert_eq!(plan.rights.generated.unwrap().problems.len(), problems);
    }
}
