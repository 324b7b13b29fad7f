//! Damage to valid texts and values.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::common::chance::Chance;

/// The journals of real runs.
pub static JOURNALS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals");
    let mut paths: Vec<_> = std::fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
    let journals = paths.into_iter().map(read).map(|mut run| run["journal"].take());
    journals.filter(Value::is_object).collect()
});

fn below(chance: &mut Chance, limit: usize) -> usize {
    usize::try_from(chance.below(limit.max(1) as u64)).unwrap()
}

/// Replaces or removes up to three values at any depth.
pub fn damaged(whole: &Value, chance: &mut Chance) -> Value {
    let mut whole = whole.clone();
    for _ in 0..chance.below(4) {
        damage(&mut whole, chance);
    }
    whole
}

fn damage(value: &mut Value, chance: &mut Chance) {
    let goes_on = chance.below(6) > 0;
    match value {
        Value::Object(fields) if goes_on && !fields.is_empty() => {
            let key = fields.keys().nth(below(chance, fields.len())).cloned().unwrap();
            if chance.below(8) == 0 {
                fields.remove(&key);
            } else {
                damage(&mut fields[&key], chance);
            }
        }
        Value::Array(items) if goes_on && !items.is_empty() => {
            let index = below(chance, items.len());
            match chance.below(8) {
                0 => drop(items.remove(index)),
                1 => items.extend(vec![items[index].clone(); 200]),
                _ => damage(&mut items[index], chance),
            }
        }
        _ => *value = odd(chance),
    }
}

fn odd(chance: &mut Chance) -> Value {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(1e300),
        json!(""),
        json!("completed"),
        json!("a/../b?x="),
        json!("<<"),
        json!("0644"),
        json!("x".repeat(3000)),
        json!([]),
        json!({}),
        json!([null, [{}]]),
        json!({"name": {"name": []}}),
    ];
    chance.of(&values).clone()
}

/// Changes, inserts, removes or repeats some bytes, or cuts the end off.
pub fn mutated(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        let at = below(chance, bytes.len());
        match chance.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, *chance.of(b"\0\n\r\"'{}[]:,&*!|>%@`#-? \xff9aN")),
            2 => {
                let end = (at + below(chance, 40)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + below(chance, 200)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            _ => {}
        }
    }
    bytes
}
