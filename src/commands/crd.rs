//! `crd`: prints the definitions of the custom resources.

use anyhow::Context;

use crate::commands::output::print;

/// Prints the definitions as YAML.
pub fn run() -> anyhow::Result<()> {
    print(&text()?)
}

/// Returns the definitions as YAML, one document each.
pub fn text() -> anyhow::Result<String> {
    let mut documents = Vec::new();
    for definition in [chaostoolkit_api::crd(), chaostoolkit_api::freeze_crd()] {
        documents.push(serde_saphyr::to_string(&definition).context("cannot print a definition")?);
    }
    Ok(documents.join("---\n"))
}
