//! `explain`: what the operator would create for a file, and what the run may do where.

use serde_json::Value;

use chaostoolkit_operator::commands::render::{Beside, rendered};
use chaostoolkit_report::text::one_line;

use crate::access::HOME;
use crate::args::{ExplainArgs, Global};
use crate::commands::input;
use crate::failure::{Failure, Outcome};
use crate::model::explained::explained;
use crate::model::file::{KIND, documents, name_from};
use crate::model::object::{Options, of_experiment};
use crate::output::ui::Ui;

/// Explains each experiment of a file.
pub fn explain(global: &Global, ui: Ui, args: &ExplainArgs) -> Outcome<()> {
    let objects = objects(global, &args.file)?;
    let templates = args.templates.as_ref().map(|path| input::text(&path.to_string_lossy())).transpose()?;
    let all = rendered(&objects, Beside { templates: templates.as_deref(), ..Beside::default() }).map_err(
        |error| {
            Failure::new(one_line(&format!("{error:#}")))
                .hint("`kubectl chaostoolkit check FILE` names all mistakes")
        },
    )?;
    for one in &all {
        ui.lines(&explained(&one.experiment, &one.resources))?;
        for warning in &one.warnings {
            ui.warn(&one_line(warning));
        }
    }
    Ok(())
}

/// Returns the objects of a file. An experiment as `chaos run` takes it becomes the object that `run` would make.
pub fn objects(global: &Global, file: &str) -> Outcome<Vec<Value>> {
    let text = input::text(file)?;
    let objects = documents(file, &text).map_err(Failure::new)?;
    let is_plain = |object: &Value| object.get("kind").is_none() && object.get("method").is_some();
    let namespace = global.namespace.clone().unwrap_or_else(|| HOME.to_owned());
    let object = |object: Value| -> Outcome<Value> {
        if object["kind"] == KIND && object["metadata"]["namespace"].is_null() {
            let mut object = object;
            object["metadata"]["namespace"] = namespace.clone().into();
            return Ok(object);
        }
        if !is_plain(&object) {
            return Ok(object);
        }
        let title = object["title"].as_str().unwrap_or("experiment");
        let name = name_from(if file == "-" { title } else { file }).map_err(Failure::new)?;
        let options = Options { name: Some(name), namespace: Some(namespace.clone()), ..Options::default() };
        of_experiment(&object, &options).map_err(Failure::new)
    };
    objects.into_iter().map(object).collect()
}
