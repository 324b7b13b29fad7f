//! What stays of the objects in a response.

use chaostoolkit_api::spec::options::LIVE_FIELDS;
use chaostoolkit_api::{freeze, names};

/// The fields of the metadata that stay. Labels and annotations have lists of their own.
const METADATA: [&str; 12] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "finalizers",
    "ownerReferences",
    // Those of a list.
    "continue",
    "remainingItemCount",
];

/// The labels that stay.
const LABELS: [&str; 2] = [names::UID_LABEL, names::RUN_LABEL];

/// The annotations that stay. With the last one, the API server marks the end of a streamed list.
const ANNOTATIONS: [&str; 3] =
    [names::EXPERIMENT_ANNOTATION, names::RERUN_ANNOTATION, "k8s.io/initial-events-end"];

/// The fields of a spec that stay besides [`LIVE_FIELDS`]. These decide whether an experiment needs a pass, and whether the pass
/// needs all of it.
const OTHERS: [&str; 2] = ["schedule", "stopConditions"];

/// Whether a field of a spec stays. No field of an experiment has the name of one of a freeze.
fn stays(key: &[u8]) -> bool {
    let mut kept = LIVE_FIELDS.iter().chain(&freeze::FIELDS).chain(&OTHERS);
    kept.any(|known| known.as_bytes() == key)
}

/// The fields of a status that go. Only a pass reads them.
const STATUS: [&str; 2] = ["history", "counters"];

/// What an object or a list is in a response, and so what stays of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The response, or an event of a watch.
    Top,
    /// The list of objects.
    Items,
    /// An object.
    Object,
    /// Its metadata, or that of a list.
    Metadata,
    /// Its labels.
    Labels,
    /// Its annotations.
    Annotations,
    /// Its spec.
    Spec,
    /// Its status.
    Status,
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Keep,
    /// It stays if it is short.
    KeepShort,
    /// It stays if it is short, and is a text in any case.
    KeepShortText,
    /// It goes.
    Drop,
    /// It is looked into.
    Enter(Place),
}

/// Whose responses are filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// A watch, which fills a cache.
    #[default]
    Watch,
    /// A pass, which reads all but the managed fields.
    Pass,
    /// The response is not JSON, and is not changed.
    Other,
}

impl Place {
    /// Decides on the value of a key. `is_nested` says whether it is an object or a list.
    pub fn fate_in_pass(self, key: &[u8], is_nested: bool) -> Fate {
        match (self, key) {
            (Self::Top, b"items") if is_nested => Fate::Enter(Self::Items),
            (Self::Top | Self::Object, b"metadata") if is_nested => Fate::Enter(Self::Metadata),
            (Self::Metadata, b"managedFields") => Fate::Drop,
            _ => Fate::Keep,
        }
    }

    /// Decides on the value of a key in the response to a watch.
    pub fn fate(self, key: &[u8], is_nested: bool) -> Fate {
        let is_in = |keys: &[&str]| keys.iter().any(|known| known.as_bytes() == key);
        match (self, key) {
            (Self::Top, b"items") if is_nested => Fate::Enter(Self::Items),
            (Self::Top, b"object") if is_nested => Fate::Enter(Self::Object),
            (Self::Top | Self::Object, b"metadata") if is_nested => Fate::Enter(Self::Metadata),
            (Self::Object, b"spec") if is_nested => Fate::Enter(Self::Spec),
            (Self::Object, b"status") if is_nested => Fate::Enter(Self::Status),
            (Self::Metadata, b"labels") if is_nested => Fate::Enter(Self::Labels),
            (Self::Metadata, b"annotations") if is_nested => Fate::Enter(Self::Annotations),
            (Self::Labels, _) if is_in(&LABELS) => Fate::KeepShortText,
            (Self::Annotations, _) if is_in(&ANNOTATIONS) => Fate::KeepShortText,
            // The last one is the token of the next page.
            (Self::Top | Self::Object, _) | (Self::Metadata, b"continue") => Fate::Keep,
            (Self::Metadata, _) if is_in(&METADATA) => Fate::KeepShort,
            (Self::Spec, _) if stays(key) => Fate::KeepShort,
            (Self::Status, _) if !is_in(&STATUS) => Fate::Keep,
            _ => Fate::Drop,
        }
    }
}
