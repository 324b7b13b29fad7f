//! Reads the sentence in which the API server refuses a request for lack of a right.
//!
//! ```text
//! pods "a" is forbidden: User "system:serviceaccount:ns:sa" cannot delete resource "pods" in API group "" in the namespace "x"
//! nodes is forbidden: User "me" cannot list resource "nodes" in API group "" at the cluster scope
//! ```
//!
//! An exception has it within JSON within a text, so each quotation mark may have backslashes before it.

use crate::field::cut;
use crate::forbidden::types::{Forbidden, Scope};

/// What each sentence has, in front of the account.
const MARK: &str = " is forbidden: User ";

/// The maximum number of bytes of a sentence after the mark, and of the text before it that is looked at.
const MAX_AFTER: usize = 2048;
const MAX_BEFORE: usize = 512;

/// The maximum number of sentences of a text that are read.
const MOST_SENTENCES: usize = 64;

/// The maximum lengths of the parts, in bytes.
const MAX_USER: usize = 253;
const MAX_NAME: usize = 253;
const MAX_GROUP: usize = 253;
const MAX_RESOURCE: usize = 128;
const MAX_WORD: usize = 63;

/// Words of an admission that refuses. It may quote a sentence about an account of its own.
const ADMISSION: [&str; 3] = ["denied the request", "denied request", "failed calling webhook"];

/// Returns all refusals in a text.
pub(super) fn all(text: &str) -> impl Iterator<Item = Forbidden> {
    let marks = text.match_indices(MARK).take(MOST_SENTENCES);
    marks.filter_map(|(at, mark)| one(before(&text[..at]), after(&text[at + mark.len()..])))
}

/// Returns the end of a text, up to the beginning of its last line.
fn before(text: &str) -> &str {
    let start =
        (text.len().saturating_sub(MAX_BEFORE)..=text.len()).find(|start| text.is_char_boundary(*start));
    let text = &text[start.unwrap_or_default()..];
    let line = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    // A line of an exception may be escaped once more.
    line.rsplit("\\n").next().unwrap_or_default()
}

/// Returns the beginning of a text.
fn after(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_AFTER)).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

fn one(before: &str, after: &str) -> Option<Forbidden> {
    let before = before.replace('\\', "");
    if ADMISSION.iter().any(|words| before.contains(words)) {
        return None;
    }
    let after = after.replace('\\', "");
    let mut rest = Rest(&after);
    let user = rest.quoted()?;
    let verb = rest.after(" cannot ")?.word()?;
    let resource = rest.after(" resource ")?.quoted()?;
    let group = rest.after(" in API group ")?.quoted()?;
    let is_user = !user.is_empty() && !user.contains(char::is_control);
    let is_verb =
        !verb.is_empty() && verb.len() <= MAX_WORD && verb.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_resource = !resource.is_empty() && is_path(resource, MAX_RESOURCE);
    if !is_user || !is_verb || !is_resource || !is_path(group, MAX_GROUP) {
        return None;
    }
    Some(Forbidden {
        user: cut(user, MAX_USER),
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        name: name(&before),
        place: rest.place()?,
    })
}

/// Returns the name of the object in front of a mark: `deployments.apps "web"`.
fn name(before: &str) -> Option<String> {
    let (_, name) = before.strip_suffix('"')?.rsplit_once('"')?;
    let is_name = !name.is_empty() && name.len() <= MAX_NAME && !name.contains(char::is_control);
    is_name.then(|| name.to_owned())
}

/// Whether a text has only letters that groups and resources may have.
fn is_path(text: &str, max: usize) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'/');
    text.len() <= max && text.bytes().all(is_allowed)
}

/// The part of a sentence that was not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn after(&mut self, words: &str) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(words)?;
        Some(self)
    }

    /// Reads a text between quotation marks.
    fn quoted(&mut self) -> Option<&'a str> {
        let (text, rest) = self.0.strip_prefix('"')?.split_once('"')?;
        self.0 = rest;
        Some(text)
    }

    fn word(&mut self) -> Option<&'a str> {
        let (word, _) = self.0.split_once(' ')?;
        self.0 = &self.0[word.len()..];
        Some(word)
    }

    /// Reads the place. It is not known if the text was cut. Returns `None` if it is not what the API server writes.
    fn place(&mut self) -> Option<Scope> {
        if self.0.starts_with(" at the cluster scope") {
            return Some(Scope::Cluster);
        }
        let Some(named) = self.0.strip_prefix(" in the namespace \"") else { return Some(Scope::Unknown) };
        let Some((namespace, _)) = named.split_once('"') else { return Some(Scope::Unknown) };
        let is_name = !namespace.is_empty() && is_path(namespace, MAX_WORD);
        is_name.then(|| Scope::Namespace(namespace.to_owned()))
    }
}
