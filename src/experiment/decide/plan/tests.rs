use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use chaostoolkit_api::Spec;

fn planned(spec: Value) -> Result<Plan, InvalidSpec> {
    let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
    let facts = Facts { operator_namespace: "the-operators".into(), ..Facts::default() };
    plan(&experiment, &Spec::parse(experiment.spec.as_ref())?, &facts)
}

#[test]
fn an_empty_spec_is_the_documented_default() {
    let plan = planned(json!({})).unwrap();
    assert_eq!(plan.namespace, "chaostoolkit-run");
    assert_eq!(plan.service_account, None);
    assert_eq!(
        plan.rights,
        Rights { role: None, bind: true, namespaces: vec![], generated: None, cluster_role: None }
    );
    assert_eq!(
        plan.env,
        Env { enabled: true, config_map: DEFAULT_ENV.into(), own: true, secret: None, variables: vec![] }
    );
    assert_eq!(
        plan.source,
        Source::File { config_map: "chaostoolkit-experiment".into(), file: "experiment.json".into() }
    );
    assert_eq!((plan.settings, plan.image, plan.arguments, plan.command), (None, None, None, None));
}

#[rstest]
#[case("")]
#[case("No")]
#[case("kube-system")]
#[case("kube-anything")]
#[case("the-operators")]
fn namespaces_that_are_refused(#[case] namespace: &str) {
    assert_eq!(planned(json!({"namespace": namespace})).unwrap_err().path, "spec.namespace");
}

#[test]
fn a_config_map_that_the_author_names_is_never_replaced_by_an_empty_one() {
    let plan = planned(json!({"pod": {"env": {"configMapName": "mine"}}})).unwrap();
    assert_eq!((plan.env.config_map.as_str(), plan.env.own), ("mine", false));
}
#[rstest]
#[case(json!({"value": "* * * * *"}), "spec.schedule.kind")]
#[case(json!({"kind": "timer", "value": "* * * * *"}), "spec.schedule.kind")]
#[case(json!({"kind": "cronJob"}), "spec.schedule.value")]
#[case(json!({"kind": "cronJob", "value": ""}), "spec.schedule.value")]
fn an_incomplete_schedule_is_an_error_and_not_chaos_every_minute(
    #[case] schedule: Value,
    #[case] path: &str,
) {
    assert_eq!(planned(json!({"schedule": schedule})).unwrap_err().path, path);
}

#[test]
fn a_schedule_without_a_value_is_that_of_the_template() {
    let template = TemplateSchedule { cron: "0 3 * * *".into(), time_zone: Some("Etc/UTC".into()) };
    let facts = Facts { template_schedule: Some(template), ..Facts::default() };
    for (spec, cron, time_zone) in [
        (json!({"kind": "cronJob"}), "0 3 * * *", Some("Etc/UTC")),
        (json!({"kind": "cronJob", "timeZone": "Europe/Paris"}), "0 3 * * *", Some("Europe/Paris")),
        (json!({"kind": "cronJob", "value": "0 4 * * *"}), "0 4 * * *", None),
    ] {
        let experiment = Experiment { spec: Some(json!({"schedule": spec})), ..Experiment::default() };
        let plan = plan(&experiment, &Spec::parse(experiment.spec.as_ref()).unwrap(), &facts).unwrap();
        let schedule = plan.schedule.unwrap();
        assert_eq!((schedule.cron.as_str(), schedule.time_zone.as_deref()), (cron, time_zone));
    }
}

#[rstest]
#[case(json!({"jitterSeconds": 0, "stopAfter": {}}), &[])]
#[case(json!({"jitterSeconds": 86_400, "stopAfter": {"deviated": 1, "failed": 3}}), &[])]
#[case(json!({"jitterSeconds": -1}), &["spec.schedule.jitterSeconds: is -1; a delay is from 0 to 86400 seconds"])]
#[case(json!({"jitterSeconds": 86_401}), &["spec.schedule.jitterSeconds: is 86401; a delay is from 0 to 86400 seconds"])]
#[case(json!({"stopAfter": {"deviated": 0, "failed": -2}}), &["spec.schedule.stopAfter.deviated: is 0; a schedule is suspended after 1 to 10 runs", "spec.schedule.stopAfter.failed: is -2; a schedule is suspended after 1 to 10 runs"])]
fn the_numbers_of_a_schedule_have_limits(#[case] mut schedule: Value, #[case] expected: &[&str]) {
    schedule["kind"] = json!("cronJob");
    schedule["value"] = json!("* * * * *");
    let mistakes = planned(json!({"schedule": schedule})).err();
    assert_eq!(mistakes.map(|mistakes| mistakes.to_string()).unwrap_or_default(), expected.join("; "));
}

#[test]
fn an_empty_schedule_is_none() {
    assert_eq!(planned(json!({"schedule": {}})).unwrap().schedule, None);
}

#[rstest]
#[case(json!("hello"), "is not a pod")]
#[case(json!("a: ["), "is not YAML")]
#[case(json!({"kind": "Job"}), "is not a pod")]
#[case(json!({"kind": "Pod", "metadata": {"name": 5}}), "has a `metadata.name` that is not a text")]
#[case(json!({"kind": "Pod", "metadata": {"name": ""}}), "has a `metadata.name` that is not a text")]
#[case(json!({"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": []}}), "has no container")]
#[case(json!({"spec": {"containers": [{"name": "x"}, {"name": "y"}]}}), "has several containers and none called \"chaostoolkit\", but \"x\", \"y\"")]
#[case(json!({"spec": {"containers": ["x"]}}), "has no container")]
#[case(json!({"spec": {"containers": "x"}}), "has no container")]
#[case(json!({"metadata": []}), "has a `metadata.name` that is not a text")]
fn a_pod_of_the_authors_own_is_a_pod(#[case] template: Value, #[case] problem: &str) {
    let invalid = planned(json!({"pod": {"template": template}})).unwrap_err();
    assert_eq!(invalid.path, "spec.pod.template");
    assert!(invalid.problem.starts_with(problem), "{invalid}");
}

