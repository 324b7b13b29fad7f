//! Keeps what the caches need of an object, and drops the rest before anybody holds it in memory.
//!
//! Authors decide how large their objects are: a spec of 1.4 MB of numbers takes 22 MB once it is parsed, and anybody may put
//! annotations of 256 KiB on a pod with our label. The watches need little of that. A pass reads the rest from the API server.
//! So a layer between the client and each watch filters the JSON while it arrives. It also bounds what a page of a list takes.

mod rules;

use http::Response;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use kube::client::DynBody;
use serde_json::Value;

use crate::cluster::slim::rules::{Fate, Place, Reader};

/// The field in which the cache keeps the length of a spec. It starts with a zero byte, and the filter drops all others that
/// it does not know.
const LENGTH: &str = "\0length";
/// The field as JSON.
const LENGTH_JSON: &str = r#""\u0000length""#;

/// Returns the length of a spec in bytes, as the API server has sent it, if the spec is that of a cache.
#[must_use]
pub fn length_of(spec: Option<&Value>) -> usize {
    let length = spec.and_then(|spec| spec.get(LENGTH)?.as_u64());
    length.and_then(|length| length.try_into().ok()).unwrap_or_default()
}

/// The longest value that stays, in bytes. A longer one becomes [`NOTHING`] or [`TOO_LONG`].
const LONGEST: usize = 4 << 10;
/// Takes the place of a value that is too long.
const NOTHING: &[u8] = b"null";
/// Takes the place of a text that is too long where only texts are allowed.
const TOO_LONG: &[u8] = br#""\u0000too long""#;

/// Returns a response without the managed fields of objects. Nobody reads them, and their keys take much memory once they
/// are parsed.
#[must_use]
pub fn without_managed_fields(answer: Response<Box<DynBody>>) -> Response<Box<DynBody>> {
    let mut filter = Filter::new(&answer, Reader::Pass);
    if filter.reader == Reader::Other {
        return answer;
    }
    answer.map(|body| -> Box<DynBody> {
        Box::new(body.map_frame(move |frame| frame.map_data(|data| filter.push(data))))
    })
}

/// Filters JSON that arrives in chunks of any length. It leaves the detection of invalid JSON to the parser.
#[derive(Default)]
pub struct Filter {
    reader: Reader,
    /// The open objects and lists that are looked into, and whether something of each was kept.
    open: Vec<(Place, bool)>,
    state: State,
    /// The beginning of the current key, as it is written.
    key: Vec<u8>,
    /// A value that stays if it is short.
    pending: Vec<u8>,
    /// The length of the current spec so far.
    spec_length: usize,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Before a key or a value, or after a value.
    #[default]
    Between,
    Key {
        is_escaped: bool,
    },
    /// After a key.
    Colon,
    Value {
        fate: Fate,
        depth: usize,
        text: Text,
    },
}

/// Whether the position is in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Outside,
    Inside,
    Escaped,
}

/// More of a key is not needed to tell it from those that stay.
const LONGEST_KEY: usize = 64;

impl Filter {
    /// Creates the filter for the response to a watch.
    #[must_use]
    pub fn of_watch<B>(answer: &Response<B>) -> Self {
        Self::new(answer, Reader::Watch)
    }

    fn new<B>(answer: &Response<B>, reader: Reader) -> Self {
        let type_ = answer.headers().get(CONTENT_TYPE);
        let is_json = type_.is_some_and(|type_| type_.as_bytes().starts_with(b"application/json"));
        Self { reader: if is_json { reader } else { Reader::Other }, ..Self::default() }
    }

    /// Returns what is kept of a chunk.
    pub fn push<D: AsRef<[u8]> + From<Vec<u8>>>(&mut self, chunk: D) -> D {
        if self.reader == Reader::Other {
            return chunk;
        }
        let mut kept = Vec::with_capacity(chunk.as_ref().len().min(LONGEST));
        for byte in chunk.as_ref() {
            self.byte(*byte, &mut kept);
        }
        kept.into()
    }

