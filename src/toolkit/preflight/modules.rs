//! Modules of activities that the image lacks.

use serde_json::Value;

use crate::toolkit::lint::shown;
use crate::toolkit::preflight::finding::{Findings, Kind};
use crate::toolkit::preflight::known::Known;
use crate::toolkit::rights::activities::activities;

/// How the packages with extensions begin. Others are modules of Python, of the toolkit or of the author, whose files nobody can
/// see from here.
const EXTENSION: &str = "chaos";

/// The packages of the toolkit itself.
const OWN: [&str; 2] = ["chaoslib", "chaostoolkit"];

/// Adds the activities whose module the image lacks.
pub(super) fn missing(experiment: &Value, known: &Known<'_>, found: &mut Findings) {
    for activity in activities(experiment) {
        let Some(module) = activity.provider["module"].as_str() else { continue };
        if activity.provider["type"] != "python" {
            continue;
        }
        let package = module.split('.').next().unwrap_or_default();
        let path = format!("{}.module", activity.path);
        let is_extension = package.starts_with(EXTENSION) && !OWN.contains(&package);
        if let Some(packages) = known.packages {
            if is_extension && !packages.contains(package) {
                let message = format!(
                    "the image {} has no package {} (--known-extensions); name an image that has it in spec.pod.image",
                    shown(known.image),
                    shown(package)
                );
                found.add(Kind::ModuleMissing, path, message);
            }
        } else if known.not_found.is_some_and(|not_found| is_in(not_found, module)) {
            let message = format!(
                "the last run did not find the module {} in its image; name an image that has it in spec.pod.image",
                shown(module)
            );
            found.add(Kind::ModuleNotFound, path, message);
        }
    }
}

/// Whether a module is this one or one in it.
fn is_in(package: &str, module: &str) -> bool {
    module.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
