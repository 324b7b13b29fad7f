//! Objects as JSON, YAML or names.

use serde::Serialize;
use serde_json::Value;

use crate::args::Format;
use crate::failure::{Failure, Outcome};
use crate::model::words::plain;
use crate::output::ui::Ui;
use chaostoolkit_operator::yaml;

/// The resource of experiments, as `kubectl` names it.
const RESOURCE: &str = "chaosexperiment.chaostoolkit.org";

/// Returns the name of an experiment, as `kubectl -o name` prints it and `kubectl get` takes it.
#[must_use]
pub fn name(name: &str) -> String {
    format!("{RESOURCE}/{}", plain(name))
}

/// Returns a value as JSON or YAML, with a newline at its end. Texts keep their escapes, so nothing moves a terminal.
pub fn text(value: &impl Serialize, format: Format) -> Outcome<String> {
    let value = serde_json::to_value(value)
        .map_err(|error| Failure::new(format!("cannot write the object: {error}")))?;
    Ok(match format {
        Format::Yaml => yaml::write(&value),
        _ => format!("{value:#}\n"),
    })
}

/// Prints an experiment in a form for programs.
pub fn print(ui: Ui, object: &Value, format: Format) -> Outcome<()> {
    match format {
        Format::Name => ui.line(&name(object["metadata"]["name"].as_str().unwrap_or_default())),
        _ => ui.raw(text(object, format)?.as_bytes()),
    }
}

/// Prints items of a list one after the other: as one JSON list, or as documents of YAML.
pub struct Items {
    format: Format,
    is_first: bool,
}

impl Items {
    /// Begins a list.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format, is_first: true }
    }

    /// Prints an item.
    pub fn add(&mut self, ui: Ui, item: &impl Serialize) -> Outcome<()> {
        let text = text(item, self.format)?;
        let before = match (self.format, self.is_first) {
            (Format::Yaml, true) => "",
            (Format::Yaml, false) => "---\n",
            (_, true) => "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n",
            (_, false) => ",\n",
        };
        self.is_first = false;
        let text = if self.format == Format::Yaml { &text } else { text.trim_end() };
        ui.raw(format!("{before}{text}").as_bytes())
    }

    /// Ends the list.
    pub fn end(self, ui: Ui) -> Outcome<()> {
        match (self.format, self.is_first) {
            (Format::Yaml, _) => Ok(()),
            (_, true) => ui.raw(b"{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}\n"),
            (_, false) => ui.raw(b"\n]}\n"),
        }
    }
}
