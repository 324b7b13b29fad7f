//! Reads YAML by the rules of `PyYAML`'s `safe_load`, as the Python operator read its templates.
//!
//! These are the rules of YAML 1.1, where `0644` is 420, `yes` is true and `12:30:00` is 45000. A parser for YAML 1.2 reads
//! such words as text or as other numbers, so that the meaning of a template would change silently. [`granit_parser`]
//! parses the syntax. This module decides the meaning of words:
//!
//! - The types are [bool], [int], [float], [null], [merge], [timestamp] and [value]. They are as narrow as in the [resolver
//!   of `PyYAML`][resolver]: `y`, `0o17`, `1e3` and `-.5` are text.
//! - A date or a time becomes text in the format of ISO 8601, as the Kubernetes client for Python sent it.
//! - A key becomes text as `json.dumps` writes it. The last of two entries with the same key wins.
//! - A value that cannot be sent as JSON is an error: `.inf`, `.nan`, `!!binary`, `!!set`, or a date as a key.
//!
//! This module differs from `PyYAML` on purpose:
//! - These are errors: integers of more than 64 bits, `!!omap`, `!!pairs`, `!!value`, scalar tags on mappings, and a mapping
//!   that is merged into itself.
//! - An anchor may be defined twice.
//! - Keys that are equal in Python, such as `1` and `true`, are two keys.
//! - Depth and size are limited.
//! - The syntax is that of YAML 1.2. It allows more, such as tabs between words, but not `[-]`. A byte order mark is never
//!   text.
//!
//! [bool]: https://yaml.org/type/bool.html
//! [int]: https://yaml.org/type/int.html
//! [float]: https://yaml.org/type/float.html
//! [null]: https://yaml.org/type/null.html
//! [merge]: https://yaml.org/type/merge.html
//! [timestamp]: https://yaml.org/type/timestamp.html
//! [value]: https://yaml.org/type/value.html
//! [resolver]: https://github.com/yaml/pyyaml/blob/6.0.3/lib/yaml/resolver.py

use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value};

mod scalar;
mod shown;
#[cfg(test)]
mod tests;

use scalar::Scalar;
use shown::shown;

/// The maximum nesting depth. No Kubernetes object is nested as deeply, and the stack is large enough.
const MAX_DEPTH: usize = 100;
/// The maximum number of nodes in a text after aliases are expanded.
const MAX_NODES: usize = 100_000;
/// As how many nodes a mapping counts. It takes as much memory as 20 numbers, however few keys it has.
const NODES_PER_MAPPING: usize = 10;
/// The number of bytes of text that count as another node, since aliases multiply long texts too.
const BYTES_PER_NODE: usize = 64;
const YAML_NAMESPACE: &str = "tag:yaml.org,2002:";

/// Why and where a text cannot be read. Its message is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at line {line} column {column}")]
pub struct Error {
    /// The problem.
    pub problem: String,
    /// The number of the line, from 1.
    pub line: usize,
    /// The number of the column in characters, from 1.
    pub column: usize,
}

impl Error {
    fn new(problem: impl Into<String>, at: Marker) -> Self {
        Self { problem: problem.into(), line: at.line(), column: at.col() + 1 }
    }
}

impl From<ScanError> for Error {
    fn from(error: ScanError) -> Self {
        Self::new(error.kind().to_string().replace(char::is_control, " "), *error.marker())
    }
}

/// Reads one document as `PyYAML`'s `safe_load` does. An empty text is null. A second document is an error.
pub fn parse(text: &str) -> Result<Value, Error> {
    let mut documents = Reader::new(text);
    let Some((value, _)) = documents.document()? else { return Ok(Value::Null) };
    match documents.document()? {
        None => Ok(value),
        Some((_, at)) => Err(Error::new("a second document where one is expected", at)),
    }
}

/// Reads all documents as `PyYAML`'s `safe_load_all` does, but skips documents that are empty or null.
pub fn parse_all(text: &str) -> Result<Vec<Value>, Error> {
    let mut documents = Reader::new(text);
    let mut values = Vec::new();
    while let Some((value, _)) = documents.document()? {
        if !value.is_null() {
            values.push(value);
        }
    }
    Ok(values)
}

