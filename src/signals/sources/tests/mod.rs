mod files;
mod readings;
mod requests;
mod server;

use tempfile::TempDir;

use super::*;
use crate::signals::signal::Asks;
use server::Server;

/// A file of sources in a directory of its own.
struct Files(TempDir);

impl Files {
    fn new(sources: &str) -> Self {
        let files = Self(TempDir::new().unwrap());
        files.write("sources.yaml", sources);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn open(&self) -> (Sources, Metrics) {
        let metrics = Metrics::default();
        (Sources::open(Some(self.path("sources.yaml")), metrics.clone()), metrics)
    }
}

/// A source of a type at a server.
fn source(name: &str, kind: &str, server: &Server) -> String {
    within(name, kind, server, 20)
}

/// A source that has some seconds to answer.
fn within(name: &str, kind: &str, server: &Server, seconds: u8) -> String {
    let address = server.address;
    format!(
        "- {{name: {name}, type: {kind}, url: 'http://{address}/base', namespaces: [team], timeoutSeconds: {seconds}}}\n"
    )
}

/// Waits until something is so. Fails after a minute.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap();
}

/// Opens the sources of these lines.
fn opened(sources: &[String]) -> (Sources, Metrics, Files) {
    let files = Files::new(&format!("sources:\n{}", sources.concat()));
    let (sources, metrics) = files.open();
    (sources, metrics, files)
}

fn query(source: &str) -> Question {
    let asks = Asks::Prometheus { query: "up".to_owned(), expected: "> 0".parse().unwrap() };
    Question { source: source.to_owned(), asks }
}

fn page(source: &str, path: &str, expected: &str) -> Question {
    let asks = Asks::Http { path: path.parse().unwrap(), expected: expected.parse().unwrap() };
    Question { source: source.to_owned(), asks }
}

fn reason(read: Result<Reading, SignalError>) -> Reason {
    read.unwrap_err().reason
}
