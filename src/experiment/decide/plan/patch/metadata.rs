//! Checks labels and annotations of the pod as Kubernetes does, and keeps those of the operator free.
//!
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>

use chaostoolkit_api::names;
use chaostoolkit_api::spec::InvalidSpec;

/// The maximum number of characters of the value of a label, and of the last part of a key.
const LONGEST: usize = 63;

/// Checks a label of the pod. A value of `None` removes it.
pub fn label(path: &str, key: &str, value: Option<&str>) -> Result<(), InvalidSpec> {
    not_ours(path, key)?;
    well_formed(path, key, value)
}

/// Checks an annotation of the pod.
pub fn annotation(path: &str, key: &str) -> Result<(), InvalidSpec> {
    not_ours(path, key)?;
    annotation_key(path, key)
}

/// Checks the key of an annotation of any object.
pub fn annotation_key(path: &str, key: &str) -> Result<(), InvalidSpec> {
    // Kubernetes takes capital letters in the prefix here.
    check_key(&key.to_ascii_lowercase()).map_err(|problem| InvalidSpec::new(at(path, key), problem))
}

fn not_ours(path: &str, key: &str) -> Result<(), InvalidSpec> {
    match key.split_once('/') {
        Some((names::GROUP, _)) => Err(InvalidSpec::forbidden(at(path, key), "is set by the operator")),
        _ => Ok(()),
    }
}

/// Checks key and value of a label.
pub fn well_formed(path: &str, key: &str, value: Option<&str>) -> Result<(), InvalidSpec> {
    check_key(key)
        .and_then(|()| value.map_or(Ok(()), check_value))
        .map_err(|problem| InvalidSpec::new(at(path, key), problem))
}

fn at(path: &str, key: &str) -> String {
    format!("{path}[{key:?}]")
}

fn check_key(key: &str) -> Result<(), String> {
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            names::check_dns_subdomain(prefix)?;
            name
        }
        None => key,
    };
    if name.is_empty() {
        return Err(format!("{key:?} has no name after its prefix"));
    }
    check_value(name)
}

fn check_value(value: &str) -> Result<(), String> {
    let is_end = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    if value.len() > LONGEST {
        return Err(format!("has {} characters; at most {LONGEST} are possible", value.len()));
    }
    if value.chars().all(is_plain) && is_end(value.chars().next()) && is_end(value.chars().last()) {
        return Ok(());
    }
    Err(format!(
        "{value:?} must consist of letters, digits, '-', '.' and '_', and start and end with a letter or digit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("app", Some("web"), None)]
    #[case("example.com/Team_1", Some(""), None)]
    #[case("a", None, None)]
    #[case("", Some("x"), Some("has no name"))]
    #[case("example.com/", Some("x"), Some("has no name"))]
    #[case("Example.com/a", Some("x"), Some("lower case"))]
    #[case("a/b/c", Some("x"), Some("start and end"))]
    #[case("-a", Some("x"), Some("start and end"))]
    #[case("a", Some("two words"), Some("start and end"))]
    #[case("a", Some("x."), Some("start and end"))]
    #[case("chaostoolkit.org/run", Some("1"), Some("set by the operator"))]
    #[case("chaostoolkit.org.example/run", Some("1"), None)]
    fn labels_are_those_of_kubernetes(
        #[case] key: &str,
        #[case] value: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let problem = label("spec.pod.labels", key, value).err().map(|invalid| invalid.to_string());
        match expected {
            None => assert_eq!(problem, None),
            Some(expected) => {
                let problem = problem.unwrap();
                assert!(problem.starts_with(&format!("spec.pod.labels[{key:?}]: ")), "{problem}");
                assert!(problem.contains(expected), "{problem}");
            }
        }
    }

    #[test]
    fn a_label_has_at_most_63_characters() {
        assert!(label("l", &"a".repeat(63), Some(&"b".repeat(63))).is_ok());
        assert!(label("l", &"a".repeat(64), None).is_err());
        assert!(label("l", "a", Some(&"b".repeat(64))).is_err());
    }

    #[test]
    fn an_annotation_may_have_a_prefix_in_capital_letters() {
        assert!(annotation("a", "Example.com/a").is_ok());
        assert!(annotation("a", "exam ple/a").is_err());
        assert!(annotation("a", "chaostoolkit.org/mark").unwrap_err().is_forbidden);
    }
}
