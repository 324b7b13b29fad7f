//! Makes the object for a run from a file and from the options of the command.

use serde_json::{Map, Value, json};

use crate::args::Variable;
use crate::model::file::KIND;

/// What the options say about a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Name of the object.
    pub name: Option<String>,
    /// Namespace of the object, if an option names it.
    pub namespace: Option<String>,
    /// Namespace of the run.
    pub run_namespace: Option<String>,
    /// Image with the toolkit.
    pub image: Option<String>,
    /// Variables of the environment.
    pub env: Vec<Variable>,
}

/// Returns the object for an experiment as `chaos run` takes it. It is in the spec: the operator makes a `ConfigMap` from it,
/// and deletes that with the object.
pub fn of_experiment(experiment: &Value, options: &Options) -> Result<Value, String> {
    with_options(empty(json!({"experiment": experiment})), options)
}

/// Returns the object for an experiment at a URL.
pub fn of_url(url: &str, options: &Options) -> Result<Value, String> {
    with_options(empty(json!({"pod": {"experiment": {"url": url}}})), options)
}

fn empty(spec: Value) -> Value {
    let mut object = json!({"apiVersion": "chaostoolkit.org/v1", "kind": KIND, "metadata": {}});
    object["spec"] = spec;
    object
}

/// Returns an object with what the options say. Fails if the object has another namespace, or has the field in a form that
/// cannot be added to.
pub fn with_options(mut object: Value, options: &Options) -> Result<Value, String> {
    for owned in ["status", "/metadata/managedFields", "/metadata/resourceVersion", "/metadata/uid"] {
        remove(&mut object, owned);
    }
    let metadata = map(&mut object, &["metadata"])?;
    if let Some(name) = &options.name {
        metadata.insert("name".to_owned(), name.clone().into());
    }
    match (metadata.get("namespace").and_then(Value::as_str), &options.namespace) {
        (Some(own), Some(wanted)) if own != wanted => {
            return Err(format!("the object is in namespace {own:?}, and --namespace says {wanted:?}"));
        }
        (_, Some(wanted)) => _ = metadata.insert("namespace".to_owned(), wanted.clone().into()),
        _ => {}
    }
    if let Some(namespace) = &options.run_namespace {
        map(&mut object, &["spec"])?.insert("namespace".to_owned(), namespace.clone().into());
    }
    if let Some(image) = &options.image {
        map(&mut object, &["spec", "pod"])?.insert("image".to_owned(), image.clone().into());
    }
    if !options.env.is_empty() {
        add_variables(map(&mut object, &["spec", "pod"])?, &options.env)?;
    }
    Ok(object)
}

fn remove(object: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    if let Some(Value::Object(fields)) = object.pointer_mut(parent) {
        fields.remove(key);
    }
}

/// Appends variables to the list of the pod. They replace those of the same name.
fn add_variables(pod: &mut Map<String, Value>, variables: &[Variable]) -> Result<(), String> {
    let list = match pod.entry("env").or_insert(Value::Null) {
        empty @ Value::Null => {
            *empty = json!([]);
            empty
        }
        list @ Value::Array(_) => list,
        _ => {
            return Err("spec.pod.env of the manifest is a mapping, to which --env cannot add; put the variables into its ConfigMap"
                .to_owned());
        }
    };
    for Variable { name, value } in variables {
        if let Value::Array(list) = list {
            list.retain(|known| known["name"] != name.as_str());
            list.push(json!({"name": name, "value": value}));
        }
    }
    Ok(())
}

/// Returns the mapping at a path of keys, and creates it if it is absent. Fails if something else is there.
fn map<'a>(object: &'a mut Value, path: &[&str]) -> Result<&'a mut Map<String, Value>, String> {
    let mut here = object;
    for key in path {
        let Value::Object(fields) = here else { return Err(not_a_mapping(path)) };
        let field = fields.entry((*key).to_owned()).or_insert(Value::Null);
        if field.is_null() {
            *field = json!({});
        }
        here = field;
    }
    here.as_object_mut().ok_or_else(|| not_a_mapping(path))
}

