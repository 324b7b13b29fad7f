//! Checks a patch without the pod that it is for.

use serde_json::{Map, Value};

use crate::strategic::directive::without_directives;
use crate::strategic::merge::{Problem, merge};

/// Checks the form of a patch. It is merged into a pod with the same fields, so that each item and directive is read.
pub fn check(patch: &Value) -> Result<(), Problem> {
    let like = match without_directives(patch.clone()) {
        // The whole patch is marked.
        Value::Null => Value::Object(Map::new()),
        like => like,
    };
    merge(like, patch.clone()).map(|_| ())
}
