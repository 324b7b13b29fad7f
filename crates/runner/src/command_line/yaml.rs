//! Looks up a single value in a YAML document.
//!
//! Only the syntax matters, so the nodes are kept as the parser reports them. An alias is stored as the index of its
//! target. So a document of any depth and with any number of aliases takes no more memory than its nodes.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};

enum Node {
    /// A text, and whether it is plain. A plain text has neither quotes nor a tag, so it can be of another type.
    Scalar(String, bool),
    /// The items of a sequence, or the keys and values of a mapping in turn. The flag is set for a mapping.
    Collection(Vec<usize>, bool),
}

/// The value at a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Text(String),
}

/// The maximum depth of merge keys. A merged mapping can itself merge others, or even itself.
const MAX_MERGE_DEPTH: usize = 16;

/// Follows the keys of `path` from the top. Returns `None` if the text is not a single YAML document.
pub fn look_up(text: &str, path: &[&str]) -> Option<Found> {
    let (nodes, top) = parse(text)?;
    let mut at = top;
    for key in path {
        match at.and_then(|at| value_of(&nodes, at, key, MAX_MERGE_DEPTH)) {
            Some(next) => at = Some(next),
            None => return Some(Found::Nothing),
        }
    }
    Some(match at.and_then(|at| nodes.get(at)) {
        Some(Node::Scalar(text, true)) if ["", "~", "null", "Null", "NULL"].contains(&text.as_str()) => {
            Found::Nothing
        }
        Some(Node::Scalar(text, _)) => Found::Text(text.clone()),
        // The value has the wrong type. Report it as set, and let the toolkit reject it.
        Some(Node::Collection(..)) => Found::Text(String::new()),
        None => Found::Nothing,
    })
}

fn parse(text: &str) -> Option<(Vec<Node>, Option<usize>)> {
    let options = granit_parser::options! { emit_comments: false };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut nodes: Vec<Node> = Vec::new();
    let mut anchors: HashMap<usize, usize> = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    let (mut top, mut documents) = (None, 0);
    loop {
        let (event, _) = parser.next_event()?.ok()?;
        let (node, anchor) = match event {
            Event::StreamEnd => return (documents <= 1).then_some((nodes, top)),
            Event::DocumentStart(..) => {
                documents += 1;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                continue;
            }
            Event::Alias(id) => (None, id),
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                (Some(Node::Scalar(text.into_owned(), plain)), anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Some(Node::Collection(Vec::new(), false)), anchor),
            Event::MappingStart(_, anchor, _) => (Some(Node::Collection(Vec::new(), true)), anchor),
            _ => continue,
        };
        let opens = matches!(node, Some(Node::Collection(..)));
        let index = match node {
            None => *anchors.get(&anchor)?,
            Some(node) => {
                nodes.push(node);
                anchors.insert(anchor, nodes.len() - 1);
                nodes.len() - 1
            }
        };
        match open.last().and_then(|parent| nodes.get_mut(*parent)) {
            Some(Node::Collection(items, _)) => items.push(index),
            _ => top = Some(index),
        }
        if opens {
            open.push(index);
        }
    }
}

/// Finds the value of a key. The mapping's own value overrides a merged one. The last of several values wins.
fn value_of(nodes: &[Node], at: usize, key: &str, levels: usize) -> Option<usize> {
    let Some(Node::Collection(items, true)) = nodes.get(at) else { return None };
    let value = |wanted: &str| {
        let entries = items.chunks_exact(2).rev();
        let mut values = entries
            .filter(|entry| matches!(nodes.get(entry[0]), Some(Node::Scalar(text, _)) if text == wanted));
        values.next().map(|entry| entry[1])
    };
    value(key).or_else(|| {
        let (merged, levels) = (value("<<")?, levels.checked_sub(1)?);
        match nodes.get(merged) {
            Some(Node::Collection(sources, false)) => {
                sources.iter().find_map(|source| value_of(nodes, *source, key, levels))
            }
            _ => value_of(nodes, merged, key, levels),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const PATH: [&str; 3] = ["runtime", "rollbacks", "strategy"];

    #[rstest]
    #[case("runtime: {rollbacks: {strategy: always}}")]
    #[case("runtime:\n  rollbacks:\n    strategy: 'always'\n")]
    #[case("---\ntitle: x\nruntime:\n  rollbacks: {strategy: never, strategy: always}")]
    #[case("a: &a\n  rollbacks:\n    strategy: always\nruntime: *a\n")]
    #[case("a: &a {rollbacks: {strategy: always}}\nruntime:\n  <<: *a\n  hypothesis: {}\n")]
    #[case("a: &a {rollbacks: {strategy: always}}\nruntime:\n  <<: [{x: 1}, *a]\n")]
    #[case("\"runtime\": {\"rollbacks\": {\"strategy\": \"always\"}}")]
    fn finds(#[case] text: &str) {
        assert_eq!(look_up(text, &PATH), Some(Found::Text("always".into())));
    }

    #[rstest]
    #[case("")]
    #[case("title: x")]
    #[case("runtime:")]
    #[case("runtime: {rollbacks: [strategy, always]}")]
    #[case("runtime: {rollbacks: {strategy: }}")]
    #[case("runtime: {rollbacks: {strategy: ~}}")]
    #[case("runtime: {rollbacks: {strategy: null}}")]
    #[case("a: {runtime: {rollbacks: {strategy: always}}}")]
    #[case("runtime: &r {<<: *r}")]
    #[case("# runtime: {rollbacks: {strategy: always}}")]
    fn finds_nothing(#[case] text: &str) {
        assert_eq!(look_up(text, &PATH), Some(Found::Nothing));
    }

    #[rstest]
    #[case("a: [")]
    #[case("a: 1\n--- \nb: 2\n")]
    #[case("a: *b")]
    fn rejects(#[case] text: &str) {
        assert_eq!(look_up(text, &PATH), None);
    }

    #[test]
    fn deep_and_aliased_documents_take_little_memory() {
        let deep = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(look_up(&deep, &PATH), Some(Found::Nothing));
        let mut laughs = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for level in 1..60 {
            let alias = format!("*a{}", level - 1);
            laughs = format!("{laughs}a{level}: &a{level} [{}]\n", [alias.as_str(); 9].join(","));
        }
        assert_eq!(look_up(&laughs, &PATH), Some(Found::Nothing));
    }
}
