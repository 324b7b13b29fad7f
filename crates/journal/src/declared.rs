//! What an experiment declares that may be a secret.

use serde::Deserialize;

use crate::field::{Field, Truth, objects};
use crate::shown::Literals;

/// The configuration and the secrets of an experiment.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Declared {
    configuration: Field<Literals>,
    secrets: Field<Truth>,
}

objects!(Declared);

impl Declared {
    /// Whether a text may hold a secret of the experiment. Without the experiment, nobody knows.
    pub(crate) fn may_be_in(declared: Option<&Self>, text: &str) -> bool {
        let Some(declared) = declared else { return true };
        declared.secrets == Field::Set(Truth(true))
            || match &declared.configuration {
                Field::Missing | Field::Null => false,
                Field::Wrong => true,
                Field::Set(literals) => literals.is_in(text),
            }
    }
}
