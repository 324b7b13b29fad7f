use super::list::{MAX_BYTES, MOST};
use super::*;
use proptest::prelude::*;
use rstest::rstest;

const SENTENCE: &str = r#"pods "web-1" is forbidden: User "system:serviceaccount:chaos:run" cannot delete resource "pods" in API group "" in the namespace "shop""#;

/// Verb, resource, name and place in short, and the account.
fn short(text: &str) -> Vec<String> {
    Forbidden::find(text).iter().map(|found| format!("{}: {found}", found.user)).collect()
}

#[rstest]
#[case::one_object(SENTENCE, r#"system:serviceaccount:chaos:run: delete pods "web-1" in namespace shop"#)]
#[case::all_objects(
    r#"pods is forbidden: User "me@example.com" cannot list resource "pods" in API group "" in the namespace "x""#,
    "me@example.com: list pods in namespace x"
)]
#[case::cluster(
    r#"nodes is forbidden: User "a" cannot list resource "nodes" in API group "" at the cluster scope"#,
    "a: list nodes in the whole cluster"
)]
#[case::group_and_subresource(
    r#"deployments.apps "web" is forbidden: User "a" cannot patch resource "deployments/scale" in API group "apps" in the namespace "x": RBAC: role.rbac.authorization.k8s.io "r" not found"#,
    r#"a: patch deployments/scale.apps "web" in namespace x"#
)]
#[case::impersonation(
    r#"users "b" is forbidden: User "a" cannot impersonate resource "users" in API group "" at the cluster scope"#,
    r#"a: impersonate users "b" in the whole cluster"#
)]
#[case::cut_in_the_place(
    r#"pods is forbidden: User "a" cannot list resource "pods" in API group "" in the namesp"#,
    "a: list pods"
)]
#[case::cut_in_the_namespace(
    r#"pods is forbidden: User "a" cannot list resource "pods" in API group "" in the namespace "sho"#,
    "a: list pods"
)]
fn the_sentence_of_the_api_server_is_read(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(short(text), [expected]);
}

#[rstest]
#[case::quota(r#"services "web" is forbidden: exceeded quota: few, requested: services=1, used: services=0, limited: services=0"#)]
#[case::pod_security(r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged (container "c" must not set securityContext.privileged=true)"#)]
#[case::policy(
    "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: nobody patches"
)]
#[case::webhook(r#"admission webhook "w.example.com" denied the request: no"#)]
#[case::webhook_without_a_right(&format!("admission webhook \"w.example.com\" denied the request: {SENTENCE}"))]
#[case::policy_that_quotes(&format!("pods \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: {SENTENCE}"))]
#[case::escalation(r#"roles.rbac.authorization.k8s.io "r" is forbidden: user "a" (groups=["g"]) is attempting to grant RBAC permissions not currently held:"#)]
#[case::node_restriction(r#"nodes "a" is forbidden: node "b" is not allowed to modify node "a""#)]
#[case::finalizers(r#"pods "a" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>"#)]
#[case::terminating(
    r#"pods "a" is forbidden: unable to create new content in namespace x because it is being terminated"#
)]
#[case::path(r#"forbidden: User "a" cannot get path "/metrics""#)]
#[case::unauthorized(r#"{"kind":"Status","message":"Unauthorized","reason":"Unauthorized","code":401}"#)]
#[case::no_resource(
    r#"x is forbidden: User "a" cannot list resource "" in API group "" at the cluster scope"#
)]
#[case::no_user(
    r#"x is forbidden: User "" cannot list resource "pods" in API group "" at the cluster scope"#
)]
#[case::other_verb(
    r#"x is forbidden: User "a" cannot LIST; resource "pods" in API group "" at the cluster scope"#
)]
#[case::other_resource(
    "x is forbidden: User \"a\" cannot list resource \"pods\u{1b}[31m\" in API group \"\" at the cluster scope"
)]
#[case::other_namespace(
    "x is forbidden: User \"a\" cannot list resource \"pods\" in API group \"\" in the namespace \"a b\""
)]
#[case::other_user(
    "x is forbidden: User \"a\n- rule\" cannot list resource \"pods\" in API group \"\" at the cluster scope"
)]
#[case::cut_in_the_group(r#"pods is forbidden: User "a" cannot list resource "pods" in API gr"#)]
fn what_is_no_missing_right_is_none(#[case] text: &str) {
    assert_eq!(short(text), Vec::<String>::new());
}

