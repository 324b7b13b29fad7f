//! Checks of names that others choose, before they become a part of a call.

/// Checks a name that has to be a DNS label ([RFC 1123]), such as the name of a namespace. The error names the problem.
///
/// [RFC 1123]: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
pub fn check_dns_label(name: &str) -> Result<(), String> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 63 {
        return Err(format!("{name:?} must have 1 to 63 characters"));
    }
    if !name.chars().all(inner) || name.starts_with('-') || name.ends_with('-') {
        return Err(format!(
            "{name:?} must consist of lower case letters, digits and '-', and start and end with a letter or digit"
        ));
    }
    Ok(())
}

/// Checks a name that has to be a DNS subdomain ([RFC 1123]), such as the name of a `ConfigMap`. The error names the
/// problem. The operator looks the object up, so the name becomes a part of a URL and must not change its path.
///
/// [RFC 1123]: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
pub fn check_dns_subdomain(name: &str) -> Result<(), String> {
    if name.len() > 253 {
        return Err(format!("a name of {} characters is longer than the 253 that one may have", name.len()));
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    if name.split('.').all(is_part) {
        return Ok(());
    }
    Err(format!(
        "{name:?} must consist of lower case letters, digits, '-' and '.', and each part start and end with a letter or digit"
    ))
}

/// Checks a name that has to be a segment of a path, such as the name of a Role. The error names the problem.
///
/// Kubernetes refuses only `.`, `..`, `/` and `%` here. This check also refuses what would have to be escaped in a URL.
pub fn check_path_segment(name: &str) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
    if name.len() > 253 {
        return Err(format!("a name of {} characters is longer than the 253 that one may have", name.len()));
    }
    if matches!(name, "" | "." | "..") || !name.chars().all(is_plain) {
        return Err(format!("{name:?} must consist of letters, digits, '-', '.', '_' and ':'"));
    }
    Ok(())
}

/// Checks a key of a `ConfigMap` or of a Secret by the rule of Kubernetes. The error names the problem.
pub fn check_data_key(key: &str) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    if key.len() > 253 {
        return Err(format!("a key of {} characters is longer than the 253 that one may have", key.len()));
    }
    if key.is_empty() || key == "." || key.starts_with("..") || !key.chars().all(is_plain) {
        return Err(format!(
            "{key:?} must consist of letters, digits, '-', '.' and '_', and not begin with \"..\""
        ));
    }
    Ok(())
}

/// Checks the name of an existing Role by the rule of Kubernetes. The error names the problem. The name need not fit into a
/// URL, since the operator can bind a Role without looking it up.
pub fn check_role_reference(name: &str) -> Result<(), String> {
    if matches!(name, "." | "..") || name.contains(['/', '%']) {
        return Err(format!("{name:?} must be neither \".\" nor \"..\", and have neither '/' nor '%'"));
    }
    Ok(())
}

/// Checks the value of a label. The error names the problem. Such a value adds nothing to a selector.
pub fn check_label_value(value: &str) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    if value.len() <= 63 && value.chars().all(is_plain) {
        return Ok(());
    }
    Err(format!("{value:?} must have at most 63 characters: letters, digits, '-', '.' and '_'"))
}
