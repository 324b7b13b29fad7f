//! Objects as JSON, YAML or names.

use serde::Serialize;
use serde_json::Value;

use crate::args::Format;
use crate::failure::{Failure, Outcome};
use crate::output::ui::Ui;
use chaostoolkit_operator::yaml;
use chaostoolkit_report::text::one_line;

/// The resource of experiments, as `kubectl` names it.
const RESOURCE: &str = "chaosexperiment.chaostoolkit.org";

/// Returns the name of an experiment, as `kubectl -o name` prints it and `kubectl get` takes it.
#[must_use]
pub fn name(name: &str) -> String {
    format!("{RESOURCE}/{}", one_line(name))
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

/// Prints items one after the other: as a list of Kubernetes or of JSON, or as documents of YAML.
pub struct Items {
    format: Format,
    /// What stands before and after the items in JSON.
    around: [&'static str; 2],
    is_first: bool,
}

impl Items {
    /// Begins a list of objects.
    #[must_use]
    pub const fn of_objects(format: Format) -> Self {
        let around = ["{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [", "]}\n"];
        Self { format, around, is_first: true }
    }

    /// Begins a list of other items.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format, around: ["[", "]\n"], is_first: true }
    }

    /// Prints an item.
    pub fn add(&mut self, ui: Ui, item: &impl Serialize) -> Outcome<()> {
        let text = text(item, self.format)?;
        let before = match (self.format, self.is_first) {
            (Format::Yaml, true) => "",
            (Format::Yaml, false) => "---\n",
            (_, true) => self.around[0],
            (_, false) => ",",
        };
        self.is_first = false;
        match self.format {
            Format::Yaml => ui.raw(format!("{before}{text}").as_bytes()),
            _ => ui.raw(format!("{before}\n{}", text.trim_end()).as_bytes()),
        }
    }

    /// Ends the list.
    pub fn end(self, ui: Ui) -> Outcome<()> {
        let [before, after] = self.around;
        match (self.format, self.is_first) {
            (Format::Yaml, _) => Ok(()),
            (_, true) => ui.raw(format!("{before}{after}").as_bytes()),
            (_, false) => ui.raw(format!("\n{after}").as_bytes()),
        }
    }
}
