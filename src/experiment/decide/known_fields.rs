//! The fields of a spec that the operator knows, by the mappings that they are in. They come from the schema of the types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

/// The keys that lead from the spec to a mapping. A key that holds a list of mappings ends in `[]`.
pub type Place = Vec<String>;

/// The known fields of each mapping, parents first. A mapping of which all keys are allowed is missing.
pub static KNOWN: LazyLock<BTreeMap<Place, Vec<String>>> = LazyLock::new(|| {
    let crd = serde_json::to_value(chaostoolkit_api::crd()).unwrap_or_default();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut known = BTreeMap::new();
    collect(spec, &Vec::new(), &mut known);
    known
});

fn collect(schema: &Value, place: &Place, known: &mut BTreeMap<Place, Vec<String>>) {
    let Some(fields) = schema["properties"].as_object() else { return };
    known.insert(place.clone(), fields.keys().cloned().collect());
    for (key, field) in fields {
        let (key, field) = match field.get("items") {
            Some(item) => (format!("{key}[]"), item),
            None => (key.clone(), field),
        };
        collect(field, &[&place[..], &[key]].concat(), known);
    }
}

/// Returns the known fields of the mapping at a path below `spec`, such as `pod.files[0]`.
#[must_use]
pub fn known(path: &[&str]) -> Vec<&'static str> {
    let place: Place = path.iter().map(|key| without_index(key)).collect();
    KNOWN.get(&place).into_iter().flatten().map(String::as_str).collect()
}

fn without_index(key: &str) -> String {
    match key.strip_suffix(']').and_then(|key| key.rsplit_once('[')) {
        Some((list, _)) => format!("{list}[]"),
        None => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[], "suspend")]
    #[case(&["pod"], "volumeMounts")]
    #[case(&["pod", "env"], "secretName")]
    #[case(&["pod", "files[3]"], "configMap")]
    #[case(&["pod", "files[3]", "secret"], "key")]
    #[case(&["pod", "experiment", "headers[0]", "secret"], "name")]
    #[case(&["role", "rules[1]"], "resourceNames")]
    #[case(&["calendar"], "timeZone")]
    #[case(&["calendar", "windows[0]"], "days")]
    #[case(&["calendar", "exclude[1]"], "reason")]
    #[case(&["calendar", "holidays[0]"], "configMapName")]
    #[case(&["schedule", "stopAfter"], "deviated")]
    #[case(&["targets", "namespaceSelector"], "matchAnnotations")]
    #[case(&["report", "journal"], "store")]
    #[case(&["cleanup"], "onSuccess")]
    #[case(&["gates[15]"], "onClosed")]
    #[case(&["gates[0]", "http"], "expect")]
    #[case(&["stopConditions[0]", "resource"], "apiVersion")]
    fn fields_are_known_at_every_level(#[case] path: &[&str], #[case] field: &str) {
        assert!(known(path).contains(&field), "{path:?}: {:?}", known(path));
    }

    #[rstest]
    #[case(&["experiment"])]
    #[case(&["pod", "patch"])]
    #[case(&["pod", "labels"])]
    #[case(&["targets", "namespaceSelector", "matchLabels"])]
    #[case(&["pod", "volumes[0]"])]
    #[case(&["pod", "files"])]
    #[case(&["nothing", "like", "it"])]
    fn other_mappings_have_no_known_fields(#[case] path: &[&str]) {
        assert_eq!(known(path), Vec::<&str>::new());
    }
}
