use rstest::rstest;
use serde_json::{Value, json};

use super::{proxy, shown_passwords};
use chaostoolkit_api::Spec;
use chaostoolkit_api::spec::{InvalidSpec, PodSpec};

fn pod(pod: Value) -> PodSpec {
    Spec::parse(Some(&json!({"pod": pod}))).unwrap().spec.pod.unwrap()
}

fn paths(invalid: &InvalidSpec) -> Vec<&str> {
    invalid.all().map(|one| one.path.as_str()).collect()
}

#[test]
fn a_proxy_is_read() {
    let pod =
        pod(json!({"proxy": {"http": "http://p:3128", "https": "", "noProxy": [".internal", "10.0.0.0/8"],
        "caBundle": {"name": "ca", "key": "ca.crt"}}}));
    let read = proxy(&pod).unwrap().unwrap();
    assert_eq!((read.http.as_deref(), read.https), (Some("http://p:3128"), None));
    assert_eq!(read.no_proxy, [".internal", "10.0.0.0/8"]);
    assert_eq!(read.ca_bundle.unwrap().key, "ca.crt");
    assert_eq!(proxy(&PodSpec::default()).unwrap(), None);
}

#[rstest]
#[case(json!({"http": "p:3128", "https": "socks5://p"}), &["spec.pod.proxy.http", "spec.pod.proxy.https"])]
#[case(json!({"noProxy": ["a", "", "b,c", "d e"]}), &["spec.pod.proxy.noProxy[1]", "spec.pod.proxy.noProxy[2]", "spec.pod.proxy.noProxy[3]"])]
#[case(json!({"noProxy": vec!["a"; 65]}), &["spec.pod.proxy.noProxy"])]
#[case(json!({"noProxy": ["a".repeat(254)]}), &["spec.pod.proxy.noProxy[0]"])]
#[case(json!({"caBundle": {"name": "CA", "key": "a/b"}}), &["spec.pod.proxy.caBundle.name", "spec.pod.proxy.caBundle.key"])]
fn what_is_wrong_is_refused_with_its_path(#[case] wrong: Value, #[case] expected: &[&str]) {
    assert_eq!(paths(&proxy(&pod(json!({"proxy": wrong}))).unwrap_err()), expected);
}

#[test]
fn a_refusal_does_not_quote_a_password() {
    let pod = pod(json!({"proxy": {"http": "socks5://user:planted@p", "https": "http://user:planted@"}}));
    assert!(!proxy(&pod).unwrap_err().to_string().contains("planted"));
}

#[test]
fn a_password_in_the_spec_is_noticed() {
    let pod = pod(json!({"proxy": {"http": "http://u:planted@p", "https": "http://u:$(PASSWORD)@p"},
        "experiment": {"url": "https://u:planted@h/e.json"}}));
    let warned = shown_passwords(&pod);
    let named: Vec<&str> = warned.iter().filter_map(|one| one.split(": ").next()).collect();
    assert_eq!(named, ["spec.pod.proxy.http", "spec.pod.experiment.url"]);
    assert!(!warned.concat().contains("planted"));
}