#[test]
fn a_pod_of_the_authors_own_may_leave_out_what_0_14_0_did_not_need() {
    let spec = json!({"containers": [{"name": "mine"}]});
    for template in [json!({"spec": spec}), json!({"metadata": null, "spec": spec})] {
        let pod = planned(json!({"pod": {"template": template}})).unwrap().pod.unwrap();
        assert_eq!(
            pod,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "chaostoolkit"}, "spec": spec})
        );
    }
}

#[test]
fn text_and_mapping_are_the_same_pod() {
    let text = "{kind: Pod, metadata: {name: a}, spec: {containers: [{name: chaostoolkit, ports: [0x50]}]}}";
    let mapping = json!({"kind": "Pod", "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "chaostoolkit", "ports": [80]}]}});
    let from_text = planned(json!({"pod": {"template": text}})).unwrap().pod;
    assert_eq!(from_text, planned(json!({"pod": {"template": mapping}})).unwrap().pod);
}

#[rstest]
#[case(json!([null, "", "shop", "shop", "chaostoolkit-run"]), Ok(vec!["shop".to_owned()]))]
#[case(json!(["shop", "kube-system"]), Err("spec.role.binds_to_namespaces[1]"))]
#[case(json!(["the-operators"]), Err("spec.role.binds_to_namespaces[0]"))]
#[case(json!(["a", "b", "c", "d", "e", "f", "g", "h", "i"]), Err("spec.role.binds_to_namespaces"))]
fn bound_namespaces_are_few_and_fit(#[case] listed: Value, #[case] expected: Result<Vec<String>, &str>) {
    let planned = planned(json!({"role": {"binds_to_namespaces": listed}}));
    let made =
        planned.as_ref().map(|plan| plan.rights.namespaces.clone()).map_err(|error| error.path.as_str());
    assert_eq!(made, expected);
}

#[rstest]
#[case(json!({}), true, false, true)]
#[case(json!({}), true, true, false)]
#[case(json!({}), false, false, false)]
#[case(json!({"asFile": true}), true, false, false)]
#[case(json!({"configMapName": "mine"}), true, false, false)]
#[case(json!({"asFile": false}), false, true, true)]
fn a_url_alone_counts_where_there_is_no_file(
    #[case] source: Value,
    #[case] has_url: bool,
    #[case] experiment_exists: bool,
    #[case] is_url: bool,
) {
    let experiment =
        Experiment { spec: Some(json!({"pod": {"experiment": source}})), ..Experiment::default() };
    let facts = Facts { has_url, experiment_exists, ..Facts::default() };
    let plan = plan(&experiment, &Spec::parse(experiment.spec.as_ref()).unwrap(), &facts).unwrap();
    assert_eq!(plan.source == Source::Url, is_url);
}

#[rstest]
#[case(json!({"configMapName": "old"}), "old")]
#[case(json!({"configMapName": "old", "env": {"configMapName": "new"}}), "new")]
#[case(json!({"env": [{"name": "A", "value": "1"}]}), DEFAULT_ENV)]
fn the_config_map_of_variables_has_two_places(#[case] pod: Value, #[case] name: &str) {
    assert_eq!(planned(json!({"pod": pod})).unwrap().env.config_map, name);
}

#[rstest]
#[case::beside_another(json!({"experiment": {}, "pod": {"experiment": {"configMapName": "x"}}}))]
#[case::in_a_foreign_pod(json!({"experiment": {}, "pod": {"template": "kind: Pod"}}))]
#[case::a_text(json!({"experiment": "title: x"}))]
fn an_experiment_in_the_spec_is_the_only_one(#[case] spec: Value) {
    assert_eq!(planned(spec).unwrap_err().path, "spec.experiment");
}

#[rstest]
#[case(json!({"experiment": {"title": "x"}}), "inline", true)]
#[case(json!({"pod": {"experiment": {"asFile": false}}}), "url", false)]
#[case(json!({"pod": {"experiment": {"configMapName": "m", "configMapExperimentFileName": "e.yaml"}}}), "configmap/m/e.yaml", false)]
fn what_runs_is_on_the_record(#[case] spec: Value, #[case] source: &str, #[case] is_known: bool) {
    let about = planned(spec).unwrap().about;
    assert_eq!((about.source.as_deref(), about.sha256.is_some()), (Some(source), is_known));
}

#[test]
fn the_fingerprint_is_that_of_sha256sum() {
    let facts = Facts { text: Some("hello\n".into()), ..Facts::default() };
    let experiment = Experiment::default();
    let plan = plan(&experiment, &Spec::parse(None).unwrap(), &facts).unwrap();
    let expected = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    assert_eq!(plan.about.sha256.as_deref(), Some(expected));
}

#[rstest]
#[case(json!({}), Some(true))]
#[case(json!({"mode": "runner", "journal": {"store": "configMap"}}), Some(true))]
#[case(json!({"journal": {"store": "none"}}), Some(false))]
#[case(json!({"mode": "none"}), None)]
fn the_author_says_what_is_reported(#[case] report: Value, #[case] journal: Option<bool>) {
    let plan = planned(json!({"report": report})).unwrap();
    assert_eq!(plan.runner.map(|runner| runner.journal), journal);
}

#[test]
fn a_report_that_is_not_known_is_an_error() {
    let invalid = Spec::parse(Some(&json!({"report": {"mode": "sidecar"}}))).unwrap_err();
    assert_eq!(invalid.path, "spec.report.mode");
}
