//! A Python that calls the functions.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::cases::Case;

/// The process.
pub struct Worker {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a Python whose calls go to this API server.
    pub fn start(python: &str, server: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/chaosk8s/call.py");
        let mut process = Command::new(python)
            .arg(script)
            .env("KUBERNETES_HOST", server)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (questions, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, questions, answers: BufReader::new(answers) }
    }

    /// Calls a function as the account of a token. Returns the text of its exception, if it raised one.
    pub fn call(&mut self, case: &Case, token: &str) -> Option<String> {
        let object =
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "spec": {}});
        let question = json!({"function": case.function, "arguments": case.arguments, "token": token,
            "files": {"object.json": object.to_string()}});
        writeln!(self.questions, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let answer: Value =
            serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{case}: {error}: {answer}"));
        answer["error"].as_str().map(str::to_owned)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
