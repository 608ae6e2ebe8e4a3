//! A vendor whose every byte the test writes itself.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Nothing in these tests takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Listens; nothing is answered before the test does it.
#[derive(Debug)]
pub struct RawVendor {
    listener: TcpListener,
    address: SocketAddr,
}

/// One request that a [`RawVendor`] has read, and its connection.
#[derive(Debug)]
pub struct RawCall {
    /// Request line and header fields, as they came.
    pub head: String,
    /// The body, by its `Content-Length` (chunks are not undone).
    pub body: String,
    stream: TcpStream,
}

impl RawVendor {
    /// On a free port of 127.0.0.1.
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    /// On this address.
    pub async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next connection's first request.
    pub async fn call(&self) -> RawCall {
        let accepted = tokio::time::timeout(PATIENCE, self.listener.accept()).await;
        let (stream, _) = accepted.expect("somebody calls").unwrap();
        RawCall::read(stream).await.expect("a request comes")
    }
}

impl RawCall {
    async fn read(mut stream: TcpStream) -> Option<Self> {
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        loop {
            if let Some(end) = find(&seen, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&seen[..end]).into_owned();
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length")
                        .then(|| value.trim().parse().unwrap())
                });
                let whole = end + 4 + length.unwrap_or(0_usize);
                if seen.len() >= whole {
                    let body = String::from_utf8_lossy(&seen[end + 4..whole]).into_owned();
                    return Some(Self { head, body, stream });
                }
            }
            let read = tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await;
            match read.expect("the request goes on") {
                Ok(0) | Err(_) => return None,
                Ok(read) => seen.extend_from_slice(&piece[..read]),
            }
        }
    }

    /// Writes bytes of the answer.
    pub async fn write(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// A whole JSON answer; the connection ends with it.
    pub async fn answer(mut self, status: u16, body: &serde_json::Value) {
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        self.write(&head).await;
        self.write(&body).await;
        self.stream.shutdown().await.unwrap();
    }

    /// Breaks the connection off.
    pub fn reset(self) {
        drop(self.stream);
    }

    /// Waits until the other side has closed the connection.
    pub async fn hung_up(mut self) {
        let mut rest = Vec::new();
        let read = self.stream.read_to_end(&mut rest);
        // Closed or reset: gone.
        let _ = tokio::time::timeout(PATIENCE, read)
            .await
            .expect("it hangs up");
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
