//! One right, as a question to the API server and as words for people: pure.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::experiment::permit::stamp::Author;

/// Whether a user may do something with a resource. `*` stands for everything, as in a rule of a Role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Question {
    /// The verb.
    pub verb: String,
    /// The API group. It is empty for the core group.
    pub group: String,
    /// The resource, without its subresource.
    pub resource: String,
    /// The subresource, or empty.
    pub subresource: String,
    /// The name of one object, or empty for all of them.
    pub name: String,
    /// The namespace, or empty for what is in none.
    pub namespace: String,
}

impl Question {
    /// The question about all objects of a resource.
    #[must_use]
    pub fn new(verb: &str, (group, resource): (&str, &str), namespace: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            ..Self::default()
        }
    }

    /// Returns the resource with its subresource, as a rule names them.
    #[must_use]
    pub fn full_resource(&self) -> String {
        match self.subresource.as_str() {
            "" => self.resource.clone(),
            subresource => format!("{}/{subresource}", self.resource),
        }
    }

    /// Returns the command of kubectl that asks it, without the user.
    #[must_use]
    pub fn command(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let name = if self.name.is_empty() { String::new() } else { format!("/{}", self.name) };
        let object = format!("{}{group}{name}", self.resource);
        let flag = |flag: &str, value: &str| {
            if value.is_empty() { String::new() } else { format!("{flag}{}", quoted(value)) }
        };
        format!(
            "kubectl auth can-i {} {}{}{}",
            quoted(&self.verb),
            quoted(&object),
            flag(" --subresource=", &self.subresource),
            flag(" -n ", &self.namespace)
        )
    }
}

impl Display for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb, self.full_resource())?;
        if !self.group.is_empty() {
            write!(formatter, ".{}", self.group)?;
        }
        if !self.name.is_empty() {
            write!(formatter, " {:?}", self.name)?;
        }
        if !self.namespace.is_empty() {
            write!(formatter, " in namespace {}", self.namespace)?;
        }
        Ok(())
    }
}

/// The group that every user has who has logged in. kubectl adds it by itself.
const AUTHENTICATED: &str = "system:authenticated";

/// The prefix of the names of service accounts. The API server adds their groups by itself.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// Returns the flags by which kubectl asks for another user, with a space before each.
#[must_use]
pub fn user_flags(author: &Author) -> String {
    let groups = author.groups.iter().filter(|group| *group != AUTHENTICATED);
    let groups = groups.filter(|_| !author.name.starts_with(SERVICE_ACCOUNT));
    let groups = groups.map(|group| format!(" --as-group={}", quoted(group)));
    format!(" --as={}{}", quoted(&author.name), groups.collect::<String>())
}

/// Returns a word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:/@=+,".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Question::new("create", ("", "pods"), "shop"), "kubectl auth can-i create pods -n shop", "create pods in namespace shop")]
    #[case(
        Question { name: "web".into(), subresource: "scale".into(), ..Question::new("patch", ("apps", "deployments"), "shop") },
        "kubectl auth can-i patch deployments.apps/web --subresource=scale -n shop",
        "patch deployments/scale.apps \"web\" in namespace shop"
    )]
    #[case(Question::new("*", ("*", "*"), "shop"), "kubectl auth can-i '*' '*.*' -n shop", "* *.* in namespace shop")]
    #[case(Question::new("create", ("", "namespaces"), ""), "kubectl auth can-i create namespaces", "create namespaces")]
    #[case(Question::new("a'b; rm", ("", "$(x)"), "n"), r"kubectl auth can-i 'a'\''b; rm' '$(x)' -n n", "a'b; rm $(x) in namespace n")]
    fn a_right_has_words_that_can_be_pasted(
        #[case] question: Question,
        #[case] command: &str,
        #[case] words: &str,
    ) {
        assert_eq!((question.command().as_str(), question.to_string().as_str()), (command, words));
    }

    #[rstest]
    #[case("dev", &["system:authenticated"], " --as=dev")]
    #[case("dev", &["team a", "system:masters"], " --as=dev --as-group='team a' --as-group=system:masters")]
    #[case("system:serviceaccount:flux:flux", &["system:serviceaccounts"], " --as=system:serviceaccount:flux:flux")]
    fn kubectl_asks_for_the_author(#[case] name: &str, #[case] groups: &[&str], #[case] flags: &str) {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        assert_eq!(user_flags(&Author { name: name.to_owned(), groups, ..Author::default() }), flags);
    }
}
