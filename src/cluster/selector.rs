//! Selectors of lists. A value that is put into one must not add to it.

use kube::api::ListParams;

use crate::cluster::error::Error;
use chaostoolkit_api::names;

/// Selects the objects that have this uid as the uid of their experiment.
pub fn owned_by(uid: &str) -> Result<ListParams, Error> {
    Ok(ListParams::default().labels(&format!("{}={}", names::UID_LABEL, label(uid)?)))
}

/// Returns a value that may become a part of a selector. Fails if no label can have it.
pub fn label(value: &str) -> Result<&str, Error> {
    names::check_label_value(value)
        .map(|()| value)
        .map_err(|problem| Error::BadName { field: "a value of a selector".to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_selector_has_the_requirement_that_was_meant_and_no_more(value in "\\PC{0,70}|[a-z0-9,=!() /-]{0,70}") {
            if let Ok(parameters) = owned_by(&value) {
                let selector = parameters.label_selector.unwrap();
                let meant = (names::UID_LABEL, value.as_str());
                prop_assert_eq!(selector.split_once('='), Some(meant));
                prop_assert!(!value.contains([',', '=', '!', '(', ')', ' ', '&', '%']));
            }
        }
    }
}
