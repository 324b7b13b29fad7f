//! Merges a patch into a pod.

use std::fmt;

use serde_json::{Map, Value};

use crate::strategic::directive::{
    DELETE, ORDER, PATCH, RETAIN_KEYS, remove_nulls, subject, take, without_marks,
};
use crate::strategic::keys::{Rule, Type};
use crate::strategic::lists::{Kind, Places, follows, have, kind, ordered, union};
use crate::strategic::path::Path;

/// How deep a patch may be. The API server reads no deeper pod.
const DEEPEST: usize = 200;

/// What is wrong with a patch, or with the pod at that place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place in the patch, such as `spec.containers[0]`. Empty for the whole patch.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl Problem {
    fn at(path: &Path, problem: impl Into<String>) -> Self {
        Self { path: path.to_string(), problem: problem.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.problem);
        }
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// Merges a patch into a pod. Both have to be mappings.
pub fn merge(pod: Value, patch: Value) -> Result<Value, Problem> {
    let root = Path::default();
    match (pod, patch) {
        (Value::Object(pod), Value::Object(patch)) => {
            mapping(pod, patch, Type::POD, &root).map(Value::Object)
        }
        (Value::Object(_), _) => Err(Problem::at(&root, "is not a mapping")),
        _ => Err(Problem::at(&root, "the pod is not a mapping")),
    }
}

/// Merges two mappings of a type.
fn mapping(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    of: Type,
    at: &Path,
) -> Result<Map<String, Value>, Problem> {
    if at.depth() > DEEPEST {
        return Err(Problem::at(at, format!("is nested deeper than {DEEPEST} levels")));
    }
    if let Some(directive) = patch.remove(PATCH) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Map::new()),
            _ => Err(unknown_directive(&directive, at)),
        };
    }
    retain_keys(&mut original, &mut patch, at)?;
    for (key, order) in take(&mut patch, ORDER) {
        set_order(&mut original, &mut patch, (&key, order), of, at)?;
    }
    for (key, unwanted) in take(&mut patch, DELETE) {
        delete_items(&mut original, (&key, unwanted), at)?;
    }
    for (key, value) in patch {
        let found = original.remove(&key);
        let at = at.key(&key);
        let rule = of.field(&key);
        let merged = match (found, value) {
            (_, Value::Null) => None,
            (Some(Value::Object(found)), Value::Object(value)) if !rule.is_replaced => {
                Some(Value::Object(mapping(found, value, rule.of, &at)?))
            }
            (Some(Value::Array(found)), Value::Array(value)) => {
                Some(Value::Array(list(found, value, rule, &at)?))
            }
            (Some(Value::Object(_)), value @ Value::Object(_)) => Some(value),
            (_, value) => fresh(value),
        };
        if let Some(merged) = merged {
            original.insert(key, merged);
        }
    }
    Ok(original)
}

fn unknown_directive(directive: &Value, at: &Path) -> Problem {
    Problem::at(&at.key(PATCH), format!("{directive} is not known; there are replace and delete"))
}

/// Returns a value as it is set if there is nothing to merge it into.
fn fresh(mut value: Value) -> Option<Value> {
    remove_nulls(&mut value);
    without_marks(value)
}

/// Removes the fields that the directive for it does not list. It has to list all fields of the patch.
fn retain_keys(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    at: &Path,
) -> Result<(), Problem> {
    let Some(retained) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let at = at.key(RETAIN_KEYS);
    let Value::Array(retained) = retained else { return Err(Problem::at(&at, "is not a list")) };
    let is_retained = |key: &str| retained.iter().any(|retained| retained == key);
    let is_field = |key: &str, value: &Value| {
        !value.is_null() && !key.starts_with(DELETE) && !key.starts_with(ORDER) && key != PATCH
    };
    if let Some((key, _)) = patch.iter().find(|(key, value)| is_field(key, value) && !is_retained(key)) {
        return Err(Problem::at(&at, format!("does not list {key:?}, which the patch sets")));
    }
    original.retain(|key, _| is_retained(key));
    Ok(())
}

/// Deletes items from a list of texts or numbers. Null deletes the list.
fn delete_items(
    original: &mut Map<String, Value>,
    (key, unwanted): (&str, Value),
    at: &Path,
) -> Result<(), Problem> {
    let at = at.key(key);
    let field = subject(key, DELETE).ok_or_else(|| Problem::at(&at, "does not name a list"))?;
    let unwanted = match unwanted {
        Value::Null => {
            original.remove(field);
            return Ok(());
        }
        Value::Array(unwanted) => unwanted,
        _ => return Err(Problem::at(&at, "is not a list")),
    };
    let Some(list) = original.get_mut(field).and_then(Value::as_array_mut) else { return Ok(()) };
    if kind(list.iter().chain(&unwanted)).map_err(|problem| Problem::at(&at, problem))? == Some(Kind::Mapping)
    {
        return Err(Problem::at(&at, "is about a list of mappings; use $patch: delete in its items"));
    }
    let unwanted = Places::of(&unwanted, None);
    list.retain(|item| unwanted.get(item, None).is_none());
    Ok(())
}