/// Writes a document that has the same meaning in YAML 1.1 and in YAML 1.2. Text that either could read as another type is
/// quoted. Within its limits, [`parse`] returns the same value.
#[must_use]
pub fn write(value: &Value) -> String {
    // The defaults are suitable, and were checked against PyYAML. If writing fails, use JSON, which is YAML too.
    serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string())
}

/// A node that was read, and the cost of an alias to it.
#[derive(Clone)]
struct Node {
    content: Content,
    at: Marker,
    /// The number of nodes in it after aliases are expanded.
    nodes: usize,
    /// The number of levels of collections in it.
    height: usize,
}

/// The content of a node before it is known whether the node is a key or a value.
#[derive(Clone)]
enum Content {
    Scalar(Scalar),
    Collection(Value),
}

impl Node {
    /// Returns the node as a value. As in `PyYAML`, `<<` and `=` are errors here, since they have a meaning as keys only.
    fn into_value(self) -> Result<Value, Error> {
        match self.content {
            Content::Collection(value) | Content::Scalar(Scalar::Plain(value)) => Ok(value),
            Content::Scalar(Scalar::Time(text)) => Ok(Value::String(text)),
            Content::Scalar(Scalar::Merge) => Err(Error::new("`<<` is not a value", self.at)),
            Content::Scalar(Scalar::Default) => Err(Error::new("`=` is not a value", self.at)),
        }
    }
}

/// Builds values from the events of the parser.
struct Reader<'text> {
    parser: Parser<'text, StrInput<'text>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'text> Reader<'text> {
    fn new(text: &'text str) -> Self {
        // Comments are not needed, and the parser limits the number of consecutive comments if it emits them.
        let options = granit_parser::options! { emit_comments: false };
        let parser = Parser::new_from_str_with_options(text, options);
        Self { parser, anchors: HashMap::new(), nodes: 0 }
    }

    fn event(&mut self) -> Result<(Event<'text>, Span), Error> {
        // The parser ends with an event of its own. If no event is left, the parser or this module has a bug.
        self.parser
            .next_event()
            .unwrap_or_else(|| Err(ScanError::new(Marker::default(), "the text ends too early")))
            .map_err(Error::from)
    }

    /// Returns the next document and its start.
    fn document(&mut self) -> Result<Option<(Value, Marker)>, Error> {
        loop {
            match self.event()? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::DocumentStart(..), at) => {
                    self.anchors.clear();
                    let event = self.event()?;
                    return Ok(Some((self.node(event, 0)?.into_value()?, at.start)));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, (event, span): (Event<'text>, Span), depth: usize) -> Result<Node, Error> {
        let at = span.start;
        let (node, anchor) = match event {
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned();
                let node = node.ok_or_else(|| Error::new("an alias to a node that contains it", at))?;
                self.count(node.nodes, at)?;
                check_depth(depth + node.height, at)?;
                (Node { at, ..node }, 0)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let nodes = 1 + text.len() / BYTES_PER_NODE;
                self.count(nodes, at)?;
                let scalar = read_scalar(&text, style, tag.as_deref());
                let content = Content::Scalar(scalar.map_err(|problem| Error::new(problem, at))?);
                (Node { content, at, nodes, height: 0 }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => (self.sequence(tag.as_deref(), at, depth)?, anchor),
            Event::MappingStart(_, anchor, tag) => (self.mapping(tag.as_deref(), at, depth)?, anchor),
            _ => return Err(Error::new("a value is missing", at)),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self, tag: Option<&Tag>, at: Marker, depth: usize) -> Result<Node, Error> {
        let before = self.open(tag, "seq", at, depth)?;
        let (mut items, mut height) = (Vec::new(), 0);
        loop {
            let event = self.event()?;
            if event.0 == Event::SequenceEnd {
                let content = Content::Collection(Value::Array(items));
                return Ok(Node { content, at, nodes: self.nodes - before, height: height + 1 });
            }
            let item = self.node(event, depth + 1)?;
            height = height.max(item.height);
            items.push(item.into_value()?);
        }
    }

    fn mapping(&mut self, tag: Option<&Tag>, at: Marker, depth: usize) -> Result<Node, Error> {
        let before = self.open(tag, "map", at, depth)?;
        let (mut merged, mut own, mut height) = (Map::new(), Map::new(), 0);
        loop {
            let event = self.event()?;
            if event.0 == Event::MappingEnd {
                // Entries of the mapping itself override merged entries, wherever `<<` is.
                merged.append(&mut own);
                let content = Content::Collection(Value::Object(merged));
                return Ok(Node { content, at, nodes: self.nodes - before, height: height + 1 });
            }
            let key = self.node(event, depth + 1)?;
            let event = self.event()?;
            let value = self.node(event, depth + 1)?;
            height = height.max(value.height);
            if matches!(key.content, Content::Scalar(Scalar::Merge)) {
                let at = value.at;
                merge(&mut merged, value.into_value()?, at)?;
            } else {
                own.insert(key_text(key)?, value.into_value()?);
            }
        }
    }

    /// Starts a collection, which may only have the tag `only`. Returns the number of nodes that were read before it.
    fn open(&mut self, tag: Option<&Tag>, only: &str, at: Marker, depth: usize) -> Result<usize, Error> {
        match tag.map(name) {
            None => {}
            Some(name) if name == "!" || name.strip_prefix(YAML_NAMESPACE) == Some(only) => {}
            Some(name) => {
                return Err(Error::new(format!("the tag {} is not supported here", shown(&name)), at));
            }
        }
        check_depth(depth + 1, at)?;
        let before = self.nodes;
        self.count(if only == "map" { NODES_PER_MAPPING } else { 1 }, at)?;
        Ok(before)
    }

    fn count(&mut self, nodes: usize, at: Marker) -> Result<(), Error> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(Error::new(format!("more than {MAX_NODES} nodes, aliases written out,"), at));
        }
        Ok(())
    }
}

fn check_depth(depth: usize, at: Marker) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::new(format!("more than {MAX_DEPTH} levels of nesting"), at));
    }
    Ok(())
}

