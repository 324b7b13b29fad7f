//! A line to the API server that counts the connections. It does not look at the traffic.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kube::config::Kubeconfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::common::install::Install;

/// A line. It ends when it is dropped.
pub struct Line {
    /// A kubeconfig of the operator that leads through this line.
    pub kubeconfig: PathBuf,
    calls: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Line {
    pub async fn lay(install: &Install) -> Self {
        let mut config = Kubeconfig::read_from(&install.kubeconfig).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cluster = config.clusters[0].cluster.as_mut().unwrap();
        // The certificate of the API server is valid for this address, too.
        let here = format!("https://{}", listener.local_addr().unwrap());
        let server = cluster.server.replace(here).unwrap();
        let server = server.strip_prefix("https://").unwrap().to_owned();
        let kubeconfig = install.kubeconfig.with_extension("line.kubeconfig");
        std::fs::write(&kubeconfig, serde_json::to_vec(&config).unwrap()).unwrap();
        let calls = Arc::<AtomicUsize>::default();
        let counted = calls.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                let server = server.clone();
                tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(server).await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Self { kubeconfig, calls, accepting }
    }

    /// Counts the connections so far. While the API server is down, each request is a connection of its own.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
