//! A template as whoever may edit the ConfigMap of templates may write it.

use chaostoolkit_operator::commands::render::render;
use chaostoolkit_operator::experiment::decide::templates::Template;
use chaostoolkit_operator::yaml;
use serde_json::json;
use strum::VariantArray;

use super::{DEEPEST, depth, metadata, objects};

/// Checks a template in YAML. The first byte says which one it is.
pub fn hold(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let template = Template::VARIANTS[usize::from(*kind) % Template::VARIANTS.len()];
    of(template, text);
}

/// Checks a template. Returns whether objects can be made from it.
pub fn of(template: Template, text: &str) -> bool {
    match yaml::parse(text) {
        Ok(value) if depth(&value) <= DEEPEST => {
            let written = yaml::write(&value);
            assert_eq!(yaml::parse(&written), Ok(value), "what is written parses again:\n{written:.2000}");
        }
        Ok(_) => {}
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "the reason is one line: {error}"),
    }
    let spec = match template {
        Template::CronJob => json!({"schedule": {"kind": "cronJob", "value": "0 3 * * *"}}),
        _ => json!({"role": {"binds_to_namespaces": ["other"]}}),
    };
    let experiment = json!({"kind": "ChaosToolkitExperiment", "metadata": metadata(), "spec": spec});
    let templates = json!({template.key(): text}).to_string();
    match render(&experiment.to_string(), Some(&templates), &[]) {
        Ok(made) => {
            objects::well_formed(&made, text.len());
            true
        }
        Err(error) => {
            let words = format!("{error:#}");
            assert_eq!(words.lines().count(), 1, "the reason is one line: {words}");
            false
        }
    }
}
