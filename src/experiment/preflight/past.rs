//! What an earlier run has found in its image: pure.

use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Phase, Status, Text};

/// How the toolkit and Python name a module that they do not find.
const SENTENCES: [&str; 2] = ["could not find Python module '", "No module named '"];

/// Returns the module that the last run with this spec did not find, if it ended for that reason. The run of a Job does not say
/// which spec it has followed.
pub(super) fn module_not_found(status: &Status, spec_hash: &str) -> Option<String> {
    let past = status.history.iter().find(|past| past.phase != Phase::Skipped)?;
    let is_this = past.run.spec_hash.as_deref().is_none_or(|hash| hash == spec_hash);
    let message = past.message.as_deref().filter(|_| is_this)?;
    if past.reason != Reason::ExtensionMissing.as_str() {
        return None;
    }
    let after = SENTENCES.iter().find_map(|sentence| Some(message.split_once(sentence)?.1))?;
    let (module, _) = after.split_once('\'')?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._".contains(letter);
    (!module.is_empty() && module.chars().all(is_name)).then(|| module.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(
        "ExtensionMissing",
        "ERROR could not find Python module 'chaosk8s.pod.actions' in activity 'x'",
        Some("chaosk8s.pod.actions")
    )]
    #[case("ExtensionMissing", "ModuleNotFoundError: No module named 'chaosaws'", Some("chaosaws"))]
    #[case("ExtensionMissing", "module does not expose 'x'", None)]
    #[case("ExtensionMissing", "No module named 'a b'", None)]
    #[case("ExtensionMissing", "No module named 'open", None)]
    #[case("ExperimentInvalid", "No module named 'chaosaws'", None)]
    fn the_last_run_tells_which_module_it_did_not_find(
        #[case] reason: &str,
        #[case] message: &str,
        #[case] expected: Option<&str>,
    ) {
        let past = |phase: &str, reason: &str, hash: &str| json!({"number": 1, "podName": "p", "phase": phase, "outcome": "Invalid", "reason": reason, "message": message, "specHash": hash});
        let status = |hash: &str| -> Status {
            let history = [
                past("Skipped", "Skipped", "h"),
                past("Failed", reason, hash),
                past("Completed", "Passed", "h"),
            ];
            serde_json::from_value(json!({"history": history})).unwrap()
        };
        assert_eq!(module_not_found(&status("h"), "h").as_deref(), expected);
        assert_eq!(module_not_found(&status("other"), "h"), None);
        assert_eq!(module_not_found(&Status::default(), "h"), None);
    }
}
