//! How deep an object may be nested.
//!
//! `serde_json` refuses to read what is nested deeper than [128
//! levels](https://docs.rs/serde_json/1/serde_json/struct.Deserializer.html#method.disable_recursion_limit), which the API
//! server stores all the same. So the operator replaces what is too deep by a mark, where answers arrive. A spec with a mark
//! in it is invalid.

use serde_json::Value;

/// How deep an object may be nested. The levels up to 128 are for the list or the event that it comes in.
pub const DEEPEST: usize = 120;

/// What stands where something was cut off. The zero byte is there since no author writes one by mistake.
pub const CUT: &str = "\0nested too deeply";

/// The field of a spec below which something was cut off.
#[must_use]
pub fn cut_at(spec: &Value) -> Option<String> {
    /// How much of the path is told: the rest is as long as the object is deep.
    const TOLD: usize = 3;
    /// The way to it, from its end.
    fn find(value: &Value) -> Option<Vec<String>> {
        let (mut way, step) = match value {
            Value::String(text) => return (text == CUT).then(Vec::new),
            Value::Array(items) => {
                items.iter().enumerate().find_map(|(at, item)| Some((find(item)?, format!("[{at}]"))))?
            }
            Value::Object(fields) => {
                fields.iter().find_map(|(name, field)| Some((find(field)?, format!(".{name}"))))?
            }
            _ => return None,
        };
        way.push(step);
        Some(way)
    }
    Some(find(spec)?.into_iter().rev().take(TOLD).collect())
}
