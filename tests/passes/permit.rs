//! Whether a run may start: who asked for it, what that user may do, and what holds if nobody knows.

use std::time::Duration;

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::control::{condition, found, rerun, set, with_rollbacks};
use super::*;

/// A name that can be found wherever it must not be.
const AUTHOR: &str = "the-author@example.com";

/// For how long answers are remembered, and a little more.
const FORGOTTEN: Duration = Duration::from_secs(31);

const STAMP_BINDING: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings/chaostoolkit-crd-stamp";
const AUTHORS_BINDING: &str =
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/chaostoolkit-crd-authors";

/// Returns a cluster that names authors, with an experiment of this spec by [`AUTHOR`], and an operator.
fn begin_asked(spec: &Value) -> (FakeApi, Operator) {
    let fake = cluster_for_runs();
    stamp_requests(&fake);
    let (fake, operator) = begin_in(fake, spec);
    fake.put(namespace("shop"));
    stamp(&fake, AUTHOR);
    (fake, operator)
}

/// Lets time pass until no answer is remembered any more.
async fn forget() {
    tokio::time::advance(FORGOTTEN).await;
}

/// Returns the message of the condition `Permitted`.
fn told(fake: &FakeApi) -> String {
    let conditions = status(fake)["conditions"].as_array().cloned().unwrap_or_default();
    let permitted = conditions.into_iter().find(|condition| condition["type"] == "Permitted").unwrap();
    permitted["message"].as_str().unwrap().to_owned()
}

/// Checks that neither an event nor a metric names the author.
fn author_is_not_published(fake: &FakeApi, operator: &Operator) {
    let events = serde_json::to_string(&fake.events()).unwrap();
    assert!(!events.contains(AUTHOR), "{events}");
    assert!(!operator.context.metrics.text().contains(AUTHOR));
}

/// What a cluster can say about authors.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Policies {
    None,
    Judging,
    Stamping,
}

/// What there is to know about the author of an experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// Nothing.
    Nobody,
    /// The annotations of [`AUTHOR`], for the newest request.
    Author,
    /// The same for an earlier request.
    Earlier,
}