/// Merges the value of `<<`, which is a mapping or a list of mappings. In a list, the first mapping wins.
fn merge(into: &mut Map<String, Value>, value: Value, at: Marker) -> Result<(), Error> {
    let sources = match value {
        Value::Array(sources) => sources,
        source => vec![source],
    };
    for source in sources.into_iter().rev() {
        match source {
            Value::Object(mut source) => into.append(&mut source),
            _ => return Err(Error::new("`<<` takes a mapping or a list of mappings, not what is", at)),
        }
    }
    Ok(())
}

/// Returns a key as `json.dumps` of Python writes it.
fn key_text(key: Node) -> Result<String, Error> {
    match key.content {
        Content::Scalar(Scalar::Default) => Ok("=".to_owned()),
        Content::Scalar(Scalar::Plain(Value::String(text))) => Ok(text),
        Content::Scalar(Scalar::Plain(Value::Number(number))) => Ok(scalar::number_text(&number)),
        Content::Scalar(Scalar::Plain(value)) => Ok(value.to_string()),
        Content::Scalar(_) => Err(Error::new("a date cannot be a key: quote it, to make it text,", key.at)),
        Content::Collection(_) => Err(Error::new("a list or a mapping cannot be a key", key.at)),
    }
}

/// Returns the meaning of a scalar. A tag decides. Without a tag, only a plain word can be anything other than text.
fn read_scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar, String> {
    match tag.map(name).as_deref() {
        None if style == ScalarStyle::Plain => scalar::resolve(text),
        None => Ok(Scalar::Plain(text.into())),
        // With the non-specific tag, PyYAML resolves quoted words too.
        Some("!") => scalar::resolve(text),
        Some(name) => scalar::tagged(name.strip_prefix(YAML_NAMESPACE).unwrap_or_default(), text)
            .unwrap_or_else(|| Err(format!("the tag {} is not supported here", shown(name)))),
    }
}

/// Returns the full name of a tag.
fn name(tag: &Tag) -> String {
    format!("{}{}", tag.handle(), tag.suffix())
}
