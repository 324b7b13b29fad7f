//! Reads single values of a journal, of any type.

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::Offset};
use serde_json::Value;

use crate::redact::Redactor;

/// Reads the fields of an object. Whatever is not an object has none.
pub(crate) trait Fields {
    /// Returns a text on one line. Returns `None` if it is empty, or no text.
    fn line(&self, field: &str, redactor: &Redactor, max: usize) -> Option<String>;
    /// Returns a time. Older versions of the toolkit write no offset and mean UTC.
    fn time(&self, field: &str) -> Option<Timestamp>;
    /// Returns a number that is not negative.
    fn number(&self, field: &str) -> Option<f64>;
    /// Returns the items of a list. Whatever is no list has none.
    fn items(&self, field: &str) -> &[Value];
}

impl Fields for Value {
    fn line(&self, field: &str, redactor: &Redactor, max: usize) -> Option<String> {
        let text = self.get(field)?.as_str()?;
        Some(redactor.line(text, max)).filter(|text| !text.is_empty())
    }

    fn time(&self, field: &str) -> Option<Timestamp> {
        let text = self.get(field)?.as_str()?;
        let naive = || Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
        text.parse().ok().or_else(naive)
    }

    fn number(&self, field: &str) -> Option<f64> {
        self.get(field)?.as_f64().filter(|number| number.is_finite() && *number >= 0.0)
    }

    fn items(&self, field: &str) -> &[Value] {
        self.get(field).and_then(Self::as_array).map_or(&[], Vec::as_slice)
    }
}