#[tokio::test]
async fn what_may_start_without_being_asked_depends_on_the_policies() {
    let default = json!({});
    let elsewhere = json!({"namespace": "shop"});
    let reaching = json!({"role": {"binds_to_namespaces": ["shop"]}});
    let lending = json!({"serviceaccount": {"name": "theirs"}});
    let existing = json!({"role": {"name": "theirs"}});
    let beyond = [&elsewhere, &reaching, &lending, &existing];
    let mut cases = vec![
        (Policies::None, By::Nobody, &default, "Permitted"),
        (Policies::None, By::Author, &default, "Permitted"),
        (Policies::Judging, By::Nobody, &default, "JudgedAtRequest"),
        (Policies::Judging, By::Author, &default, "Permitted"),
        (Policies::Stamping, By::Nobody, &default, "Permitted"),
        (Policies::Stamping, By::Earlier, &default, "Permitted"),
        (Policies::Stamping, By::Author, &default, "Permitted"),
    ];
    for spec in beyond {
        cases.extend([
            (Policies::None, By::Nobody, spec, "PolicyMissing"),
            // Anybody could have written these annotations.
            (Policies::None, By::Author, spec, "PolicyMissing"),
            (Policies::Judging, By::Nobody, spec, "JudgedAtRequest"),
            (Policies::Judging, By::Author, spec, "Permitted"),
            (Policies::Stamping, By::Nobody, spec, "AuthorUnknown"),
            (Policies::Stamping, By::Earlier, spec, "AuthorUnknown"),
            (Policies::Stamping, By::Author, spec, "Permitted"),
        ]);
    }
    for (policies, by, spec, reason) in cases {
        let what = format!("{policies:?}, by {by:?}, {spec}");
        let fake = cluster_for_runs();
        match policies {
            Policies::None => {}
            Policies::Judging => judge_requests(&fake),
            Policies::Stamping => stamp_requests(&fake),
        }
        for name in ["chaostoolkit-run", "shop"] {
            fake.put(namespace(name));
            fake.put(config_map(name));
            let metadata = json!({"name": "theirs", "namespace": name});
            fake.put(json!({"kind": "Role", "metadata": metadata}));
            fake.put(json!({"kind": "ServiceAccount", "metadata": metadata}));
        }
        let (fake, mut operator) = begin_in(fake, spec);
        if by != By::Nobody {
            stamp(&fake, AUTHOR);
        }
        if by == By::Earlier {
            set(&fake, "verbose", json!(true));
        }
        settle(&fake, &mut operator, Some(0)).await;
        let is_known = by == By::Author && policies != Policies::None;
        assert_eq!(!fake.reviews().is_empty(), is_known, "{what}");
        if matches!(reason, "PolicyMissing" | "AuthorUnknown") {
            assert_eq!(found(&fake), format!("Blocked/none/{reason}"), "{what}");
            assert_eq!(condition(&fake, "Permitted"), format!("False/{reason}"), "{what}");
            assert_eq!(condition(&fake, "Provisioned"), format!("False/{reason}"), "{what}");
            assert_eq!(created(&fake), Vec::<String>::new(), "{what}");
        } else {
            assert_eq!(found(&fake), "Completed/Passed/Passed", "{what}");
            assert_eq!(condition(&fake, "Permitted"), format!("True/{reason}"), "{what}");
            let requested_by = status(&fake)["run"]["requestedBy"].clone();
            assert_eq!(requested_by, if is_known { json!(AUTHOR) } else { Value::Null }, "{what}");
        }
        author_is_not_published(&fake, &operator);
    }
}

/// Returns the objects that were created for the experiment.
fn created(fake: &FakeApi) -> Vec<String> {
    fake.writes().into_iter().filter(|call| call.method == "POST").map(|call| call.path).collect()
}

#[tokio::test]
async fn a_policy_that_is_not_bound_as_shipped_does_not_count() {
    let policy = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/chaostoolkit-crd-authors";
    for (path, field, value) in [
        (AUTHORS_BINDING, "/spec/validationActions", json!(["Warn"])),
        (AUTHORS_BINDING, "/spec/paramRef/namespace", json!("elsewhere")),
        (policy, "/spec/failurePolicy", json!("Ignore")),
    ] {
        let fake = judged(cluster_for_runs());
        fake.put(config_map("shop"));
        fake.edit(path, |object| *object.pointer_mut(field).unwrap() = value);
        let (fake, mut operator) = begin_in(fake, &json!({"namespace": "shop"}));
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), "Blocked/none/PolicyMissing", "{path}");
        assert!(told(&fake).contains("the run takes place in namespace shop"), "{}", told(&fake));
    }
}

#[tokio::test]
async fn what_was_never_judged_starts_only_as_the_default_run() {
    let reaching = json!({"role": {"binds_to_namespaces": ["shop"]}});
    for (spec, is_stamped, expected) in [
        (json!({}), false, "Completed/Passed/Passed"),
        (reaching.clone(), false, "Blocked/none/AuthorUnknown"),
        // Anybody could write these annotations before there was a policy.
        (reaching, true, "Blocked/none/AuthorUnknown"),
    ] {
        let (fake, mut operator) = begin(&spec);
        fake.put(namespace("shop"));
        if is_stamped {
            stamp(&fake, AUTHOR);
        }
        fake.edit(EXPERIMENT, |experiment| {
            experiment["metadata"]["creationTimestamp"] = json!("2020-01-01T00:00:00Z");
        });
        judge_requests(&fake);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), expected);
    }
}

