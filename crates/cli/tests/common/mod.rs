//! The command as a program, and an API server that answers what a test says.

#![allow(dead_code, missing_docs, reason = "each test program uses a part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "tests have no public docs")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What the command did.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A directory with a kubeconfig.
pub struct Home {
    pub directory: TempDir,
}

impl Home {
    /// A kubeconfig for a cluster at this address.
    pub fn of(server: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server}}],
            "users": [{"name": "test", "user": {"token": "t"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        std::fs::write(directory.path().join("config"), config.to_string()).unwrap();
        Self { directory }
    }

    /// The path of a file in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, and returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The command with its arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("KUBECONFIG", self.path("config")).current_dir(self.directory.path());
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Done {
        done(&mut self.command(arguments))
    }
}

/// The command without a kubeconfig.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-chaostoolkit"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "NO_COLOR"] {
        command.env_remove(variable);
    }
    command.env("HOME", Path::new("/nonexistent"));
    command
}

/// Runs a command to its end.
pub fn done(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Done { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A request: its method, its path with the query, and its body.
pub type Asked = (String, String, Value);

/// The answer to a request: a code and a body. `None` closes the connection.
type Answer = dyn Fn(&Asked) -> Option<(u16, Value)> + Send + Sync;

/// An API server that answers what a test says.
pub struct Server {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> Option<(u16, Value)> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let log = asked.clone();
        let answer: Arc<Answer> = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, log) = (answer.clone(), log.clone());
                std::thread::spawn(move || serve(stream, &*answer, &log));
            }
        });
        Self { address, asked }
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests that would change something.
    pub fn writes(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(|(method, _, _)| method != "GET").collect()
    }
}

/// Answers one request, and closes the connection.
fn serve(stream: TcpStream, answer: &Answer, log: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).is_err() || header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let asked = (method, path, serde_json::from_slice(&body).unwrap_or_default());
    log.lock().unwrap().push(asked.clone());
    let Some((code, body)) = answer(&asked) else { return };
    // A watch is a line for each event, after which the connection ends.
    let body = match &body {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let mut stream = stream;
    let _ = write!(
        stream,
        "HTTP/1.1 {code} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// What an API server says if it refuses something.
pub fn status(code: u16, reason: &str, message: &str, name: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message,
        "details": {"name": name, "group": "chaostoolkit.org", "kind": "chaosexperiments"}})
}

/// What an API server says of a kind that it does not know.
pub fn unknown_kind() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound",
        "message": "the server could not find the requested resource", "details": {}})
}

/// A list of experiments.
pub fn list(items: &[Value]) -> Value {
    json!({"kind": "ChaosToolkitExperimentList", "apiVersion": "chaostoolkit.org/v1", "metadata": {"resourceVersion": "1"}, "items": items})
}

/// An experiment as it is stored.
pub fn experiment(name: &str, spec: &Value, status: &Value) -> Value {
    json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": name, "namespace": "chaostoolkit-crd", "uid": "00000000-0000-0000-0000-000000000001", "generation": 1, "resourceVersion": "1"},
        "spec": spec, "status": status})
}
