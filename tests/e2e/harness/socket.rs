//! The bytes themselves, on either side of Leeward.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Nothing in these tests takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A vendor that does `serve` with each connection.
pub async fn connections<F, R>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// A vendor that reads a request's head, answers with these bytes, and closes.
pub async fn answering(bytes: impl Into<Vec<u8>>) -> SocketAddr {
    let bytes = Arc::new(bytes.into());
    connections(move |mut stream| {
        let bytes = Arc::clone(&bytes);
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    })
    .await
}

/// Reads to the end of a head; what it has read when the other side ends.
pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A port that nobody listens on.
pub fn refused() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A client that writes the bytes itself.
#[derive(Debug)]
pub struct Socket(TcpStream);

impl Socket {
    /// Connects.
    pub async fn connect(address: &str) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Writes all of it.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Writes as much as is taken: the other side may end before.
    pub async fn offer(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// The same, telling whether it could.
    pub async fn try_write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// The next bytes, at most so many; none at the end.
    pub async fn some(&mut self, most: usize) -> Vec<u8> {
        let mut piece = vec![0; most];
        let read = tokio::time::timeout(PATIENCE, self.0.read(&mut piece));
        let read = read.await.expect("something comes").unwrap();
        piece.truncate(read);
        piece
    }

    /// The next head.
    pub async fn head(&mut self) -> String {
        tokio::time::timeout(PATIENCE, head(&mut self.0))
            .await
            .expect("a head comes")
    }

    /// The next answer: its head, and its body by `Content-Length`.
    pub async fn answer(&mut self) -> (String, Vec<u8>) {
        let head = self.head().await;
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        let read = self.0.read_exact(&mut body);
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("a body comes")
            .unwrap();
        (head, body)
    }

    /// All that comes until the other side has closed; a reset is an end, too.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let mut piece = [0; 16 * 1024];
        let read = async {
            while let Ok(read @ 1..) = self.0.read(&mut piece).await {
                rest.extend_from_slice(&piece[..read]);
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("it ends");
        rest
    }
}
