use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn spec(pod: Value, patch: Value) -> Value {
    let merged = merge(json!({"spec": pod}), json!({"spec": patch}));
    merged.map_or_else(|problem| json!(problem.to_string()), |mut pod| pod["spec"].take())
}

#[rstest]
#[case::merges_mappings(json!({"a": {"x": 1}}), json!({"a": {"y": 2}}), json!({"a": {"x": 1, "y": 2}}))]
#[case::null_deletes(json!({"a": 1, "b": {"c": 2}}), json!({"a": null, "b": {"c": null}}), json!({"b": {}}))]
#[case::null_of_nothing(json!({}), json!({"a": null, "b": {"c": null, "d": 1}}), json!({"b": {"d": 1}}))]
#[case::another_kind(json!({"a": [1]}), json!({"a": {"b": null, "c": 1}}), json!({"a": {"c": 1}}))]
#[case::atomic_lists(json!({"tolerations": [{"key": "a"}]}), json!({"tolerations": [{"key": "b"}]}), json!({"tolerations": [{"key": "b"}]}))]
#[case::by_key(json!({"volumes": [{"name": "a", "emptyDir": {}}]}), json!({"volumes": [{"name": "a", "emptyDir": {"medium": "Memory"}}]}), json!({"volumes": [{"name": "a", "emptyDir": {"medium": "Memory"}}]}))]
#[case::new_items_first(json!({"volumes": [{"name": "a"}]}), json!({"volumes": [{"name": "b"}]}), json!({"volumes": [{"name": "b"}, {"name": "a"}]}))]
#[case::twice_in_the_patch(json!({"volumes": []}), json!({"volumes": [{"name": "b", "x": 1}, {"name": "b", "y": 1}]}), json!({"volumes": [{"name": "b", "x": 1, "y": 1}]}))]
#[case::deletes_an_item(json!({"volumes": [{"name": "a"}, {"name": "b"}]}), json!({"volumes": [{"name": "a", "$patch": "delete"}]}), json!({"volumes": [{"name": "b"}]}))]
#[case::replaces_a_list(json!({"volumes": [{"name": "a"}]}), json!({"volumes": [{"$patch": "replace"}, {"name": "b"}]}), json!({"volumes": [{"name": "b"}]}))]
#[case::replaces_a_mapping(json!({"a": {"x": 1}}), json!({"a": {"$patch": "replace", "y": 1}}), json!({"a": {"y": 1}}))]
#[case::empties_a_mapping(json!({"a": {"x": 1}}), json!({"a": {"$patch": "delete"}}), json!({"a": {}}))]
#[case::deletes_nothing(json!({}), json!({"a": {"$patch": "delete"}, "b": [{"$patch": "replace"}]}), json!({"b": []}))]
#[case::retains(json!({"volumes": [{"name": "a", "emptyDir": {}}]}), json!({"volumes": [{"name": "a", "secret": {}, "$retainKeys": ["name", "secret"]}]}), json!({"volumes": [{"name": "a", "secret": {}}]}))]
#[case::orders(json!({"volumes": [{"name": "a"}, {"name": "b"}]}), json!({"$setElementOrder/volumes": [{"name": "b"}, {"name": "a"}]}), json!({"volumes": [{"name": "b"}, {"name": "a"}]}))]
#[case::orders_what_it_names(json!({"volumes": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}), json!({"$setElementOrder/volumes": [{"name": "d"}, {"name": "b"}], "volumes": [{"name": "d"}]}), json!({"volumes": [{"name": "d"}, {"name": "a"}, {"name": "b"}, {"name": "c"}]}))]
#[case::orders_a_new_list(json!({}), json!({"$setElementOrder/volumes": [{"name": "b"}, {"name": "a"}], "volumes": [{"name": "b"}, {"name": "c", "$patch": "delete"}, {"name": "a"}]}), json!({"volumes": [{"name": "b"}, {"name": "a"}]}))]
#[case::of_a_later_version(json!({"later": [{"name": "a"}], "other": {"a": 1}}), json!({"later": [{"name": "b"}], "other": {"b": 1}}), json!({"later": [{"name": "b"}], "other": {"a": 1, "b": 1}}))]
fn a_patch_is_merged_as_kubernetes_does(#[case] pod: Value, #[case] patch: Value, #[case] expected: Value) {
    assert_eq!(spec(pod, patch), expected);
}

#[test]
fn lists_of_texts_are_merged() {
    let pod = json!({"metadata": {"finalizers": ["a", "b", "a"]}});
    let patch = json!({"metadata": {"finalizers": ["c", "b"]}});
    assert_eq!(merge(pod.clone(), patch).unwrap()["metadata"]["finalizers"], json!(["c", "a", "b"]));
    let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}});
    assert_eq!(merge(pod, patch).unwrap()["metadata"]["finalizers"], json!(["b"]));
}

