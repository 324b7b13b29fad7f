//! The reference names every reason and every column. Needs nothing.

#![allow(missing_docs)]

use chaostoolkit_api::Text;
use chaostoolkit_api::reason::Reason;
use strum::VariantArray;

const REFERENCE: &str = include_str!("../docs/reference.md");

#[test]
fn every_reason_is_in_the_reference() {
    let missing: Vec<&str> = Reason::VARIANTS
        .iter()
        .map(Text::as_str)
        .filter(|reason| !REFERENCE.contains(&format!("`{reason}`")))
        .collect();
    assert!(missing.is_empty(), "docs/reference.md lacks {missing:?}");
}

#[test]
fn every_printer_column_is_in_the_reference() {
    let version = &chaostoolkit_api::crd().spec.versions[0];
    let columns = version.additional_printer_columns.iter().flatten();
    let missing: Vec<&str> = columns
        .map(|column| column.name.as_str())
        .filter(|name| !REFERENCE.contains(&name.to_uppercase()))
        .collect();
    assert!(missing.is_empty(), "docs/reference.md lacks {missing:?}");
}
