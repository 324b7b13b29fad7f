//! The error of an invalid spec.

use std::fmt;

/// An invalid spec. It has one mistake or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidSpec {
    /// The path of the field, such as `spec.pod.env.configMapName`.
    pub path: String,
    /// The problem with the field.
    pub problem: String,
    /// Whether the value is well-formed, but not allowed.
    pub is_forbidden: bool,
    /// The other mistakes of the spec.
    pub more: Vec<Self>,
}

/// The maximum number of mistakes that a message names.
const MAX_NAMED: usize = 10;

impl InvalidSpec {
    /// Creates the error for a field that is wrong.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let [path, problem] = [path.into(), problem.into()].map(one_line);
        Self { path, problem, is_forbidden: false, more: Vec::new() }
    }

    /// Creates the error for a field whose value is not allowed.
    pub fn forbidden(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { is_forbidden: true, ..Self::new(path, problem) }
    }

    /// Returns whether one of the mistakes is a value that is not allowed.
    #[must_use]
    pub fn has_forbidden(&self) -> bool {
        self.all().any(|mistake| mistake.is_forbidden)
    }

    /// All mistakes, this one first.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.more)
    }
}

/// Returns a text as one line. It may quote the spec, and goes into logs, events and conditions.
fn one_line(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

impl fmt::Display for InvalidSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)?;
        for Self { path, problem, .. } in self.more.iter().take(MAX_NAMED - 1) {
            write!(f, "; {path}: {problem}")?;
        }
        match self.more.len().saturating_sub(MAX_NAMED - 1) {
            0 => Ok(()),
            others => write!(f, "; and {others} more"),
        }
    }
}

/// Collects the mistakes of a spec, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<InvalidSpec>);

impl Mistakes {
    /// Adds a mistake, or all mistakes of an error.
    pub fn add(&mut self, mut invalid: InvalidSpec) {
        let more = std::mem::take(&mut invalid.more);
        for mistake in std::iter::once(invalid).chain(more) {
            if !self.0.contains(&mistake) {
                self.0.push(mistake);
            }
        }
    }

    /// Returns the value of a result. Adds its mistakes and returns `instead` if there is no value.
    pub fn or<T>(&mut self, result: Result<T, InvalidSpec>, instead: T) -> T {
        result.unwrap_or_else(|invalid| {
            self.add(invalid);
            instead
        })
    }

    /// Returns one error with all mistakes, if there are any.
    pub fn none(self) -> Result<(), InvalidSpec> {
        let mut all = self.0.into_iter();
        all.next().map_or(Ok(()), |first| Err(InvalidSpec { more: all.collect(), ..first }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_it_quotes() {
        let invalid = InvalidSpec::new("spec.a\nb", "unknown variant `---\n\u{1b}[31m`");
        assert_eq!(invalid.to_string(), "spec.a b: unknown variant `---  [31m`");
    }
}
