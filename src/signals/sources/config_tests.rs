use super::*;
use proptest::prelude::*;
use rstest::rstest;

const WHOLE: &str = "
sources:
- name: prom
  type: prometheus
  url: https://prometheus.monitoring:9090/prom/
  caFile: /etc/sources/ca.crt
  tokenFile: /var/run/secrets/token
  namespaces: [team-a, team-b]
  timeoutSeconds: 3
- {name: alerts, type: alertmanager, url: 'http://alertmanager:9093', namespaces: ['*']}
- {name: shop, type: http, url: 'http://shop.shop', namespaces: []}
resources:
- {apiGroup: apps, kind: Deployment, resource: deployments}
- {apiGroup: '', kind: Node, resource: nodes}
";

#[test]
fn a_file_is_read() {
    let config = SourcesConfig::parse(WHOLE).unwrap();
    let [prom, alerts, shop] = &config.sources[..] else { panic!("{config:?}") };
    assert_eq!((prom.kind, prom.limit), (SourceType::Prometheus, Duration::from_secs(3)));
    assert_eq!(prom.token_file.as_deref().and_then(|file| file.to_str()), Some("/var/run/secrets/token"));
    assert!(prom.namespaces.have("team-b") && !prom.namespaces.have("team-c"));
    assert_eq!((alerts.limit, &alerts.namespaces), (Duration::from_secs(5), &Namespaces::All));
    assert!(!shop.namespaces.have("shop"));
    let at: Vec<String> =
        config.resources.iter().map(|granted| granted.at_version("v1").api_version).collect();
    assert_eq!(at, ["apps/v1", "v1"]);
}

#[test]
fn the_example_of_the_documents_is_valid() {
    let blocks = include_str!("../../../docs/gates.md").split("```yaml\n").skip(1);
    let examples: Vec<&str> = blocks.filter_map(|block| block.split("```").next()).collect();
    let file = examples.iter().find(|example| example.starts_with("sources:")).unwrap();
    let config = SourcesConfig::parse(file).unwrap();
    assert_eq!((config.sources.len(), config.resources.len()), (3, 2));
}

#[test]
fn an_empty_file_has_no_sources() {
    for text in ["", "# none yet\n", "sources: []", "{}"] {
        assert_eq!(SourcesConfig::parse(text), Ok(SourcesConfig::default()), "{text}");
    }
}

#[rstest]
#[case("sources: [", "at line 1")]
#[case("source: []", "unknown field `source`")]
#[case("sources: {}", "sources: invalid type")]
#[case("sources: [x]", "sources[0]: invalid type")]
#[case("sources: [{name: a}]", "sources[0] (a): missing field `type`")]
#[case(
    "sources: [{name: a, type: grafana, url: 'http://a', namespaces: []}]",
    "sources[0] (a): type: unknown variant `grafana`"
)]
#[case("sources: [{name: a, type: http, url: 'http://a'}]", "sources[0] (a): missing field `namespaces`")]
#[case(
    "sources: [{name: A, type: http, url: 'http://a', namespaces: []}]",
    "sources[0] (A): name: \"A\" must consist of"
)]
#[case("sources: [{name: a, type: http, url: 'ftp://a', namespaces: []}]", "sources[0] (a): url: ")]
#[case(
    "sources: [{name: a, type: http, url: 'http://a', namespaces: [], insecureSkipVerify: true}]",
    "sources[0] (a): insecureSkipVerify: unknown field `insecureSkipVerify`"
)]
#[case(
    "sources: [{name: a, type: http, url: 'http://a', namespaces: ['*', b]}]",
    "sources[0] (a): namespaces: \"*\" must be the only entry"
)]
#[case(
    "sources: [{name: a, type: http, url: 'http://a', namespaces: [b/c]}]",
    "sources[0] (a): namespaces: \"b/c\""
)]
#[case(
    "sources: [{name: a, type: http, url: 'http://a', namespaces: b}]",
    "sources[0] (a): namespaces: invalid type"
)]
#[case(
    "sources: [{name: a, type: http, url: 'http://a', namespaces: [], timeoutSeconds: 0}]",
    "sources[0] (a): timeoutSeconds: is 0; it must be from 1 to 30"
)]
#[case(
    "sources: [{name: a, type: http, url: 'http://a', namespaces: [], timeoutSeconds: 31}]",
    "sources[0] (a): timeoutSeconds: is 31"
)]
#[case(
    "sources: [{name: a, type: http, url: 'http://a', namespaces: [], caFile: /a}]",
    "sources[0] (a): caFile: "
)]
#[case(
    "sources: [{name: a, type: http, url: 'https://a', namespaces: [], tokenFile: a}]",
    "sources[0] (a): tokenFile: is not an absolute path"
)]
#[case(
    "sources: [{name: a, type: http, url: 'http://a', namespaces: []}, {name: a, type: http, url: 'http://a', namespaces: []}]",
    "sources[1] (a): name: another source"
)]
#[case("resources: [{apiGroup: apps, kind: Deployment}]", "resources[0]: missing field `resource`")]
#[case(
    "resources: [{apiGroup: 'a/b', kind: Deployment, resource: deployments}]",
    "resources[0]: apiGroup: \"a/b\""
)]
#[case("resources: [{apiGroup: apps, kind: '*', resource: deployments}]", "resources[0]: kind: \"*\"")]
#[case(
    "resources: [{apiGroup: apps, kind: Deployment, resource: Deployments}]",
    "resources[0]: resource: \"Deployments\""
)]
fn a_mistake_has_its_entry_and_its_field(#[case] text: &str, #[case] expected: &str) {
    let error = SourcesConfig::parse(text).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn the_number_of_entries_is_limited() {
    let entry = |at| format!("- {{name: a{at}, type: http, url: 'http://a', namespaces: []}}\n");
    let file = |count| format!("sources:\n{}", (0..count).map(entry).collect::<String>());
    assert_eq!(SourcesConfig::parse(&file(MAX_SOURCES)).unwrap().sources.len(), MAX_SOURCES);
    let error = SourcesConfig::parse(&file(MAX_SOURCES + 1)).unwrap_err();
    assert_eq!(error, "sources: has 65 entries; at most 64 are possible");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}|(sources:\n- name: [a-z\"]{0,3}\n  url: \\PC{0,20}\n)") {
        let _ = SourcesConfig::parse(&text);
    }
}
