//! Lists of label and annotation keys that users configure.

/// The labels of an experiment that its objects do not get, by default. Tools own and delete objects by them, so a pod that
/// had one would be deleted during its run.
pub const EXCLUDED_LABELS: &str = "app.kubernetes.io/instance,app.kubernetes.io/managed-by,argocd.argoproj.io/*,\
kustomize.toolkit.fluxcd.io/*,helm.toolkit.fluxcd.io/*,kapp.k14s.io/*,applyset.kubernetes.io/*,objectset.rio.cattle.io/*,\
velero.io/*";

/// The labels or annotations that a backup tool puts on an object that it restores, by default: those of Velero.
pub const RESTORE_MARKS: &str = "velero.io/restore-name,velero.io/backup-name";

/// A list of keys. An entry that ends in `*` stands for all keys that begin like it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyList(Vec<String>);

impl KeyList {
    /// Reads a list whose entries are separated by commas. Empty entries do not count.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
    }

    /// Whether the list has a key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|entry| match entry.strip_suffix('*') {
            Some(beginning) => key.starts_with(beginning),
            None => key == entry,
        })
    }
}

/// The lists that the operator needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The labels of an experiment that its objects do not get.
    pub excluded_labels: KeyList,
    /// The labels or annotations that show that a backup tool has restored an object.
    pub restore_marks: KeyList,
}

impl Default for Keys {
    fn default() -> Self {
        Self { excluded_labels: KeyList::new(EXCLUDED_LABELS), restore_marks: KeyList::new(RESTORE_MARKS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("app.kubernetes.io/instance", true)]
    #[case("app.kubernetes.io/name", false)]
    #[case("argocd.argoproj.io/instance", true)]
    #[case("kustomize.toolkit.fluxcd.io/name", true)]
    #[case("helm.toolkit.fluxcd.io/namespace", true)]
    #[case("velero.io/restore-name", true)]
    #[case("team", false)]
    fn tools_do_not_own_the_objects_of_a_run(#[case] label: &str, #[case] is_excluded: bool) {
        assert_eq!(Keys::default().excluded_labels.has(label), is_excluded);
    }

    #[test]
    fn an_empty_list_has_no_key() {
        assert!(!KeyList::new("").has("") && !KeyList::new(" , ").has("team"));
        assert!(KeyList::new("a, b/*").has("b/c") && !KeyList::new("a").has("ab"));
    }
}
