//! The items of lists that are merged: what kind they are, how they are found, and their order.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::strategic::directive::PATCH;

/// The kind of the items of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Mapping,
    Text,
    Truth,
    Integer,
    Fraction,
}

/// Returns the kind that all items of some lists have, if there are any. The error says what is wrong with them.
pub fn kind<'a>(items: impl IntoIterator<Item = &'a Value>) -> Result<Option<Kind>, &'static str> {
    let mut all = None;
    for item in items {
        let kind = match item {
            Value::Object(_) => Kind::Mapping,
            Value::String(_) => Kind::Text,
            Value::Bool(_) => Kind::Truth,
            Value::Number(number) if number.is_f64() => Kind::Fraction,
            Value::Number(_) => Kind::Integer,
            Value::Null => return Err("has an item that is null"),
            Value::Array(_) => return Err("has a list as an item"),
        };
        if all.is_some_and(|known| known != kind) {
            return Err("has items of different kinds");
        }
        all = Some(kind);
    }
    Ok(all)
}

/// Returns what an item is known by: the value of its merge key, or the item itself if the list has no such key.
fn identity(item: &Value, key: Option<&str>) -> Option<String> {
    match key {
        None => Some(item.to_string()),
        Some(key) => item.as_object()?.get(key).map(Value::to_string),
    }
}

/// The first place of each item of a list.
#[derive(Clone, Debug, Default)]
pub struct Places(HashMap<String, usize>);

impl Places {
    /// Looks through a list. Items without the key have no place.
    pub fn of(list: &[Value], key: Option<&str>) -> Self {
        let mut places = Self::default();
        for (place, item) in list.iter().enumerate() {
            places.add(item, key, place);
        }
        places
    }

    /// Notes the place of an item, unless an equal one has a place already.
    pub fn add(&mut self, item: &Value, key: Option<&str>, place: usize) {
        if let Some(identity) = identity(item, key) {
            self.0.entry(identity).or_insert(place);
        }
    }

    /// Returns the place of an item.
    pub fn get(&self, item: &Value, key: Option<&str>) -> Option<usize> {
        self.0.get(&identity(item, key)?).copied()
    }
}

/// Whether all items of a list have the merge key.
pub fn have(list: &[Value], key: &str) -> bool {
    list.iter().all(|item| item.get(key).is_some())
}

/// Whether an order names all items of a list, in their order. Items that are to be deleted do not count, and those with
/// another directive only have to stand before the last one that the order names.
pub fn follows(list: &[Value], order: &[Value], key: Option<&str>) -> bool {
    let mut order = order.iter().peekable();
    let mut items = list.iter().filter(|item| item.get(PATCH).is_none_or(|mark| mark != "delete"));
    items.all(|item| {
        let is_left = order.peek().is_some();
        let is_marked = item.get(PATCH).is_some();
        is_left && (is_marked || order.any(|next| identity(next, key) == identity(item, key)))
    })
}

/// Merges two lists of texts or numbers. Each item is in the result once.
pub fn union(original: Vec<Value>, patch: Vec<Value>) -> Vec<Value> {
    let [before, wanted] = [&original, &patch].map(|list| Places::of(list, None));
    let mut seen = HashSet::new();
    let mut merged: Vec<Value> = original.into_iter().chain(patch).collect();
    merged.retain(|item| seen.insert(item.to_string()));
    ordered(merged, &wanted, &before, None)
}

/// Orders a merged list. The items that `wanted` names have the order of `wanted`, and the others that of `before`. If
/// both were in the list before, an item of the others goes before the first one that it preceded there.
pub fn ordered(merged: Vec<Value>, wanted: &Places, before: &Places, key: Option<&str>) -> Vec<Value> {
    let (named, others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| wanted.get(item, key).is_some());
    let mut named = sorted(named, wanted, key).into_iter().peekable();
    let mut others = sorted(others, before, key).into_iter().peekable();
    let mut all = Vec::new();
    while let (Some(next), Some(other)) = (named.peek(), others.peek()) {
        let places = before.get(other, key).zip(before.get(next, key));
        let is_first = places.is_some_and(|(other, next)| other < next);
        all.extend(if is_first { others.next() } else { named.next() });
    }
    all.extend(named.chain(others));
    all
}

/// Sorts items by their places. Items that are marked to be deleted go to the end.
///
/// Kubernetes takes an item without a place for smaller than any other, also for smaller than itself. So the result
/// depends on the algorithm. This one is that of Go for up to 20 items.
fn sorted(items: Vec<Value>, places: &Places, key: Option<&str>) -> Vec<Value> {
    let is_marked = |item: &Value| key.is_some() && item.get(PATCH).is_some_and(|mark| mark == "delete");
    let (marked, items): (Vec<Value>, Vec<Value>) = items.into_iter().partition(is_marked);
    let mut items: Vec<(Option<usize>, Value)> =
        items.into_iter().map(|item| (places.get(&item, key), item)).collect();
    if items.iter().all(|(place, _)| place.is_some()) {
        items.sort_by_key(|(place, _)| *place);
    } else {
        let is_smaller = |left: Option<usize>, right: Option<usize>| {
            left.zip(right).is_none_or(|(left, right)| left < right)
        };
        for end in 1..items.len() {
            let mut at = end;
            while at > 0 && is_smaller(items[at].0, items[at - 1].0) {
                items.swap(at, at - 1);
                at -= 1;
            }
        }
    }
    items.into_iter().map(|(_, item)| item).chain(marked).collect()
}
