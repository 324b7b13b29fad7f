//! The operator's program as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::eventually;
use super::install::Install;

/// A running operator. Killed when dropped.
pub struct Operator {
    child: Child,
    log: PathBuf,
    /// Where its endpoints are.
    pub address: String,
}

impl Operator {
    /// Starts the operator for an installation.
    pub fn spawn(install: &Install, flags: &[&str]) -> Self {
        Self::with(&install.kubeconfig, flags)
    }

    /// Starts the operator as the user of a kubeconfig.
    pub fn with(kubeconfig: &Path, flags: &[&str]) -> Self {
        Self::with_environment(kubeconfig, flags, &[])
    }

    /// The same with more variables in its environment.
    pub fn with_environment(kubeconfig: &Path, flags: &[&str], variables: &[(String, String)]) -> Self {
        let log = kubeconfig.with_extension(format!("{}.log", super::unique()));
        let child = Command::new(env!("CARGO_BIN_EXE_chaostoolkit-operator"))
            .args(["run", "--listen", "127.0.0.1:0", "--log", "info,chaostoolkit_operator=debug"])
            .args(flags)
            .envs(variables.iter().cloned())
            .env("KUBECONFIG", kubeconfig)
            .env_remove("OPERATOR_NAMESPACE")
            // The next one after a kill would wait for the lease. The tests of the lease say `--leader-elect yes`.
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

    /// The same with these flags.
    pub async fn start_with(install: &Install, flags: &[&str]) -> Self {
        let mut operator = Self::spawn(install, flags);
        operator.listens().await;
        eventually("the operator is ready", async || {
            operator.get("/readyz").await.filter(|body| body == "ok")
        })
        .await;
        operator
    }

    /// Waits until its endpoints answer.
    pub async fn listens(&mut self) {
        self.address = eventually("the operator says where it listens", async || {
            let text = self.log();
            Some(text.split_once("address=")?.1.split_whitespace().next()?.to_owned())
        })
        .await;
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks one of its endpoints; nothing unless it answers with 200.
    pub async fn get(&self, path: &str) -> Option<String> {
        self.ask(path).await.filter(|(is_ok, _)| *is_ok).map(|(_, body)| body)
    }

    /// Asks one of its endpoints: whether it answers with 200, and what it says.
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

    /// SIGKILL: no chance to do anything more.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, such as `-STOP`.
    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap().success());
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        eventually("the operator stops", async || self.child.try_wait().unwrap()).await
    }

    /// Whether it is still there.
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
                "the operator's last words:\n{}",
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A stretch of time in which nothing should happen: to be used only to show that nothing does.
pub async fn quiet(time: Duration) {
    tokio::time::sleep(time).await;
}
