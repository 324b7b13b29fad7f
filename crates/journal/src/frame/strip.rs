//! Replaces the outputs in a journal by `null`, in one pass and without holding them in memory.
//!
//! This works on bytes and does not parse the values. So everything else stays as the toolkit wrote it: numbers of any
//! length, Python's `NaN` and values of any depth.

use std::io;

/// The key whose values are replaced.
const OUTPUT: &[u8] = b"output";

/// The top-level key whose value stays as it is. A key `output` in an experiment is the author's own.
const EXPERIMENT: &[u8] = b"experiment";

/// Replaces the outputs in a JSON text that arrives in chunks of any length.
#[derive(Default)]
pub(super) struct OutputStripper {
    state: State,
    /// The number of objects and arrays that are open.
    depth: usize,
    /// The beginning of the last string. At a colon, this is the key.
    key: Vec<u8>,
    /// Whether the position is in the value of [`EXPERIMENT`].
    in_experiment: bool,
    /// Whether the top-level object has started.
    started: bool,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Outside of strings, in a part that is kept.
    #[default]
    Structure,
    /// In a string that is kept.
    String { escaped: bool },
    /// After the colon of a key whose value is replaced.
    BeforeOutput,
    /// In a value that is replaced.
    Skipping(Skipped),
}

/// The kind of value that is replaced. `string` is set within a string, and says whether the next byte is escaped.
#[derive(Clone, Copy)]
enum Skipped {
    Literal,
    String { escaped: bool },
    Nested { depth: usize, string: Option<bool> },
}

impl OutputStripper {
    /// Appends the part of `chunk` that is kept to `kept`. Fails if the text is not a JSON object.
    pub(super) fn push(&mut self, chunk: &[u8], kept: &mut Vec<u8>) -> io::Result<()> {
        chunk.iter().try_for_each(|&byte| self.byte(byte, kept))
    }

    /// Fails if the text is incomplete.
    pub(super) fn finish(&self) -> io::Result<()> {
        match (self.started, self.depth, self.state) {
            (true, 0, State::Structure) => Ok(()),
            _ => Err(invalid("it ends too early")),
        }
    }