#[rstest]
#[case::no_merge_key(json!({"containers": [{"name": "a"}]}), json!({"containers": [{"name": "a"}, {"image": "b"}]}), "spec.containers[1]: lacks name")]
#[case::nothing_to_delete(json!({"volumes": [{"name": "a"}]}), json!({"volumes": [{"$patch": "delete"}]}), "spec.volumes[0]: lacks name")]
#[case::unknown_directive(json!({"volumes": [{"name": "a"}]}), json!({"volumes": [{"name": "a", "$patch": "merge"}]}), "spec.volumes[0].$patch: \"merge\" is not known")]
#[case::of_a_mapping(json!({"a": {}}), json!({"a": {"$patch": 5}}), "spec.a.$patch: 5 is not known")]
#[case::mixed(json!({"volumes": [{"name": "a"}]}), json!({"volumes": ["a"]}), "spec.volumes: has items of different kinds")]
#[case::not_retained(json!({"a": {}}), json!({"a": {"$retainKeys": ["b"], "c": 1}}), "spec.a.$retainKeys: does not list \"c\"")]
#[case::retains_no_list(json!({"a": {}}), json!({"a": {"$retainKeys": 1}}), "spec.a.$retainKeys: is not a list")]
#[case::order_without_items(json!({"volumes": []}), json!({"$setElementOrder/volumes": [{"name": "a"}], "volumes": [{"name": "b"}]}), "spec.$setElementOrder/volumes: lacks items")]
#[case::order_before_a_directive(json!({"volumes": []}), json!({"$setElementOrder/volumes": [{"name": "a"}], "volumes": [{"name": "a"}, {"$patch": "replace"}]}), "spec.$setElementOrder/volumes: lacks items")]
#[case::order_of_nothing(json!({}), json!({"$setElementOrder": []}), "spec.$setElementOrder: does not name a list")]
#[case::order_of_an_atomic_list(json!({}), json!({"$setElementOrder/tolerations": [{"key": "a"}]}), "spec.$setElementOrder/tolerations: is about a list that is not merged")]
#[case::deletes_mappings(json!({"volumes": [{"name": "a"}]}), json!({"$deleteFromPrimitiveList/volumes": [{"name": "a"}]}), "use $patch: delete")]
#[case::a_null_item(json!({"volumes": [null]}), json!({"volumes": [{"name": "a"}]}), "spec.volumes: has an item that is null")]
fn an_error_names_the_place_in_the_patch(#[case] pod: Value, #[case] patch: Value, #[case] expected: &str) {
    let problem = spec(pod, patch);
    assert!(problem.as_str().is_some_and(|problem| problem.contains(expected)), "{problem}");
}

#[test]
fn a_patch_that_is_too_deep_is_refused() {
    let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!({"a": inner}));
    assert!(merge(deep(150), deep(150)).is_ok());
    assert!(merge(deep(300), deep(300)).unwrap_err().problem.contains("nested deeper"));
}

#[test]
fn directives_that_kubernetes_would_drop_are_dropped() {
    let left = json!({"volumes": [{"name": "a", "$retainKeys": ["name"]}, {"$patch": "delete"}], "b": {"$setElementOrder/c": []}});
    assert_eq!(without_directives(left), json!({"volumes": [{"name": "a"}], "b": {}}));
}

const KEYS: [&str; 14] = [
    "metadata",
    "spec",
    "containers",
    "volumes",
    "env",
    "finalizers",
    "name",
    "a",
    "$patch",
    "$retainKeys",
    "$setElementOrder",
    "$setElementOrder/containers",
    "$setElementOrder/finalizers",
    "$deleteFromPrimitiveList/finalizers",
];

/// Any value, with keys that mean something.
pub fn any_value() -> impl Strategy<Value = Value> {
    let text = select(vec!["replace", "delete", "merge", "a", "containers"]).prop_map(Value::from);
    let scalar =
        prop_oneof![Just(json!(null)), any::<bool>().prop_map(Value::from), Just(json!(1)), Just(json!(0.5))];
    prop_oneof![text, scalar].prop_recursive(7, 80, 5, |inner| {
        let fields =
            proptest::collection::btree_map(select(&KEYS[..]).prop_map(str::to_owned), inner.clone(), 0..6);
        let fields = fields.prop_map(|fields| Value::Object(fields.into_iter().collect()));
        prop_oneof![proptest::collection::vec(inner, 0..4).prop_map(Value::Array), fields]
    })
}

fn has_directives(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| is_directive(key) || has_directives(value)),
        Value::Array(items) => items.iter().any(has_directives),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn whatever_is_merged_nothing_panics(pod in any_value(), patch in any_value(), spec in any_value()) {
        let _ = check(&patch);
        let _ = merge(pod.clone(), patch.clone());
        let merged = merge(json!({"metadata": pod, "spec": spec}), json!({"metadata": patch, "spec": patch}));
        if let Ok(merged) = merged {
            prop_assert!(!has_directives(&without_directives(merged)));
        }
    }
}
