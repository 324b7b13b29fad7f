//! How each field of a pod is patched, by the `OpenAPI` document of Kubernetes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The table. `make merge-keys` writes it, and says for which version of Kubernetes.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(include_str!("pod.json")).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
struct Table {
    types: BTreeMap<String, BTreeMap<String, Field>>,
}

/// A field that is not patched by default, or that leads to one.
#[derive(Debug, Default, Deserialize)]
struct Field {
    /// The type of the field, or of its items.
    of: Option<String>,
    strategy: Option<String>,
    key: Option<String>,
}

/// The type of a mapping. `None` if the fields of the mapping are all patched by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type(Option<&'static str>);

impl Type {
    /// The type of a whole pod.
    pub const POD: Self = Self(Some("Pod"));

    /// Returns how a field is patched.
    pub fn field(self, name: &str) -> Rule {
        let fields = self.0.and_then(|name| TABLE.types.get(name));
        let Some(field) = fields.and_then(|fields| fields.get(name)) else { return Rule::DEFAULT };
        let has = |wanted| field.strategy.iter().flat_map(|all| all.split(',')).any(|one| one == wanted);
        Rule {
            of: Self(field.of.as_deref()),
            is_merged: has("merge"),
            is_replaced: has("replace"),
            key: field.key.as_deref(),
        }
    }
}

/// How a field is patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The type of the field, or of its items.
    pub of: Type,
    /// Whether lists are merged.
    pub is_merged: bool,
    /// Whether mappings are replaced.
    pub is_replaced: bool,
    /// The key by which the items of a list are merged. Without one, the items are texts or numbers.
    pub key: Option<&'static str>,
}

impl Rule {
    /// Mappings are merged, and lists are replaced.
    const DEFAULT: Self = Self { of: Type(None), is_merged: false, is_replaced: false, key: None };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        let containers = Type::POD.field("spec").of.field("containers");
        assert!(containers.is_merged);
        assert_eq!(containers.key, Some("name"));
        assert_eq!(containers.of.field("volumeMounts").key, Some("mountPath"));
        assert_eq!(Type::POD.field("spec").of.field("tolerations"), Rule::DEFAULT);
        assert_eq!(Type::POD.field("fromTheFuture").of.field("containers"), Rule::DEFAULT);
    }
}
