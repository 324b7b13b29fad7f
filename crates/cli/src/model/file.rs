//! What a file holds: an experiment as `chaos run` takes it, or objects of Kubernetes.

use serde_json::Value;

use chaostoolkit_api::{bounded, names};
use chaostoolkit_operator::yaml;

/// The longest file that is read, in bytes. An API server takes no longer object either.
pub const LONGEST: usize = 3 << 20;

/// The longest experiment that goes into an object, as JSON, in bytes. The operator keeps it in a `ConfigMap`, which holds
/// [1 MiB](https://kubernetes.io/docs/concepts/configuration/configmap/#motivation).
pub const LONGEST_EXPERIMENT: usize = 1_000_000;

/// The kind of an experiment as an object.
pub const KIND: &str = "ChaosToolkitExperiment";

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// An experiment as `chaos run` takes it.
    Plain(Value),
    /// An experiment as an object, and the `ConfigMap`s that are in the same file.
    Objects {
        /// The experiment.
        experiment: Value,
        /// The `ConfigMap`s, in their order.
        config_maps: Vec<Value>,
    },
}

/// Reads the documents of a file. `name` is that of the file: JSON is read as JSON, and everything else as YAML.
pub fn documents(name: &str, text: &str) -> Result<Vec<Value>, String> {
    if text.len() > LONGEST {
        return Err(format!("{name} is longer than the {} MiB that are read", LONGEST >> 20));
    }
    let extension = std::path::Path::new(name).extension();
    if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return bounded::json(text)
            .map(|value| vec![value])
            .map_err(|error| format!("{name} is not JSON: {error}"));
    }
    let documents = yaml::parse_all(text).map_err(|error| format!("{name} is not YAML: {error}"))?;
    // A list as `kubectl get -o yaml` prints it.
    let flat = documents.into_iter().flat_map(|document| match document.get("items") {
        Some(Value::Array(items)) if document["kind"] == "List" => items.clone(),
        _ => vec![document],
    });
    Ok(flat.collect())
}

/// Reads a file from which one run is to start.
pub fn content(name: &str, text: &str) -> Result<Content, String> {
    let documents = documents(name, text)?;
    if let [document] = documents.as_slice()
        && document.get("kind").is_none()
    {
        return plain(name, document).map(Content::Plain);
    }
    let (experiments, others): (Vec<Value>, Vec<Value>) =
        documents.into_iter().partition(|document| document["kind"] == KIND);
    if let Some(other) = others.iter().find(|other| other["kind"] != "ConfigMap") {
        let kind = shown(&other["kind"]);
        return Err(format!(
            "{name} has an object of the kind {kind}; apply it with kubectl, and give this command the experiment alone"
        ));
    }
    let mut experiments = experiments.into_iter();
    match (experiments.next(), experiments.next()) {
        (Some(experiment), None) => Ok(Content::Objects { experiment, config_maps: others }),
        (None, _) => Err(format!(
            "{name} has neither an experiment as `chaos run` takes it, with `title` and `method`, nor a {KIND}"
        )),
        (Some(_), Some(_)) => Err(format!(
            "{name} has several experiments; give this command one at a time, or apply them with kubectl"
        )),
    }
}

/// Checks that a document is an experiment of the toolkit. The toolkit and the operator check the rest.
fn plain(name: &str, document: &Value) -> Result<Value, String> {
    let missing: Vec<&str> =
        ["title", "method"].into_iter().filter(|key| document.get(key).is_none()).collect();
    if !missing.is_empty() {
        return Err(format!(
            "{name} is no experiment of the Chaos Toolkit and no {KIND}: it lacks `{}`",
            missing.join("` and `")
        ));
    }
    let length = document.to_string().len();
    if length > LONGEST_EXPERIMENT {
        return Err(format!(
            "the experiment in {name} has {length} bytes, and a ConfigMap holds no more than {LONGEST_EXPERIMENT}; put it where the run can fetch it, and give this command its URL"
        ));
    }
    Ok(document.clone())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| "of no name".to_owned(), |text| format!("{text:?}"))
}

