use super::*;
use proptest::prelude::*;
use serde_json::json;

const SUFFIX: &str = "a235f4ad3e";

fn entry(words: &[&str]) -> Entry {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    Entry { namespace: "runs".to_owned(), suffix: SUFFIX.to_owned(), words }
}

#[test]
fn the_data_has_a_word_on_each_line_and_a_break_at_both_ends() {
    let mut list = List::default();
    list.put(entry(&["sa/chaostoolkit-a235f4ad3e", "cm/mine"]));
    list.put(Entry { suffix: "0000000000".to_owned(), ..entry(&[]) });
    let data = json!({"runs": "\n0000000000\na235f4ad3e\ncm/mine\nsa/chaostoolkit-a235f4ad3e\n"});
    assert_eq!(json!(list.format()), data);
    assert_eq!(List::parse(&data), list);
}

#[test]
fn a_later_run_keeps_the_accounts_and_replaces_what_is_executed() {
    let mut list = List::default();
    list.put(entry(&["sa/a", "cm/before"]));
    list.put(entry(&["sa/b", "cm/after"]));
    assert_eq!(list.format()["runs"], "\na235f4ad3e\ncm/after\nsa/a\nsa/b\n");
    list.remove_account("runs", SUFFIX, "a");
    assert!(!list.add(entry(&["cm/after"])) && list.add(entry(&["cm/more"])));
    assert_eq!(list.format()["runs"], "\na235f4ad3e\ncm/after\ncm/more\nsa/b\n");
    list.remove("runs", SUFFIX);
    assert_eq!(list, List::default());
}

#[test]
fn what_a_pod_refers_to_is_found_wherever_it_can_be() {
    let pod = json!({"spec": {
        "volumes": [
            {"name": "a", "configMap": {"name": "volume"}},
            {"name": "b", "projected": {"sources": [{"configMap": {"name": "projected"}}, {"secret": {"name": "source"}}]}},
            {"name": "c", "configMap": {"name": "optional", "optional": true}},
            {"name": "d", "secret": {"secretName": "settings"}},
            {"name": "e", "configMap": {"name": "chaostoolkit-experiment"}},
            {"name": "f", "configMap": {"name": "no\nname"}},
        ],
        "containers": [{"name": "x", "envFrom": [{"configMapRef": {"name": "from"}}, {"secretRef": {"name": "s"}}],
            "env": [{"name": "v", "valueFrom": {"configMapKeyRef": {"name": "key", "key": "k"}}},
                {"name": "w", "valueFrom": {"secretKeyRef": {"name": "t", "key": "k"}}}]}],
        "initContainers": [{"name": "y", "envFrom": [{"configMapRef": {"name": "init"}}]}],
    }});
    let found: Vec<String> = executed(&pod).into_iter().collect();
    let expected = "cm/from cm/init cm/key cm/optional cm/projected cm/volume secret/s secret/settings secret/source secret/t";
    assert_eq!(found.join(" "), expected);
    for pod in [json!(null), json!({"spec": {"volumes": {"configMap": 1}}})] {
        assert!(executed(&pod).is_empty());
    }
}

#[test]
fn a_status_can_only_name_accounts_that_its_experiment_may_have() {
    let account =
        |namespace: &str, name: &str| json!({"kind": "ServiceAccount", "namespace": namespace, "name": name});
    let status = |namespace: &str| {
        json!({"runNamespace": namespace, "run": {"number": 2, "podName": "p", "trigger": "Rerun",
            "experiment": {"source": "configmap/mine/experiment.json"}},
            "resources": [account("runs", "chaostoolkit-a235f4ad3e"), account("runs", "x-a235f4ad3e-2"),
                account("runs", "controller"), account("flux-system", "y-a235f4ad3e"), account("runs", "no\nname-a235f4ad3e")]})
    };
    let recorded = |namespace: &str| {
        let experiment = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
            "metadata": {"name": "e", "uid": "123e4567-e89b-12d3-a456-426614174000"}, "status": status(namespace)});
        Entry::recorded(&serde_json::from_value(experiment).unwrap(), "home")
    };
    assert_eq!(
        recorded("runs"),
        Some(entry(&["cm/mine", "sa/chaostoolkit-a235f4ad3e", "sa/x-a235f4ad3e-2"]))
    );
    assert_eq!(recorded("no\nname"), None);
}

#[test]
fn ten_thousand_experiments_fit() {
    let mut list = List::default();
    for number in 0..10_000 {
        let suffix = format!("{number:010x}");
        let words = [format!("sa/chaostoolkit-{suffix}"), format!("cm/experiment-of-team-{number}")];
        list.put(Entry { namespace: "chaostoolkit-run".to_owned(), suffix, words: words.into() });
    }
    assert_eq!(list.bytes(), list.format().iter().map(|(key, value)| key.len() + value.len()).sum::<usize>());
    assert!(list.bytes() < MAX_BYTES, "{}", list.bytes());
}

proptest! {
    #[test]
    fn any_data_is_read_and_what_is_written_is_read_back(
        namespace in "[a-z]{1,5}",
        lines in proptest::collection::vec("[a-z0-9/\n]{0,12}", 0..12),
    ) {
        let read = List::parse(&json!({namespace: lines.join("\n")}));
        prop_assert_eq!(List::parse(&json!(read.format())), read);
    }
}
