//! What is left out, and what is redacted.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use common::{read, reports};
use rstest::rstest;
use serde_json::{Value, json};

fn journal() -> Value {
    let activity = |name: &str| {
        json!({
            "activity": {"type": "action", "name": name, "provider": {
                "type": "process", "path": "curl --user me:SECRET-LITERAL", "arguments": {"header": "ARGUMENT", "api_key": "BY-NAME"}}},
            "output": {"stdout": "OUTPUT SECRET-LITERAL password=BY-FORM SECRET\"QUOTED"},
            "exception": ["Traceback\n", "ValueError: EXCEPTION SECRET-LITERAL at https://me:BY-FORM@host/PATH\n"],
            "status": "failed", "start": "2026-11-21T08:35:14", "duration": 1.0,
        })
    };
    json!({
        "status": "completed", "deviated": false, "start": "2026-11-21T08:35:14", "end": "2026-11-21T08:35:15",
        "experiment": {
            "title": "title with SECRET-LITERAL", "method": [{"name": "act"}], "rollbacks": [{"name": "undo"}],
            "configuration": {"shown": "CONFIGURATION", "token": "BY-NAME"},
            "secrets": {"a": {"b": "SECRET-LITERAL", "c": ["SECRET\"QUOTED"], "d": {"type": "env", "key": "VARIABLE"}}},
        },
        "steady_states": {"before": null, "after": null, "during": []},
        "run": [activity("act")], "rollbacks": [activity("undo")],
    })
}

#[rstest]
#[case(false)]
#[case(true)]
fn no_format_shows_a_secret(#[case] outputs: bool) {
    for (format, text) in reports(vec![read("file", &journal(), outputs)]) {
        for secret in ["SECRET-LITERAL", "QUOTED", "BY-FORM", "BY-NAME", "VARIABLE"] {
            assert!(!text.contains(secret), "{format} shows {secret}: {text}");
        }
        // The names of secrets are no secrets.
        let names = ["terminal", "markdown", "html", "json"];
        if names.contains(&<&str>::from(format)) {
            assert!(text.contains("a.b"), "{format}");
        }
    }
}

#[test]
fn outputs_are_only_shown_if_asked_for() {
    for (format, text) in reports(vec![read("file", &journal(), false)]) {
        for hidden in ["OUTPUT", "ARGUMENT", "CONFIGURATION", "EXCEPTION", "PATH", "--user"] {
            assert!(!text.contains(hidden), "{format} shows {hidden}: {text}");
        }
        assert!(text.contains("the experiment declares secrets"), "{format}: {text}");
    }
    for (format, text) in reports(vec![read("file", &journal(), true)]) {
        for shown in ["OUTPUT", "EXCEPTION"] {
            assert!(text.contains(shown), "{format} lacks {shown}: {text}");
        }
    }
}

#[test]
fn without_secrets_the_last_line_of_an_exception_is_shown() {
    let mut journal = journal();
    journal["experiment"]["secrets"] = json!({});
    for (format, text) in reports(vec![read("file", &journal, false)]) {
        // A terminal breaks lines.
        let text = text.replace('│', "").split_whitespace().collect::<Vec<&str>>().join(" ");
        assert!(text.contains("ValueError: EXCEPTION"), "{format}: {text}");
        assert!(!text.contains("PATH") && !text.contains("BY-FORM"), "{format}: {text}");
    }
}
