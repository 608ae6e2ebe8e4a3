//! A connection pooler in transaction mode, reduced to what hurts: every client has two server
//! connections, and each transaction is sent to the one that did not have the last.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Pooler {
    pub(crate) port: u16,
    switched: Arc<AtomicUsize>,
}

impl Pooler {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let switched = Arc::new(AtomicUsize::new(0));
        let counter = switched.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counter = counter.clone();
                tokio::spawn(async move {
                    // A client or server that goes ends it.
                    let _ = serve(client, server, &counter).await;
                });
            }
        });
        Self { port, switched }
    }

    pub(crate) fn switched(&self) -> usize {
        self.switched.load(Ordering::Relaxed)
    }
}

async fn serve(mut client: TcpStream, server: u16, switched: &AtomicUsize) -> io::Result<()> {
    client.set_nodelay(true)?;
    // The start-up packet has a length and no type.
    let length = client.read_u32().await?;
    let mut startup = length.to_be_bytes().to_vec();
    startup.resize(usize::try_from(length).unwrap(), 0);
    client.read_exact(&mut startup[4..]).await?;
    for refused in ["extra_float_digits", "options"] {
        // As a pooler does with parameters that it does not know.
        assert!(
            !contains(&startup, refused.as_bytes()),
            "{refused} in the start-up packet"
        );
    }

    let mut servers = Vec::new();
    for number in 0..2 {
        let mut connection = TcpStream::connect(("127.0.0.1", server)).await?;
        connection.set_nodelay(true)?;
        connection.write_all(&startup).await?;
        loop {
            let (kind, message) = read(&mut connection).await?;
            if number == 0 {
                client.write_all(&message).await?;
            }
            if kind == b'Z' {
                break;
            }
        }
        servers.push(connection);
    }

    let mut turn = 0;
    loop {
        // What the client asks, to the point at which it waits for the answer.
        loop {
            let (kind, message) = read(&mut client).await?;
            if kind == b'X' {
                return Ok(());
            }
            servers[turn].write_all(&message).await?;
            if kind == b'S' || kind == b'Q' {
                break;
            }
        }
        // The answer, which ends by saying whether a transaction is open.
        loop {
            let (kind, message) = read(&mut servers[turn]).await?;
            client.write_all(&message).await?;
            if kind == b'Z' {
                if message.last() == Some(&b'I') {
                    turn = 1 - turn;
                    switched.fetch_add(1, Ordering::Relaxed);
                }
                break;
            }
        }
    }
}

/// One message: a type, and a length that counts itself.
async fn read(from: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let mut message = vec![kind];
    message.extend_from_slice(&length.to_be_bytes());
    message.resize(1 + usize::try_from(length).unwrap(), 0);
    from.read_exact(&mut message[5..]).await?;
    Ok((kind, message))
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}
