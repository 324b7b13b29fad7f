//! Reads a spec as it is stored.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::bounded;
use crate::depth;
use crate::spec::{ChaosToolkitExperimentSpec as Spec, InvalidSpec, Mistakes};

/// A spec that was read.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The typed spec, without the fields that are wrong.
    pub spec: Spec,
    /// The paths of unknown fields, such as `spec.pod.imagee`.
    pub unknown: Vec<String>,
    /// The fields that are wrong.
    pub mistakes: Mistakes,
}

/// The maximum number of fields that may be wrong. The spec is not read any further then.
const MAX_MISTAKES: usize = 20;

impl Spec {
    /// Reads a spec as it is stored. An absent spec counts as an empty one. An error names the fields that are wrong.
    pub fn parse(raw: Option<&Value>) -> Result<Parsed, InvalidSpec> {
        let parsed = Self::read(raw);
        parsed.mistakes.clone().none().map(|()| parsed)
    }

    /// Reads as much of a spec as possible, and collects the fields that are wrong.
    #[must_use]
    pub fn read(raw: Option<&Value>) -> Parsed {
        let mut raw = raw.filter(|value| !value.is_null()).cloned().unwrap_or_else(|| json!({}));
        let mut mistakes = Mistakes::default();
        if !raw.is_object() {
            mistakes.add(InvalidSpec::new("spec", "is not a mapping"));
            return Parsed { mistakes, ..Parsed::default() };
        }
        if let Some(path) = depth::cut_at(&raw) {
            let problem = format!("the object is nested deeper than {} levels", depth::DEEPEST);
            mistakes.add(InvalidSpec::new(format!("spec{path}"), problem));
            return Parsed { mistakes, ..Parsed::default() };
        }
        if let Some(path) = depth::marked_at(&raw, bounded::BEYOND) {
            let problem = format!(
                "the spec has more than {} values (a mapping counts as {})",
                bounded::MOST_VALUES,
                bounded::MAPPING + 1
            );
            mistakes.add(InvalidSpec::new(format!("spec{path}"), problem));
            return Parsed { mistakes, ..Parsed::default() };
        }
        for _ in 0..MAX_MISTAKES {
            let mut unknown = Vec::new();
            let mut track = serde_path_to_error::Track::new();
            let spec = {
                let tracked = serde_path_to_error::Deserializer::new(&raw, &mut track);
                let mut note = |path: serde_ignored::Path| unknown.push(shown(&path));
                Self::deserialize(serde_ignored::Deserializer::new(tracked, &mut note))
            };
            match spec {
                Ok(spec) => return Parsed { spec, unknown, mistakes },
                Err(problem) => {
                    let path = track.path();
                    mistakes.add(InvalidSpec::new(at(&path), problem.to_string()));
                    if !remove(&mut raw, &path) {
                        break;
                    }
                }
            }
        }
        Parsed { mistakes, ..Parsed::default() }
    }
}

/// Returns the path of an unknown field, such as `spec.pod.files[0].modes`.
fn shown(path: &serde_ignored::Path) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => "spec".to_owned(),
        Path::Seq { parent, index } => format!("{}[{index}]", shown(parent)),
        Path::Map { parent, key } => format!("{}.{key}", shown(parent)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            shown(parent)
        }
    }
}

/// Removes the field at a path, or the list that it is in. Returns whether there was something to remove.
fn remove(raw: &mut Value, path: &serde_path_to_error::Path) -> bool {
    let mut keys = Vec::new();
    for segment in path {
        let serde_path_to_error::Segment::Map { key } = segment else { break };
        keys.push(key.as_str());
    }
    let Some((last, parents)) = keys.split_last() else { return false };
    let parent = parents.iter().try_fold(raw, |value, key| value.get_mut(*key));
    parent.and_then(Value::as_object_mut).is_some_and(|fields| fields.remove(*last).is_some())
}

/// Returns the path of a field, which starts with `spec`.
fn at(path: &serde_path_to_error::Path) -> String {
    match path.to_string().as_str() {
        "." => "spec".to_owned(),
        path => format!("spec.{path}"),
    }
}