/// The longest name that is made of the name of a file. It fits into a label.
const LONGEST_NAME: usize = 63;

/// Makes the name of an object from the name of a file, from a URL or from a title. Fails if nothing of it may be in a name.
pub fn name_from(text: &str) -> Result<String, String> {
    let last = text.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let last = last.rsplit('/').next().unwrap_or_default();
    let stem = [".json", ".yaml", ".yml"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
    let mut name = String::new();
    for letter in stem.to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
    }
    name.truncate(LONGEST_NAME);
    let name = name.trim_end_matches('-').to_owned();
    names::check_dns_subdomain(&name)
        .map(|()| name)
        .map_err(|_| format!("no name can be made from {text:?}; give one with --name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("experiment.json", "experiment")]
    #[case("a/b/Kill a Pod.yaml", "kill-a-pod")]
    #[case("https://example.com/x/pod_kill.json?raw=1#top", "pod-kill")]
    #[case("https://example.com/x/", "x")]
    #[case("--.yml-", "yml")]
    #[case("été.json", "t")]
    fn names_come_from_files(#[case] file: &str, #[case] expected: &str) {
        assert_eq!(name_from(file).as_deref(), Ok(expected));
    }

    #[rstest]
    #[case("")]
    #[case("---.json")]
    #[case("日本語")]
    fn some_texts_make_no_name(#[case] text: &str) {
        assert!(name_from(text).unwrap_err().contains("--name"));
    }

    #[rstest]
    #[case("e.json", r#"{"title": "t", "method": []}"#, "plain")]
    #[case("e.yaml", "title: t\nmethod: []\n", "plain")]
    #[case("-", r#"{"title": "t", "method": []}"#, "plain")]
    #[case("e.yaml", "kind: ChaosToolkitExperiment\n", "objects 0")]
    #[case("e.yaml", "kind: ConfigMap\n---\nkind: ChaosToolkitExperiment\n", "objects 1")]
    #[case("e.yaml", "kind: List\nitems: [{kind: ChaosToolkitExperiment}]\n", "objects 0")]
    #[case("e.json", "{", "e.json is not JSON")]
    #[case("e.yaml", "a: [", "e.yaml is not YAML")]
    #[case("e.yaml", "", "neither an experiment")]
    #[case("e.yaml", "title: t\n", "it lacks `method`")]
    #[case("e.yaml", "[1]", "it lacks `title` and `method`")]
    #[case("e.yaml", "kind: Secret\n---\nkind: ChaosToolkitExperiment\n", "kind \"Secret\"")]
    #[case("e.yaml", "kind: ChaosToolkitExperiment\n---\nkind: ChaosToolkitExperiment\n", "several")]
    fn files(#[case] name: &str, #[case] text: &str, #[case] expected: &str) {
        let found = match content(name, text) {
            Ok(Content::Plain(_)) => "plain".to_owned(),
            Ok(Content::Objects { config_maps, .. }) => format!("objects {}", config_maps.len()),
            Err(problem) => problem,
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn an_experiment_that_fits_into_no_config_map_is_refused() {
        let text = format!(r#"{{"title": "t", "method": [], "x": "{}"}}"#, "x".repeat(LONGEST_EXPERIMENT));
        assert!(content("e.json", &text).unwrap_err().contains("URL"));
    }

    proptest! {
        #[test]
        fn a_name_that_is_made_is_one(text in any::<String>()) {
            if let Ok(name) = name_from(&text) {
                prop_assert!(names::check_dns_label(&name).is_ok());
            }
        }

        #[test]
        fn no_file_is_too_odd(text in "\\PC{0,80}|[a-z:{}\\[\\]\n -]{0,40}") {
            let _ = content("a.yaml", &text);
            let _ = content("a.json", &text);
        }
    }
}
