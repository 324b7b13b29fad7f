//! The activities of an experiment, wherever the toolkit takes them from.

use serde_json::Value;

/// An activity that calls something.
#[derive(Clone, Debug)]
pub(in crate::toolkit) struct Activity<'a> {
    /// The path of its provider, such as `method[0].provider`.
    pub path: String,
    /// Its provider.
    pub provider: &'a Value,
}

/// The lists of activities.
const LISTS: [(&str, &str); 3] = [
    ("/steady-state-hypothesis/probes", "steady-state-hypothesis.probes"),
    ("/method", "method"),
    ("/rollbacks", "rollbacks"),
];

/// Returns all activities: those of the hypothesis, of the method and of the rollbacks, the probes of their tolerances, and
/// the probes of the configuration.
///
/// An activity with a `ref` has no provider. It is another activity of these lists, so it needs nothing that is not there.
pub(in crate::toolkit) fn activities(experiment: &Value) -> Vec<Activity<'_>> {
    let mut found = Vec::new();
    for (path, activity) in listed(experiment) {
        add(&mut found, &path, activity);
        add(&mut found, &format!("{path}.tolerance"), &activity["tolerance"]);
    }
    for (name, value) in experiment["configuration"].as_object().into_iter().flatten() {
        if value["type"] == "probe" {
            add(&mut found, &format!("configuration.{}", plain(name)), value);
        }
    }
    found
}

fn add<'a>(found: &mut Vec<Activity<'a>>, path: &str, activity: &'a Value) {
    if let Some(provider) = activity.get("provider") {
        found.push(Activity { path: format!("{path}.provider"), provider });
    }
}

/// Returns the paths of all controls: those of the experiment, of its hypothesis and of its activities.
pub(super) fn controls(experiment: &Value) -> Vec<String> {
    let hypothesis = &experiment["steady-state-hypothesis"];
    let parts = [(String::new(), experiment), ("steady-state-hypothesis.".to_owned(), hypothesis)];
    let activities = listed(experiment).map(|(path, activity)| (format!("{path}."), activity));
    let numbered = |(path, part): (String, &Value)| {
        let controls = part["controls"].as_array().map_or(0, Vec::len);
        (0..controls).map(move |index| format!("{path}controls[{index}]"))
    };
    parts.into_iter().chain(activities).flat_map(numbered).collect()
}

/// Returns the entries of the lists with their paths.
fn listed(experiment: &Value) -> impl Iterator<Item = (String, &Value)> {
    LISTS.into_iter().flat_map(|(pointer, path)| {
        let list = experiment.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        list.enumerate().map(move |(index, activity)| (format!("{path}[{index}]"), activity))
    })
}

/// The maximum number of characters of a key in a path.
const MOST_CHARACTERS: usize = 64;

/// Returns a key of the author for a path: short, and on one line.
pub(in crate::toolkit) fn plain(key: &str) -> String {
    key.chars().take(MOST_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
