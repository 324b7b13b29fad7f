//! A server that answers as a test says, and files of sources.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server on a port of its own. It goes on until the test ends.
pub struct Server {
    pub address: SocketAddr,
    /// The heads of the requests.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that hands each connection to a function once it has read the head of a request.
    pub async fn start<F>(answer: impl Fn(TcpStream, usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (answer, heads) = (Arc::new(answer), requests.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, heads) = (answer.clone(), heads.clone());
                tokio::spawn(async move {
                    let Some(head) = head(&mut stream).await else { return };
                    let number = {
                        let mut heads = heads.lock().unwrap();
                        heads.push(head);
                        heads.len()
                    };
                    answer(stream, number).await;
                });
            }
        });
        Self { address, requests }
    }

    /// Starts a server that always answers the same.
    pub async fn of(status: u16, headers: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut answer = format!(
            "HTTP/1.1 {status} X\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend(body);
        let answer = Arc::new(answer);
        Self::start(move |mut stream, _| {
            let answer = answer.clone();
            async move {
                // The client may have enough before the end.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    /// Starts a server that never answers.
    pub async fn silent() -> Self {
        Self::start(|stream, _| async move {
            let _stream = stream;
            std::future::pending::<()>().await;
        })
        .await
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads the head of a request.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// The answer of a Prometheus with this value.
pub fn sample(value: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[1,"{value}"]}}}}"#)
}