#[test]
fn an_admission_in_another_line_does_not_hide_a_missing_right() {
    let text = format!("admission webhook \"w\" denied the request: no\n{SENTENCE}");
    assert_eq!(short(&text).len(), 1);
}

#[rstest]
#[case::body(&serde_json::json!({"message": SENTENCE, "code": 403}).to_string())]
#[case::text_of_a_body(&serde_json::json!(serde_json::json!({"message": SENTENCE}).to_string()).to_string())]
#[case::bytes(&format!("Failed: b'{}'", serde_json::json!({"message": SENTENCE}).to_string().replace('\\', "\\\\")))]
#[case::kubectl(&format!("Error from server (Forbidden): {SENTENCE}\n"))]
#[case::twice(&format!("{SENTENCE}, {SENTENCE}"))]
fn it_is_read_once_however_it_is_wrapped(#[case] text: &str) {
    assert_eq!(
        short(text),
        [r#"system:serviceaccount:chaos:run: delete pods "web-1" in namespace shop"#],
        "{text}"
    );
}

#[test]
fn there_are_few_rights_and_few_bytes() {
    let one = |resource: String| {
        format!(
            "x is forbidden: User \"a\" cannot list resource \"{resource}\" in API group \"\" in the namespace \"x\"\n"
        )
    };
    let many: String = (0..20).map(|number| one(format!("r{number}"))).collect();
    assert_eq!(Forbidden::find(&many).len(), MOST);
    let long: String = (0..20).map(|number| one(format!("r{number}{}", "x".repeat(120)))).collect();
    let long = long.replace("\"a\"", &format!("\"{}\"", "u".repeat(5000)));
    assert!(Forbidden::find(&long).is_empty(), "the account ends too late");
    let long = long.replace(&"u".repeat(5000), &"ä".repeat(300));
    let found = Forbidden::find(&long);
    let bytes: usize = found.iter().map(Forbidden::bytes).sum();
    assert!(!found.is_empty() && bytes <= MAX_BYTES, "{bytes}");
}

proptest! {
    #[test]
    fn whatever_a_text_says_the_rights_are_bounded_and_plain(
        parts in prop::collection::vec(prop_oneof![
            Just(" is forbidden: User ".to_owned()), Just(" cannot ".to_owned()), Just(" resource ".to_owned()),
            Just(" in API group ".to_owned()), Just(" in the namespace ".to_owned()), Just(" at the cluster scope".to_owned()),
            Just("\"pods\"".to_owned()), Just("\"\"".to_owned()), Just("list".to_owned()), Just("\\\"a\\\"".to_owned()),
            "\\PC{0,9}", "[\\x00-\\x1f\"\\\\]{0,4}",
        ], 0..40),
    ) {
        let text = parts.concat();
        for found in Forbidden::find(&text) {
            prop_assert!(!found.to_string().contains(char::is_control), "{:?}", found.to_string());
            prop_assert!(!found.user.contains(char::is_control));
            prop_assert!(found.bytes() <= MAX_BYTES);
        }
    }

    #[test]
    fn a_right_survives_the_summary(name in "[a-z]{1,20}", is_cluster: bool, number in 0_usize..3) {
        let place = if is_cluster { Scope::Cluster } else { Scope::Namespace(name.clone()) };
        let group = ["", "apps", "a.example.com"][number].to_owned();
        let right = Forbidden { user: name, verb: "list".to_owned(), group, resource: "pods/log".to_owned(), name: None, place };
        let text = serde_json::to_string(&right)?;
        prop_assert_eq!(serde_json::from_str::<Forbidden>(&text)?, right);
    }
}
