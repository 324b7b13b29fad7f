//! The reference names every reason and every column, and each alert has its runbook. Needs nothing.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "tests fail by a panic")]

use chaostoolkit_api::Text;
use chaostoolkit_api::reason::Reason;
use strum::VariantArray;

const REFERENCE: &str = include_str!("../docs/reference.md");

#[test]
fn every_reason_is_in_the_reference() {
    let missing: Vec<&str> = Reason::VARIANTS
        .iter()
        .map(Text::as_str)
        .filter(|reason| !REFERENCE.contains(&format!("`{reason}`")))
        .collect();
    assert!(missing.is_empty(), "docs/reference.md lacks {missing:?}");
}

#[test]
fn every_printer_column_is_in_the_reference() {
    let version = &chaostoolkit_api::crd().spec.versions[0];
    let columns = version.additional_printer_columns.iter().flatten();
    let missing: Vec<&str> = columns
        .map(|column| column.name.as_str())
        .filter(|name| !REFERENCE.contains(&name.to_uppercase()))
        .collect();
    assert!(missing.is_empty(), "docs/reference.md lacks {missing:?}");
}

/// Where the addresses of runbooks begin.
const RUNBOOKS: &str = "https://github.com/chaostoolkit-incubator/kubernetes-crd/blob/main/docs/runbooks.md#";

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let rules = include_str!("../kustomize/components/monitoring/prometheusrule.yaml");
    let rule: serde_json::Value = serde_saphyr::from_str(rules).unwrap();
    let groups = rule["spec"]["groups"].as_array().unwrap();
    let alerts: Vec<&serde_json::Value> =
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    let mut names: Vec<&str> = alerts.iter().map(|alert| alert["alert"].as_str().unwrap()).collect();
    // Two rules that differ in their severity share a name and a section.
    names.dedup();
    let sections = include_str!("../docs/runbooks.md").lines().filter_map(|line| line.strip_prefix("## "));
    assert_eq!(
        sections.collect::<Vec<_>>(),
        names,
        "the sections of docs/runbooks.md are the alerts, in their order"
    );
    for alert in alerts {
        let name = alert["alert"].as_str().unwrap();
        let anchor = format!("{RUNBOOKS}{}", name.to_lowercase());
        assert_eq!(alert["annotations"]["runbook_url"].as_str(), Some(anchor.as_str()), "of {name}");
        let row = format!(
            "| [`{name}`](runbooks.md#{}) | {} |",
            name.to_lowercase(),
            alert["labels"]["severity"].as_str().unwrap()
        );
        assert!(include_str!("../docs/operations.md").contains(&row), "docs/operations.md has no row {row}");
    }
}

/// The texts that ask for metrics.
const QUERIES: [&str; 2] = [
    include_str!("../kustomize/components/monitoring/prometheusrule.yaml"),
    include_str!("../kustomize/components/monitoring/dashboard.json"),
];

#[test]
fn every_metric_that_is_asked_for_is_one_of_the_reference() {
    const PREFIX: &str = "chaostoolkit_operator_";
    let is_part_of_a_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let mut asked = std::collections::BTreeSet::new();
    for text in QUERIES {
        for rest in text.split(PREFIX).skip(1) {
            let name = rest.split(|letter| !is_part_of_a_name(letter)).next().unwrap();
            asked.insert(name.trim_end_matches("_bucket"));
        }
    }
    assert!(asked.len() > 20, "{asked:?}");
    let unknown: Vec<_> =
        asked.iter().filter(|name| !REFERENCE.contains(&format!("\n| `{PREFIX}{name}` |"))).collect();
    assert!(unknown.is_empty(), "docs/reference.md has no row for {unknown:?}");
}