    fn byte(&mut self, byte: u8, kept: &mut Vec<u8>) -> io::Result<()> {
        match self.state {
            State::Structure => {
                kept.push(byte);
                return self.structure(byte);
            }
            State::String { escaped } => {
                kept.push(byte);
                if byte == b'"' && !escaped {
                    self.state = State::Structure;
                } else {
                    self.state = State::String { escaped: byte == b'\\' && !escaped };
                    if self.key.len() <= EXPERIMENT.len() {
                        self.key.push(byte);
                    }
                }
            }
            State::BeforeOutput => {
                self.state = match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => return Ok(()),
                    b'"' => State::Skipping(Skipped::String { escaped: false }),
                    b'{' | b'[' => State::Skipping(Skipped::Nested { depth: 1, string: None }),
                    b',' | b'}' | b']' | b':' => return Err(invalid("a key has no value")),
                    _ => State::Skipping(Skipped::Literal),
                };
                kept.extend(b"null");
            }
            State::Skipping(skipped) => return self.skip(skipped, byte, kept),
        }
        Ok(())
    }

    fn structure(&mut self, byte: u8) -> io::Result<()> {
        let top = self.depth == 0;
        match byte {
            b'{' if top && !self.started => (self.depth, self.started) = (1, true),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ if top => return Err(invalid("it is not an object")),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            b'"' => {
                self.key.clear();
                self.state = State::String { escaped: false };
            }
            b':' => {
                if self.depth == 1 {
                    self.in_experiment = self.key == EXPERIMENT;
                }
                if self.key == OUTPUT && !self.in_experiment {
                    self.state = State::BeforeOutput;
                }
            }
            // Part of a number, or of a word such as `true`, `null` or `NaN`.
            b',' | b'+' | b'-' | b'.' => {}
            _ if byte.is_ascii_alphanumeric() => {}
            _ => return Err(invalid("it is not JSON")),
        }
        Ok(())
    }

    fn skip(&mut self, skipped: Skipped, byte: u8, kept: &mut Vec<u8>) -> io::Result<()> {
        self.state = match skipped {
            Skipped::Literal => match byte {
                b',' | b'}' | b']' => {
                    self.state = State::Structure;
                    return self.byte(byte, kept);
                }
                _ => State::Skipping(Skipped::Literal),
            },
            Skipped::String { escaped: false } if byte == b'"' => State::Structure,
            Skipped::String { escaped } => {
                State::Skipping(Skipped::String { escaped: byte == b'\\' && !escaped })
            }
            Skipped::Nested { depth, string: Some(escaped) } => {
                let string = (byte != b'"' || escaped).then_some(byte == b'\\' && !escaped);
                State::Skipping(Skipped::Nested { depth, string })
            }
            Skipped::Nested { depth, string: None } => match byte {
                b'"' => State::Skipping(Skipped::Nested { depth, string: Some(false) }),
                b'{' | b'[' => State::Skipping(Skipped::Nested { depth: depth + 1, string: None }),
                b'}' | b']' if depth == 1 => State::Structure,
                b'}' | b']' => State::Skipping(Skipped::Nested { depth: depth - 1, string: None }),
                _ => self.state,
            },
        };
        Ok(())
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::Value;

    fn strip(text: &[u8], step: usize) -> io::Result<Vec<u8>> {
        let (mut stripper, mut kept) = (OutputStripper::default(), Vec::new());
        text.chunks(step).try_for_each(|chunk| stripper.push(chunk, &mut kept))?;
        stripper.finish().map(|()| kept)
    }

    #[rstest]
    #[case(r#"{"output": 1}"#, r#"{"output":null}"#)]
    #[case(r#"{"output": NaN , "a": -1.5e+3}"#, r#"{"output":null, "a": -1.5e+3}"#)]
    #[case(r#"{"run": [{"output": "x\"]}", "b": NaN}]}"#, r#"{"run": [{"output":null, "b": NaN}]}"#)]
    #[case(r#"{"a": {"output":{"output":["]}\\",{}]}, "b": "\\"}}"#, r#"{"a": {"output":null, "b": "\\"}}"#)]
    #[case(
        r#"{"experiment": {"output": 1}, "output": []}"#,
        r#"{"experiment": {"output": 1}, "output":null}"#
    )]
    #[case(r#"{"a": {"experiment": {"output": 1}}}"#, r#"{"a": {"experiment": {"output":null}}}"#)]
    #[case(r#"{"a": "output", "outputs": 1}"#, r#"{"a": "output", "outputs": 1}"#)]
    #[case(
        r#"{"a": ["output", 1], "b\"output": {"xoutput": 2}}"#,
        r#"{"a": ["output", 1], "b\"output": {"xoutput": 2}}"#
    )]
    #[case("\n{ }\n", "\n{ }\n")]
    fn only_outputs_are_replaced(#[case] text: &str, #[case] expected: &str) {
        for step in 1..=text.len() {
            assert_eq!(String::from_utf8(strip(text.as_bytes(), step).unwrap()).unwrap(), expected, "{step}");
        }
    }

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case("x")]
    #[case("{")]
    #[case("{\"a")]
    #[case("{\"output\":")]
    #[case("{\"output\":}")]
    #[case("{\"output\":{")]
    #[case("{}{}")]
    #[case("{\u{1}}")]
    fn text_that_is_not_json_is_refused(#[case] text: &str) {
        assert!(strip(text.as_bytes(), 1).is_err(), "{text}");
    }

    /// Replaces the outputs in a parsed value.
    fn strip_value(value: &mut Value, top: bool) {
        match value {
            Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| match key.as_str() {
                "experiment" if top => {}
                "output" => *value = Value::Null,
                _ => strip_value(value, false),
            }),
            Value::Array(items) => items.iter_mut().for_each(|value| strip_value(value, false)),
            _ => {}
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,9}".prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            let key = prop_oneof!["output", "experiment", "[a-c\"\\\\]{0,3}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_a_parser(value in values(), pretty: bool, step in 1_usize..9) {
            let mut value = serde_json::json!({"run": value.clone(), "experiment": value.clone(), "output": value});
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            let kept: Value = serde_json::from_slice(&strip(text.as_bytes(), step).unwrap()).unwrap();
            strip_value(&mut value, true);
            prop_assert_eq!(kept, value);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(prop::sample::select(b"{}[]\":,\\ output1e".to_vec()), 0..60)) {
            let _ = strip(&bytes, 3);
        }
    }
}
