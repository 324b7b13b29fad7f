//! The operator as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::install::Install;
use super::{eventually, variables};

/// The variable that lets runs start without a check of their authors.
const UNCHECKED: &str = "UNCHECKED_AUTHORS";

/// The variable that names the program, if it is not the one of this build.
const PROGRAM: &str = "OPERATOR_PROGRAM";

/// What the operator logs unless a test says otherwise.
const LOG: &[&str] = &["--log", "info,chaostoolkit_operator=debug"];

/// A running operator. Killed when dropped.
pub struct Operator {
    child: Child,
    log: PathBuf,
    /// The address of its endpoints.
    pub address: String,
}

impl Operator {
    /// Starts the operator for an installation.
    pub fn spawn(install: &Install, flags: &[&str]) -> Self {
        Self::with(&install.kubeconfig, flags)
    }

    /// Starts the operator with a kubeconfig.
    pub fn with(kubeconfig: &Path, flags: &[&str]) -> Self {
        Self::with_environment(kubeconfig, flags, &[])
    }

    /// Starts the operator with a kubeconfig and additional environment variables.
    pub fn with_environment(kubeconfig: &Path, flags: &[&str], variables: &[(String, String)]) -> Self {
        let log = kubeconfig.with_extension(format!("{}.log", super::unique()));
        let program = variables::text(PROGRAM)
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_chaostoolkit-operator").to_owned());
        let child = Command::new(program)
            .args(["run", "--listen", "127.0.0.1:0"])
            .args(if flags.contains(&"--log") { &[] } else { LOG })
            .args(flags)
            // Policies are for the whole cluster, and these tests run side by side, each with an operator's namespace of its
            // own. A policy takes an experiment in the namespace of another installation for one that runs there. The
            // operator counts no policy that is narrowed to some namespaces. And some of these tests need a cluster without
            // any. `tests/shipped` has the operator and its policies as they are shipped, one test at a time.
            .env(UNCHECKED, "true")
            .envs(variables.iter().cloned())
            .env("KUBECONFIG", kubeconfig)
            .env_remove("OPERATOR_NAMESPACE")
            // After a kill, the next operator would wait for the lease. The tests of the lease set
            // `--leader-elect yes`.
            .env("LEADER_ELECT", "no")
            .stdin(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log, address: String::new() }
    }

    /// Starts the operator for an installation and waits until it is ready.
    pub async fn start(install: &Install) -> Self {
        Self::start_with(install, &[]).await
    }

    /// Starts the operator with these flags and waits until it is ready.
    pub async fn start_with(install: &Install, flags: &[&str]) -> Self {
        Self::spawn(install, flags).ready().await
    }

    /// Starts an operator that logs what it logs by default, and waits until it is ready.
    pub async fn start_as_shipped(install: &Install) -> Self {
        Self::start_with(install, &["--log", "info"]).await
    }

    /// Starts an operator that asks what authors may do, and waits until it is ready.
    pub async fn start_checked(install: &Install) -> Self {
        Self::start_checked_with(install, &[]).await
    }

    /// Starts an operator with these flags that asks what authors may do, and waits until it is ready.
    pub async fn start_checked_with(install: &Install, flags: &[&str]) -> Self {
        let checked = [(UNCHECKED.to_owned(), "false".to_owned())];
        Self::with_environment(&install.kubeconfig, flags, &checked).ready().await
    }

    async fn ready(mut self) -> Self {
        self.listens().await;
        eventually("the operator is ready", async || self.get("/readyz").await.filter(|body| body == "ok"))
            .await;
        self
    }

    /// Waits until its endpoints answer.
    pub async fn listens(&mut self) {
        self.address = eventually("the operator logs the address that it listens on", async || {
            let text = self.log();
            Some(text.split_once("address=")?.1.split_whitespace().next()?.to_owned())
        })
        .await;
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Requests one of the endpoints. Returns the body if the answer is 200.
    pub async fn get(&self, path: &str) -> Option<String> {
        self.ask(path).await.filter(|(is_ok, _)| *is_ok).map(|(_, body)| body)
    }

    /// Requests one of the endpoints. Returns whether the answer is 200, and the body.
    pub async fn ask(&self, path: &str) -> Option<(bool, String)> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&self.address).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.starts_with("HTTP/1.1 200"), body.to_owned()))
    }

    /// Kills the operator with SIGKILL, so that it cannot do anything more.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, such as `-STOP`.
    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap().success());
    }

    /// Stops the operator with SIGTERM and returns how it ended.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        eventually("the operator stops", async || self.child.try_wait().unwrap()).await
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!(
                "the end of the operator's log:\n{}",
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets time pass in which nothing should happen. Use it only to show that nothing does.
pub async fn quiet(time: Duration) {
    tokio::time::sleep(time).await;
}