/// The policy that judges requests asks for `update` on other templates. Without it, nobody has asked for anything.
#[tokio::test]
async fn a_role_from_other_templates_needs_a_policy_if_it_gives_more() {
    let secrets = "[{apiGroups: [''], resources: [secrets], verbs: [get]}]";
    let fewer = "[{apiGroups: [''], resources: [pods], verbs: [list], resourceNames: [a]}]";
    for (is_judged, rules, expected) in [
        (false, secrets, "Blocked/none/PolicyMissing"),
        (false, fewer, "Completed/Passed/Passed"),
        (true, secrets, "Completed/Passed/Passed"),
    ] {
        let fake = cluster_for_runs();
        let fake = if is_judged { judged(fake) } else { fake };
        let mut templates = TEMPLATES.clone();
        templates["metadata"]["name"] = json!("other");
        templates["data"]["chaostoolkit-role.yaml"] =
            json!(format!("kind: Role\nmetadata: {{name: chaostoolkit-experiment}}\nrules: {rules}\n"));
        fake.put(templates);
        let (fake, mut operator) = begin_in(fake, &json!({"template": {"name": "other"}}));
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), expected, "{rules}");
        if expected.starts_with("Blocked") {
            assert!(told(&fake).contains("may get secrets in namespace chaostoolkit-run"), "{}", told(&fake));
        }
    }
}

