use super::*;
use proptest::prelude::*;
use serde_json::json;

/// Filters a text that arrives in chunks of this size.
fn filtered(text: &str, size: usize) -> String {
    let mut filter = Filter::default();
    let pieces = text.as_bytes().chunks(size).flat_map(|piece| filter.push(piece.to_vec()));
    String::from_utf8(pieces.collect()).unwrap()
}

fn large() -> (Value, Value) {
    let zeros = vec![0; 100_000];
    let object = json!({
        "apiVersion": "v1", "kind": "X",
        "metadata": {
            "name": "a", "uid": "u", "managedFields": [{"fieldsV1": {"f:a": {}}}], "selfLink": "x",
            "labels": {"app": "x", "chaostoolkit.org/experiment-uid": "u"},
            "annotations": {"big": "x".repeat(200_000), "chaostoolkit.org/experiment": "ns/n\"{[",
                "chaostoolkit.org/rerun": "x".repeat(200_000)},
            "finalizers": ["chaostoolkit.org/outcome"], "ownerReferences": [],
        },
        "spec": {"abort": true, "cleanup": {"onSuccess": "Delete"}, "schedule": {"value": zeros},
            "experiment": zeros, "pod": {"template": zeros}},
        "status": {"phase": "Passed", "history": zeros, "run": {"number": 1}},
    });
    let slim = json!({
        "apiVersion": "v1", "kind": "X",
        "metadata": {
            "name": "a", "uid": "u",
            "labels": {"chaostoolkit.org/experiment-uid": "u"},
            "annotations": {"chaostoolkit.org/experiment": "ns/n\"{[", "chaostoolkit.org/rerun": "\0too long"},
            "finalizers": ["chaostoolkit.org/outcome"], "ownerReferences": [],
        },
        "spec": {"abort": true, "cleanup": {"onSuccess": "Delete"}, "schedule": null, LENGTH: object["spec"].to_string().len()},
        "status": {"phase": "Passed", "run": {"number": 1}},
    });
    (object, slim)
}

#[test]
fn little_is_kept_of_each_object_of_a_list() {
    let (object, slim) = large();
    let list = |object: &Value| {
        let metadata = json!({"resourceVersion": "5", "continue": "x".repeat(10_000)});
        json!({"kind": "XList", "metadata": metadata, "items": [object, object]})
    };
    let found: Value = serde_json::from_str(&filtered(&list(&object).to_string(), 999)).unwrap();
    assert_eq!(found, list(&slim));
    assert!(length_of(found["items"][1].get("spec")) > 600_000);
    let pretty = format!("{:#}", list(&object));
    let mut found: Value = serde_json::from_str(&filtered(&pretty, 7)).unwrap();
    for item in found["items"].as_array_mut().unwrap() {
        assert!(length_of(item.get("spec")) > 600_000);
        item["spec"][LENGTH] = slim["spec"][LENGTH].clone();
    }
    assert_eq!(found, list(&slim));
}

#[test]
fn little_is_kept_of_each_event_of_a_watch() {
    let (object, slim) = large();
    let end = json!({"type": "BOOKMARK", "object": {"kind": "X", "metadata": {"resourceVersion": "7",
        "annotations": {"k8s.io/initial-events-end": "true"}}}});
    let gone = json!({"type": "ERROR", "object": {"kind": "Status", "metadata": {}, "status": "Failure",
        "message": "too old", "reason": "Expired", "code": 410}});
    let event = |object: &Value| json!({"type": "ADDED", "object": object});
    let text = format!("{}\n{end}\n{gone}\n", event(&object));
    for size in [1, 2, 13, 100_000] {
        let found = filtered(&text, size);
        assert!(found.ends_with('\n') && found.len() < 2_000, "{}", found.len());
        let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(found, [event(&slim), end.clone(), gone.clone()]);
    }
}

#[test]
fn a_pass_reads_all_but_the_managed_fields() {
    let (mut object, _) = large();
    let list = json!({"items": [object, object], "metadata": {"continue": "x"}});
    let mut filter = Filter { reader: Reader::Pass, ..Filter::default() };
    let found: Value = serde_json::from_slice(&filter.push(object.to_string().into_bytes())).unwrap();
    let mut filter = Filter { reader: Reader::Pass, ..Filter::default() };
    let found_list: Value = serde_json::from_slice(&filter.push(list.to_string().into_bytes())).unwrap();
    object["metadata"].as_object_mut().unwrap().remove("managedFields");
    assert_eq!(found, object);
    assert_eq!(found_list, json!({"items": [object, object], "metadata": {"continue": "x"}}));
}

proptest! {
    #[test]
    fn nothing_is_too_odd(text in r#"[\[\]{}"\\:,a0 \n]{0,300}"#, size in 1_usize..50) {
        prop_assert_eq!(filtered(&text, size), filtered(&text, 600), "pieces do not matter");
    }
}