fn not_a_mapping(path: &[&str]) -> String {
    format!("{} of the manifest is no mapping", path.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::Experiment;
    use chaostoolkit_operator::experiment::decide::understood::understood;
    use proptest::prelude::*;

    fn options() -> Options {
        let env = [("A", "1"), ("B", ""), ("A", "2")];
        Options {
            name: Some("x".to_owned()),
            namespace: Some("n".to_owned()),
            run_namespace: Some("run".to_owned()),
            image: Some("image".to_owned()),
            env: env
                .map(|(name, value)| Variable { name: name.to_owned(), value: value.to_owned() })
                .to_vec(),
        }
    }

    fn is_understood(object: &Value) {
        let experiment: Experiment = serde_json::from_value(object.clone()).unwrap();
        let parsed = understood(&experiment, "n").unwrap();
        assert_eq!(parsed.unknown, Vec::<String>::new());
    }

    #[test]
    fn an_experiment_goes_into_the_spec() {
        let experiment = json!({"title": "t", "method": []});
        let object = of_experiment(&experiment, &options()).unwrap();
        let env = json!([{"name": "B", "value": ""}, {"name": "A", "value": "2"}]);
        let expected = json!({
            "apiVersion": "chaostoolkit.org/v1", "kind": KIND, "metadata": {"name": "x", "namespace": "n"},
            "spec": {"experiment": experiment, "namespace": "run", "pod": {"image": "image", "env": env}},
        });
        assert_eq!(object, expected);
        is_understood(&object);
    }

    #[test]
    fn a_url_stays_one() {
        let object = of_url("https://example.com/e.json", &options()).unwrap();
        assert_eq!(object["spec"]["pod"]["experiment"]["url"], "https://example.com/e.json");
        is_understood(&object);
    }

    #[test]
    fn a_manifest_keeps_what_the_options_do_not_name() {
        let manifest = json!({"kind": KIND, "metadata": {"name": "mine", "namespace": "n", "uid": "u", "labels": {"a": "b"}},
            "spec": {"pod": {"env": [{"name": "A", "value": "0"}, {"name": "C", "value": "3"}]}}, "status": {"phase": "Failed"}});
        let kept = with_options(manifest.clone(), &Options::default()).unwrap();
        assert_eq!(kept["metadata"], json!({"name": "mine", "namespace": "n", "labels": {"a": "b"}}));
        assert_eq!((&kept["spec"], &kept["status"]), (&manifest["spec"], &Value::Null));
        let changed = with_options(manifest, &options()).unwrap();
        assert_eq!(changed["metadata"]["name"], "x");
        let names: Vec<&str> = changed["spec"]["pod"]["env"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["name"].as_str())
            .collect();
        assert_eq!(names, ["C", "B", "A"]);
    }

    #[test]
    fn what_cannot_be_added_to_is_named() {
        let manifest = |spec: Value| json!({"kind": KIND, "metadata": {"name": "a", "namespace": "other"}, "spec": spec});
        let problem = |spec: Value, options: &Options| with_options(manifest(spec), options).unwrap_err();
        assert!(problem(json!({}), &options()).contains("namespace \"other\""));
        let options = Options { namespace: None, ..options() };
        assert!(problem(json!({"pod": {"env": {"enabled": false}}}), &options).contains("spec.pod.env"));
        assert!(problem(json!({"pod": 7}), &options).contains("spec.pod"));
        assert!(problem(json!(7), &options).contains("spec"));
    }

    proptest! {
        #[test]
        fn the_options_reach_any_object_or_are_refused(text in "[a-z{}\\[\\]:,0-9\" ]{0,40}") {
            if let Ok(object) = serde_json::from_str::<Value>(&text)
                && let Ok(made) = with_options(object, &options())
            {
                prop_assert_eq!(&made["spec"]["pod"]["image"], "image");
            }
        }
    }
}
