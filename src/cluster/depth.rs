//! Cuts off values that are nested too deeply, in each response of the API server.
//!
//! `serde_json` rejects JSON that is nested deeper than [128
//! levels](https://docs.rs/serde_json/1/serde_json/struct.Deserializer.html#method.disable_recursion_limit). The API server
//! stores such objects nevertheless. One such experiment would make the list of all experiments unreadable, and all work
//! would end. Therefore a layer below kube replaces each mapping or list that is too deep by a marker. A spec that contains
//! a marker is invalid.

use http::Response;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use kube::client::DynBody;

use chaostoolkit_api::depth::DEEPEST;

/// The marker [`CUT`](chaostoolkit_api::depth::CUT) as JSON.
const CUT_JSON: &[u8] = br#""\u0000nested too deeply""#;

/// Returns a response in which nothing is nested too deeply. A response that is not JSON, such as a log, is not changed.
#[must_use]
pub fn shallow(answer: Response<Box<DynBody>>) -> Response<Box<DynBody>> {
    let type_ = answer.headers().get(CONTENT_TYPE);
    if !type_.is_some_and(|type_| type_.as_bytes().starts_with(b"application/json")) {
        return answer;
    }
    let mut cutter = Cutter::default();
    answer.map(|body| -> Box<DynBody> {
        Box::new(body.map_frame(move |frame| frame.map_data(|data| cutter.cut(data))))
    })
}

/// Cuts off values in chunks of a response as they arrive. It only counts brackets, and leaves the detection of invalid
/// JSON to the parser.
#[derive(Default)]
struct Cutter {
    depth: usize,
    is_text: bool,
    is_escaped: bool,
}

impl Cutter {
    fn cut<D: AsRef<[u8]> + From<Vec<u8>>>(&mut self, data: D) -> D {
        let bytes = data.as_ref();
        // Copy only if something is cut off.
        let mut rest: Option<Vec<u8>> = (self.depth > DEEPEST).then(Vec::new);
        for (at, byte) in bytes.iter().enumerate() {
            let before = self.depth;
            self.step(*byte);
            if before == DEEPEST && self.depth > DEEPEST {
                rest.get_or_insert_with(|| bytes[..at].to_vec()).extend(CUT_JSON);
            } else if before <= DEEPEST
                && let Some(rest) = &mut rest
            {
                rest.push(*byte);
            }
        }
        rest.map_or(data, D::from)
    }

    const fn step(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.is_text => self.is_escaped = true,
            b'"' => self.is_text = !self.is_text,
            b'{' | b'[' if !self.is_text => self.depth += 1,
            b'}' | b']' if !self.is_text => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::depth::{CUT, cut_at};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Cuts a text that arrives in chunks of this size.
    fn cut(text: &str, size: usize) -> String {
        let mut cutter = Cutter::default();
        let pieces = text.as_bytes().chunks(size).flat_map(|piece| cutter.cut(piece.to_vec()));
        String::from_utf8(pieces.collect()).unwrap()
    }

    fn deep(levels: usize) -> Value {
        (0..levels)
            .fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"a": inner}) })
    }

    #[test]
    fn what_is_not_too_deep_is_left_as_it_is_and_what_is_deeper_can_be_read() {
        for levels in [0, 1, DEEPEST] {
            let text = deep(levels).to_string();
            assert_eq!(cut(&text, 7), text);
        }
        for levels in [DEEPEST + 1, DEEPEST + 2, 5000] {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            let text = format!("{{\"before\":[],\"a\":{open}{close},\"after\":1}}\n{{}}");
            let found = cut(&text, 100);
            let read: Vec<Value> =
                serde_json::Deserializer::from_str(&found).into_iter().collect::<Result<_, _>>().unwrap();
            assert_eq!((&read[0]["after"], &read[1]), (&json!(1), &json!({})));
            assert_eq!(cut_at(&read[0]).unwrap(), ".a[0][0]");
        }
    }

    #[test]
    fn brackets_in_texts_are_none() {
        let text = json!({"a": "[\"\\[{".repeat(DEEPEST), "b\\": ["]", "\\"]}).to_string();
        for size in 1..9 {
            assert_eq!(cut(&text, size), text);
        }
    }

    #[test]
    fn what_is_not_cut_off_is_not_found() {
        assert_eq!(cut_at(&json!({"a": [1, null, "nested too deeply"]})), None);
        assert_eq!(cut_at(&json!({"a": [1, {"b": CUT}]})), Some(".a[1].b".to_owned()));
    }

    proptest! {
        #[test]
        fn nothing_is_too_odd(text in r#"[\[\]{}"\\a\n]{0,600}"#, size in 1_usize..50) {
            let found = cut(&text, size);
            prop_assert_eq!(&found, &cut(&text, 600), "pieces do not matter");
            let mut cutter = Cutter::default();
            for byte in found.bytes() {
                cutter.step(byte);
                prop_assert!(cutter.depth <= DEEPEST);
            }
        }
    }
}