/// The names of the objects stay, so only their content says what they give.
#[tokio::test(start_paused = true)]
async fn an_edited_schedule_keeps_no_rights_of_before_and_gets_none_that_its_author_lacks() {
    let with_role = |name: &str| json!({"name": name});
    let mut spec = schedule::spec();
    spec["role"] = with_role("strong");
    let fake = cluster_for_runs();
    stamp_requests(&fake);
    for name in ["strong", "weak"] {
        fake.put(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": name, "namespace": "chaostoolkit-run"}, "rules": []}));
    }
    let (fake, mut operator) = begin_in(fake, &spec);
    stamp(&fake, AUTHOR);
    let bound = || fake.list("RoleBinding")[0]["roleRef"]["name"].clone();
    settle(&fake, &mut operator, None).await;
    assert_eq!((found(&fake), bound()), ("Scheduled/Unknown/Scheduled".to_owned(), json!("strong")));
    set(&fake, "role", with_role("weak"));
    stamp(&fake, AUTHOR);
    settle(&fake, &mut operator, None).await;
    assert_eq!(bound(), "weak");
    fake.forbid(&["create rolebindings chaostoolkit-run"]);
    forget().await;
    set(&fake, "role", with_role("strong"));
    stamp(&fake, "another");
    settle(&fake, &mut operator, None).await;
    assert_eq!((found(&fake), bound()), ("Blocked/Unknown/AuthorForbidden".to_owned(), json!("weak")));
}

#[tokio::test]
async fn the_author_is_asked_for_what_the_run_gets_and_once_for_each_right() {
    let (fake, mut operator) = begin_asked(&json!({"role": {"binds_to_namespaces": ["shop"]}}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    let mut expected = vec!["create rolebindings shop".to_owned()];
    for place in ["chaostoolkit-run", "shop"] {
        for resource in ["pods", "services", "configmaps", "ingresses"] {
            expected
                .extend(["create", "get", "delete", "list"].map(|verb| format!("{verb} {resource} {place}")));
        }
        expected.push(format!("list events {place}"));
    }
    let mut expected: Vec<String> = expected.iter().map(|right| format!("{AUTHOR} {right}")).collect();
    let mut asked = fake.reviews();
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected);
    author_is_not_published(&fake, &operator);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_as_kubectl_asks_for_it_and_the_run_starts_once_it_is_there() {
    let (fake, mut operator) = begin_asked(&json!({"role": {"binds_to_namespaces": ["shop"]}}));
    fake.forbid(&["delete pods shop", "list events shop"]);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/AuthorForbidden");
    assert_eq!(condition(&fake, "Permitted"), "False/AuthorForbidden");
    let command = format!("kubectl auth can-i delete pods -n shop --as={AUTHOR}");
    assert!(told(&fake).ends_with(&command), "{}", told(&fake));
    assert!(told(&fake).contains("delete pods in namespace shop (and 1 more right is missing)"));
    assert!(!status(&fake)["message"].to_string().contains(AUTHOR));
    assert_eq!(created(&fake), Vec::<String>::new());
    author_is_not_published(&fake, &operator);
    let asked = fake.reviews().len();
    operator.pass().await;
    assert_eq!(fake.reviews().len(), asked, "answers are remembered");
    fake.forbid(&[]);
    forget().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(
        (found(&fake), condition(&fake, "Permitted")),
        ("Completed/Passed/Passed".into(), "True/Permitted".into())
    );
    check_protocol(&fake);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_lost_stops_no_run_and_blocks_the_next() {
    let (fake, mut operator) = begin_asked(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Running/Unknown/Running");
    fake.forbid(&["create pods chaostoolkit-run"]);
    forget().await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Running/Unknown/Running");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    rerun(&fake, "1");
    stamp(&fake, "another");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((found(&fake), pods_created(&fake)), ("Blocked/Unknown/AuthorForbidden".to_owned(), 1));
    assert_eq!(status(&fake)["history"][0]["requestedBy"], AUTHOR);
    assert!(told(&fake).ends_with("--as=another"), "{}", told(&fake));
    fake.forbid(&[]);
    forget().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((found(&fake), pods_created(&fake)), ("Completed/Passed/Passed".to_owned(), 2));
    assert_eq!(status(&fake)["run"]["requestedBy"], "another");
    check_protocol(&fake);
    author_is_not_published(&fake, &operator);
}

#[tokio::test(start_paused = true)]
async fn a_rescue_whose_author_has_lost_a_right_fails_and_says_which() {
    for is_deleted in [false, true] {
        let (fake, mut operator) = begin_asked(&with_rollbacks(json!({"rescue": true})));
        stamp(&fake, AUTHOR);
        settle(&fake, &mut operator, None).await;
        fake.forbid(&["get pods chaostoolkit-run"]);
        forget().await;
        if is_deleted {
            fake.delete(EXPERIMENT);
        }
        fake.end(POD, 137, None);
        settle(&fake, &mut operator, None).await;
        let events = fake.events();
        let failed = events.iter().find(|event| event["reason"] == "RescueFailed").unwrap();
        let note = failed["note"].as_str().unwrap();
        assert!(note.contains("may not get pods in namespace chaostoolkit-run"), "{note}");
        assert_eq!(pods_created(&fake), 1);
        author_is_not_published(&fake, &operator);
        if is_deleted {
            nothing_is_left(&fake);
        } else {
            assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rescue_of_an_experiment_that_is_being_deleted_has_its_author() {
    let (fake, mut operator) = begin_asked(&with_rollbacks(json!({"rescue": true, "namespace": "shop"})));
    stamp(&fake, AUTHOR);
    settle(&fake, &mut operator, None).await;
    fake.delete(EXPERIMENT);
    operator.pass().await;
    fake.end("/api/v1/namespaces/shop/pods/chaostoolkit-a235f4ad3e", 137, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/RescueStarted");
}

/// The Roles to which the account of the run is bound, with the rules of those that exist.
fn bound_roles(fake: &FakeApi) -> Vec<(Value, Value)> {
    let found = fake.list("Role");
    let rules = |name: &Value| found.iter().find(|role| role["metadata"]["name"] == *name);
    let bindings = fake.list("RoleBinding").into_iter().chain(fake.list("ClusterRoleBinding"));
    let names = bindings.map(|binding| binding["roleRef"]["name"].clone());
    names.map(|name| (name.clone(), rules(&name).map_or(Value::Null, |role| role["rules"].clone()))).collect()
}

/// The account of the run is still bound to all that its author was asked for.
#[tokio::test(start_paused = true)]
async fn a_rescue_has_no_right_that_its_author_was_not_asked_for() {
    let secrets = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]);
    let weak = json!({"name": "weak"});
    for (wide, narrow) in [
        (json!({"rules": secrets}), Value::Null),
        (json!({"rules": secrets}), weak.clone()),
        (json!({"clusterRole": "admin"}), Value::Null),
        (json!({"clusterRole": "admin", "clusterWide": true}), Value::Null),
        // The binding keeps its name.
        (json!({"name": "strong"}), weak.clone()),
        (json!({"binds_to_namespaces": ["shop"]}), Value::Null),
    ] {
        let what = format!("{wide} {narrow}");
        let mut spec = with_rollbacks(json!({}));
        spec["role"] = wide;
        let (fake, mut operator) = begin_asked(&spec);
        for (name, rules) in [("strong", &secrets), ("weak", &json!([]))] {
            fake.put(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "metadata": {"name": name, "namespace": "chaostoolkit-run"}, "rules": rules}));
        }
        settle(&fake, &mut operator, None).await;
        fake.end(POD, 137, None);
        settle(&fake, &mut operator, None).await;
        assert_eq!(found(&fake), "Failed/Error/ToolkitKilled", "{what}");
        let before = bound_roles(&fake);
        set(&fake, "role", narrow.clone());
        set(&fake, "rescue", json!(true));
        stamp(&fake, "another");
        fake.forbid(&[
            "get secrets chaostoolkit-run",
            "bind clusterroles chaostoolkit-run",
            "create rolebindings shop",
        ]);
        forget().await;
        settle(&fake, &mut operator, None).await;
        assert!(fake.get(super::control::RESCUE).is_some(), "{what}");
        let bound = bound_roles(&fake);
        assert_ne!(bound, before, "{what}");
        assert_eq!(bound.len(), 1, "{what}: {bound:?}");
        if narrow == weak {
            assert_eq!(bound[0].0, "weak", "{what}");
        } else {
            assert_eq!(bound[0].0, "chaostoolkit-experiment-a235f4ad3e", "{what}");
            assert!(!bound[0].1.to_string().contains("secrets"), "{what}");
        }
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed", "{what}");
        check_protocol(&fake);
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        nothing_is_left(&fake);
    }
}

/// As after an upgrade of the operator, or with other templates.
#[tokio::test(start_paused = true)]
async fn a_rescue_starts_although_the_rights_of_its_run_have_other_names_or_rules() {
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    for is_named_otherwise in [false, true] {
        let mut spec = with_rollbacks(json!({"rescue": true}));
        spec["role"] = json!({"rules": rules});
        let (fake, mut operator) = begin_asked(&spec);
        settle(&fake, &mut operator, None).await;
        let wanted = bound_roles(&fake);
        if is_named_otherwise {
            for kind in ["Role", "RoleBinding"] {
                let mut object = fake.list(kind).remove(0);
                let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                let other = name.replacen("chaostoolkit", "earlier", 1);
                fake.vanish(&format!(
                    "/apis/rbac.authorization.k8s.io/v1/namespaces/chaostoolkit-run/{}s/{name}",
                    kind.to_lowercase()
                ));
                object["metadata"]["name"] = json!(other);
                let nonce = status(&fake)["nonce"].as_str().unwrap().to_owned();
                let mark = names::mark(&nonce, kind, "chaostoolkit-run", &other);
                object["metadata"]["annotations"][names::MARK_ANNOTATION] = json!(mark);
                fake.put(object);
                fake.edit(EXPERIMENT, |experiment| {
                    for recorded in experiment["status"]["resources"].as_array_mut().unwrap() {
                        if recorded["kind"] == kind {
                            recorded["name"] = json!(other);
                            recorded["uid"] = Value::Null;
                        }
                    }
                });
            }
        } else {
            let name = wanted[0].0.as_str().unwrap();
            let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/chaostoolkit-run/roles/{name}");
            fake.edit(&path, |role| role["rules"][0]["resources"] = json!(["secrets"]));
        }
        fake.end(POD, 137, None);
        settle(&fake, &mut operator, None).await;
        assert_eq!(bound_roles(&fake), wanted);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed");
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        nothing_is_left(&fake);
        check_protocol(&fake);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_while_the_api_server_does_not_answer_a_question() {
    let questions = [
        ("POST", "/subjectaccessreviews/"),
        ("GET", "/mutatingadmissionpolicybindings/"),
        ("GET", "/mutatingadmissionpolicies/"),
        ("GET", "/validatingadmissionpolicybindings/"),
    ];
    for (method, path) in questions {
        for code in [403, 500] {
            let (fake, mut operator) = begin_asked(&json!({}));
            fake.refuse(Some((method, path, code)));
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(created(&fake), Vec::<String>::new(), "{method} {path} {code}");
            if code == 403 {
                assert_eq!(found(&fake), "Blocked/none/Forbidden", "{method} {path}");
            }
            fake.refuse(None);
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(found(&fake), "Completed/Passed/Passed", "{method} {path} {code}");
        }
    }
}

#[tokio::test]
async fn an_existing_role_may_be_bound_by_whoever_may_bind_it_or_holds_its_rights() {
    let spec = json!({"role": {"name": "theirs"}});
    for (forbidden, expected) in [
        (vec![], "Completed/Passed/Passed"),
        (vec!["bind roles/theirs chaostoolkit-run"], "Completed/Passed/Passed"),
        (vec!["get secrets chaostoolkit-run"], "Completed/Passed/Passed"),
        (
            vec!["bind roles/theirs chaostoolkit-run", "get secrets chaostoolkit-run"],
            "Blocked/none/AuthorForbidden",
        ),
        (vec!["create rolebindings chaostoolkit-run"], "Blocked/none/AuthorForbidden"),
    ] {
        let (fake, mut operator) = begin_asked(&spec);
        fake.put(json!({"kind": "Role", "metadata": {"name": "theirs", "namespace": "chaostoolkit-run"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}));
        fake.forbid(&forbidden);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), expected, "{forbidden:?}");
    }
}

#[tokio::test]
async fn a_namespace_that_does_not_exist_yet_needs_the_right_to_create_it() {
    for (forbidden, expected) in
        [(vec![], "Completed/Passed/Passed"), (vec!["create namespaces"], "Blocked/none/AuthorForbidden")]
    {
        let (fake, mut operator) =
            begin_asked(&json!({"namespace": "new", "pod": {"experiment": {"asFile": false}}}));
        fake.forbid(&forbidden);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), expected);
        assert_eq!(fake.get("/api/v1/namespaces/new").is_some(), forbidden.is_empty());
    }
}

#[tokio::test]
async fn a_right_on_what_the_api_server_does_not_serve_is_no_right() {
    for (group, resource) in [("example.com", "things"), ("", "things"), ("batch", "jobs/things")] {
        let fake = cluster_for_runs();
        stamp_requests(&fake);
        let mut templates = TEMPLATES.clone();
        templates["data"]["chaostoolkit-role.yaml"] = json!(
            json!({"kind": "Role", "metadata": {"name": "chaostoolkit-experiment"}, "rules": [
                {"apiGroups": [group], "resources": [resource], "verbs": ["get"]}]})
            .to_string()
        );
        fake.put(templates);
        let (fake, mut operator) = begin_in(fake, &json!({}));
        stamp(&fake, AUTHOR);
        let resource = resource.split('/').next().unwrap();
        fake.forbid(&[&format!("get {resource} chaostoolkit-run")]);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), "Completed/Passed/Passed", "{group} {resource}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_author_of_a_schedule_is_asked_before_its_cron_job_is_created_or_changed() {
    let (fake, mut operator) = begin_asked(&schedule::spec());
    fake.forbid(&["create cronjobs chaostoolkit-run"]);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Blocked/none/AuthorForbidden");
    assert_eq!(created(&fake), Vec::<String>::new());
    fake.forbid(&[]);
    forget().await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled");
    let before = fake.get(schedule::CRON_JOB).unwrap();
    // A right that is lost later keeps runs from starting, and is no news for the schedule itself.
    fake.forbid(&["create cronjobs chaostoolkit-run"]);
    forget().await;
    operator.pass().await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled");
    set(&fake, "verbose", json!(true));
    stamp(&fake, "another");
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Blocked/Unknown/AuthorForbidden");
    assert_eq!(fake.get(schedule::CRON_JOB).unwrap(), before);
    fake.forbid(&[]);
    forget().await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Scheduled/Unknown/Scheduled");
    assert_ne!(fake.get(schedule::CRON_JOB).unwrap(), before);
}

#[tokio::test]
async fn unchecked_authors_are_not_asked_and_each_experiment_says_so() {
    let fake = cluster_for_runs();
    stamp_requests(&fake);
    fake.put(namespace("shop"));
    fake.put(experiment(&json!({"role": {"binds_to_namespaces": ["shop"]}})));
    stamp(&fake, AUTHOR);
    let mut operator = Operator::with(&fake, Hangs::Crash, true);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(condition(&fake, "Permitted"), "True/AuthorUnchecked");
    assert_eq!(condition(&fake, "Accepted"), "True/AcceptedWithWarnings");
    assert_eq!(status(&fake)["run"]["requestedBy"], AUTHOR);
    assert!(fake.reviews().is_empty());
    author_is_not_published(&fake, &operator);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_author_is_told_the_command_that_names_one() {
    let fake = cluster_for_runs();
    stamp_requests(&fake);
    let (fake, mut operator) = begin_in(fake, &json!({"role": {"binds_to_namespaces": ["shop"]}}));
    fake.put(namespace("shop"));
    settle(&fake, &mut operator, Some(0)).await;
    let command = "kubectl -n chaostoolkit-crd annotate ctk exp chaostoolkit.org/author= --overwrite";
    assert!(told(&fake).ends_with(command), "{}", told(&fake));
    stamp(&fake, AUTHOR);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    // Without the policy, anybody could have written the next stamp.
    fake.vanish(STAMP_BINDING);
    forget().await;
    rerun(&fake, "1");
    stamp(&fake, AUTHOR);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/Unknown/PolicyMissing");
}

#[tokio::test]
async fn a_call_about_the_author_may_fail_once() {
    let faults = |_, number| match number % 2 {
        0 => [Some(Fault::Before(500, "InternalError")), Some(Fault::Before(403, "Forbidden"))],
        _ => [Some(Fault::Before(429, "TooManyRequests")), Some(Fault::ResetBefore)],
    };
    try_all(&[(Story::Asked, Pace::SlowKubelet)], "asked", Hangs::Crash, faults).await;
}

#[tokio::test]
async fn the_operator_may_be_killed_while_it_asks() {
    try_all(&[(Story::Asked, Pace::SlowKubelet)], "asked, killed", Hangs::Crash, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn the_operator_may_sleep_while_it_asks() {
    try_all(&[(Story::Asked, Pace::SlowKubelet)], "asked, asleep", Hangs::Sleep, before_and_after).await;
}

#[test]
fn an_experiment_in_the_tests_is_stamped_as_the_policy_stamps() {
    let fake = cluster();
    fake.put(experiment(&json!({})));
    rerun(&fake, "r");
    stamp(&fake, AUTHOR);
    let annotations = fake.get(EXPERIMENT).unwrap()["metadata"]["annotations"].clone();
    assert_eq!(annotations[names::AUTHOR_REQUEST_ANNOTATION], "1/r");
}
