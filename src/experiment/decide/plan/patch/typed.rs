//! Reads values as the types of Kubernetes.

use serde::de::DeserializeOwned;
use serde_json::Value;

use chaostoolkit_api::spec::InvalidSpec;

/// What was found out about a value.
pub struct Typed {
    /// Whether it has the type.
    pub result: Result<(), InvalidSpec>,
    /// The paths of the fields that the type does not know.
    pub unknown: Vec<String>,
}

/// Reads the value at a path as a type of Kubernetes.
///
/// A patch is only a part of an object. These types take an absent field for an empty one, so parts can be read as well.
pub fn read<T: DeserializeOwned>(path: &str, value: &Value) -> Typed {
    let (mut unknown, mut track) = (Vec::new(), serde_path_to_error::Track::new());
    let read = {
        let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
        let mut note = |found: serde_ignored::Path| unknown.push(below(path, &shown(&found)));
        T::deserialize(serde_ignored::Deserializer::new(tracked, &mut note))
    };
    let result = read.map(|_| ()).map_err(|problem| {
        let found = match track.path().to_string().as_str() {
            "." => String::new(),
            found => found.to_owned(),
        };
        InvalidSpec::new(below(path, &found), problem.to_string())
    });
    Typed { result, unknown }
}

/// Joins two paths.
pub fn below(path: &str, rest: &str) -> String {
    let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
    format!("{path}{dot}{rest}")
}

/// Writes a path with its indices in brackets.
fn shown(path: &serde_ignored::Path) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", shown(parent)),
        Path::Map { parent, key } => match shown(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            shown(parent)
        }
    }
}
