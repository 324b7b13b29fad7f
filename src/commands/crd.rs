//! `crd`: prints the definition of the custom resource.

use anyhow::Context;

use crate::commands::output::print;

/// Prints the definition as YAML.
pub fn run() -> anyhow::Result<()> {
    let definition = serde_saphyr::to_string(&chaostoolkit_api::crd());
    print(&definition.context("cannot print the definition")?)
}