    fn byte(&mut self, byte: u8, kept: &mut Vec<u8>) {
        self.spec_length += 1;
        match self.state {
            State::Between => self.between(byte, kept),
            State::Key { is_escaped } => {
                if byte == b'"' && !is_escaped {
                    self.state = State::Colon;
                    return;
                }
                if self.key.len() <= LONGEST_KEY || self.reader == Reader::Pass {
                    self.key.push(byte);
                }
                self.state = State::Key { is_escaped: byte == b'\\' && !is_escaped };
            }
            State::Colon if byte == b':' || byte.is_ascii_whitespace() => {}
            State::Colon => self.value(byte, kept),
            State::Value { fate, depth, text } => self.within(byte, (fate, depth, text), kept),
        }
    }

    fn between(&mut self, byte: u8, kept: &mut Vec<u8>) {
        match (byte, self.open.last()) {
            (b'{', None) => self.enter(Place::Top, byte, kept),
            (b'{', Some((Place::Items, _))) => self.enter(Place::Object, byte, kept),
            (b'}' | b']', Some(_)) => {
                if let Some((Place::Spec, has_any)) = self.open.pop() {
                    let comma = if has_any { "," } else { "" };
                    kept.extend(format!("{comma}{LENGTH_JSON}:{}", self.spec_length).bytes());
                }
                kept.push(byte);
            }
            // Commas between items, and newlines between the events of a watch.
            (_, None | Some((Place::Items, _))) => kept.push(byte),
            (b'"', _) => {
                self.key.clear();
                self.state = State::Key { is_escaped: false };
            }
            _ => {}
        }
    }

    fn enter(&mut self, place: Place, bracket: u8, kept: &mut Vec<u8>) {
        if place == Place::Spec {
            self.spec_length = 1;
        }
        self.open.push((place, false));
        self.state = State::Between;
        kept.push(bracket);
    }

    /// Begins the value of a key.
    fn value(&mut self, byte: u8, kept: &mut Vec<u8>) {
        let Some((place, has_any)) = self.open.last_mut() else { return };
        let is_nested = matches!(byte, b'{' | b'[');
        let fate = match self.reader {
            Reader::Pass => place.fate_in_pass(&self.key, is_nested),
            _ => place.fate(&self.key, is_nested),
        };
        if fate != Fate::Drop {
            if std::mem::replace(has_any, true) {
                kept.push(b',');
            }
            kept.push(b'"');
            kept.extend(&self.key);
            kept.extend(b"\":");
        }
        self.pending.clear();
        match fate {
            Fate::Enter(place) => self.enter(place, byte, kept),
            fate => self.within(byte, (fate, 0, Text::Outside), kept),
        }
    }

    /// Handles a byte of a value that is not looked into.
    fn within(&mut self, byte: u8, (fate, depth, text): (Fate, usize, Text), kept: &mut Vec<u8>) {
        let is_bare_end = depth == 0 && text == Text::Outside && matches!(byte, b',' | b'}' | b']');
        if is_bare_end {
            self.end(fate, kept);
            return self.between(byte, kept);
        }
        match fate {
            Fate::Keep => kept.push(byte),
            Fate::KeepShort | Fate::KeepShortText if self.pending.len() <= LONGEST => self.pending.push(byte),
            _ => {}
        }
        let (depth, text) = match (text, byte) {
            (Text::Escaped, _) | (Text::Outside, b'"') => (depth, Text::Inside),
            (Text::Inside, b'\\') => (depth, Text::Escaped),
            (Text::Inside, b'"') => (depth, Text::Outside),
            (Text::Outside, b'{' | b'[') => (depth + 1, text),
            (Text::Outside, b'}' | b']') => (depth.saturating_sub(1), text),
            _ => (depth, text),
        };
        self.state = State::Value { fate, depth, text };
    }

    /// Ends the value of a key.
    fn end(&mut self, fate: Fate, kept: &mut Vec<u8>) {
        self.state = State::Between;
        let is_long = self.pending.len() > LONGEST;
        match fate {
            Fate::KeepShort if is_long => kept.extend(NOTHING),
            Fate::KeepShortText if is_long => kept.extend(TOO_LONG),
            Fate::KeepShort | Fate::KeepShortText => kept.append(&mut self.pending),
            Fate::Keep | Fate::Drop | Fate::Enter(_) => {}
        }
        self.pending = Vec::new();
    }
}

#[cfg(test)]
mod tests;