/// Merges a list together with its order. Takes the list out of the patch.
fn set_order(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    (key, order): (&str, Value),
    of: Type,
    at: &Path,
) -> Result<(), Problem> {
    let here = at.key(key);
    let invalid = |problem: &str| Problem::at(&here, problem);
    let field = subject(key, ORDER).ok_or_else(|| invalid("does not name a list"))?;
    let Value::Array(order) = order else { return Err(invalid("is not a list")) };
    let rule = of.field(field);
    let of_list = |value: Option<Value>| match value {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => Err(Problem::at(&at.key(field), "is not a list")),
    };
    let value = of_list(patch.remove(field))?;
    let before = of_list(original.get(field).cloned())?;
    let known = before.iter().flatten().chain(value.iter().flatten());
    let kind = kind(known).map_err(&invalid)?;
    if rule.key.is_none() && (kind == Some(Kind::Mapping) || order.iter().any(|item| !is_scalar(item))) {
        return Err(invalid("is about a list that is not merged"));
    }
    if rule.key.is_some_and(|key| !have(&order, key)) {
        return Err(invalid("has an item without the merge key of the list"));
    }
    if !order.is_empty() && !follows(value.as_deref().unwrap_or_default(), &order, rule.key) {
        return Err(invalid("lacks items of the list in the patch, or has them in another order"));
    }
    let places = Places::of(before.as_deref().unwrap_or_default(), rule.key);
    let merged = match (before, value) {
        (None, None) => return Ok(()),
        (Some(items), None) => items,
        (None, Some(items)) => items.into_iter().filter_map(without_marks).collect(),
        (Some(before), Some(value)) => list(before, value, rule, &at.key(field))?,
    };
    if rule.key.is_some_and(|key| !have(&merged, key)) {
        return Err(Problem::at(&at.key(field), "has an item without the merge key of the list"));
    }
    let merged = ordered(merged, &Places::of(&order, rule.key), &places, rule.key);
    original.insert(field.to_owned(), Value::Array(merged));
    Ok(())
}

const fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_) | Value::Null)
}

/// Merges two lists.
fn list(original: Vec<Value>, patch: Vec<Value>, rule: Rule, at: &Path) -> Result<Vec<Value>, Problem> {
    if !rule.is_merged {
        return Ok(patch);
    }
    let invalid = |problem: &str| Problem::at(at, problem);
    match (kind(original.iter().chain(&patch)).map_err(invalid)?, rule.key) {
        (None, _) => Ok(original),
        (Some(Kind::Mapping), Some(key)) => mappings(original, patch, (rule.of, key), at),
        (Some(Kind::Mapping), None) => Err(invalid("has mappings, which cannot be merged here")),
        (Some(_), Some(_)) => Err(invalid("has items that are not mappings")),
        (Some(_), None) => Ok(union(original, patch)),
    }
}

/// Merges two lists of mappings by their merge key.
fn mappings(
    original: Vec<Value>,
    patch: Vec<Value>,
    (of, key): (Type, &str),
    at: &Path,
) -> Result<Vec<Value>, Problem> {
    let (mut original, patch) = marked(original, patch, key, at)?;
    let before = Places::of(&original, Some(key));
    let (mut places, mut named) = (before.clone(), Places::default());
    for (index, item) in patch {
        let at = at.index(index);
        let place = places.get(&item, Some(key));
        places.add(&item, Some(key), original.len());
        named.add(&item, Some(key), index);
        match (place.map(|place| (place, original[place].take())), item) {
            (_, item) if item.get(key).is_none() => {
                return Err(Problem::at(&at, format!("lacks {key}, by which the list is merged")));
            }
            (Some((place, Value::Object(found))), Value::Object(item)) => {
                original[place] = Value::Object(mapping(found, item, of, &at)?);
            }
            (_, item) => original.push(item),
        }
    }
    if !have(&original, key) {
        return Err(Problem::at(at, format!("has an item without {key}, by which the list is merged")));
    }
    Ok(ordered(original, &named, &before, Some(key)))
}

/// The items of a list in a patch, with their places in it.
type Items = Vec<(usize, Value)>;

/// Applies the items that only have a directive. Returns what is left of the original list, and the other items.
fn marked(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
    at: &Path,
) -> Result<(Vec<Value>, Items), Problem> {
    let (mut items, mut is_replaced) = (Vec::new(), false);
    for (index, item) in patch.into_iter().enumerate() {
        let at = at.index(index);
        let Some(directive) = item.get(PATCH) else {
            items.push((index, item));
            continue;
        };
        match (directive.as_str(), item.get(key)) {
            (Some("replace"), _) => is_replaced = true,
            (Some("delete"), Some(unwanted)) => original.retain(|found| found.get(key) != Some(unwanted)),
            (Some("delete"), None) => {
                return Err(Problem::at(&at, format!("lacks {key}, which says what to delete")));
            }
            _ => return Err(unknown_directive(directive, &at)),
        }
    }
    if is_replaced {
        return Ok((items.into_iter().map(|(_, item)| item).collect(), Vec::new()));
    }
    Ok((original, items))
}
