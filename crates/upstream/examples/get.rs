//! What the client says about servers that answer, refuse, break off, and are not allowed.
//!
//! `cargo run -p leeward-upstream --example get [-- URL]`

use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use leeward_upstream::{Client, HostPolicy, PrivateHosts, Settings, TlsIdentity};
use leeward_wire::HostPatterns;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::ServiceExt;

type GetClient = Client<Empty<Bytes>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (settings, identity) = (Settings::default(), TlsIdentity::default());
    let client = GetClient::new(settings.clone(), &identity, HostPolicy::unrestricted())?;
    if let Some(url) = std::env::args().nth(1) {
        get(&client, "given", &url).await?;
        return Ok(());
    }

    let good = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await?;
    let broken = serve(b"").await?;
    let garbage = serve(b"+OK POP3 server ready\r\n").await?;
    let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    get(&client, "answers", &format!("http://{good}/")).await?;
    get(&client, "breaks off", &format!("http://{broken}/")).await?;
    get(&client, "is no HTTP", &format!("http://{garbage}/")).await?;
    get(&client, "is not there", &format!("http://{nobody}/")).await?;
    get(&client, "has no TLS", &format!("https://{garbage}/")).await?;

    // `*` allows every public host, and so not this one.
    let policy = HostPolicy {
        patterns: HostPatterns::any(),
        private: PrivateHosts::Deny,
    };
    let strict = GetClient::new(settings, &identity, policy)?;
    get(&strict, "is private", &format!("http://{good}/")).await
}

async fn get(client: &GetClient, what: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let request = Request::get(url).body(Empty::new())?;
    match client.clone().oneshot(request).await {
        Ok(response) => {
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            println!("{what:>12}: {status}, {} bytes", body.len());
        }
        Err(error) => println!(
            "{what:>12}: {:?}, {}: {error}",
            error.kind(),
            if error.never_sent() {
                "never sent"
            } else {
                "may have been sent"
            },
        ),
    }
    Ok(())
}

/// A server that answers every request with these bytes and closes.
async fn serve(answer: &'static [u8]) -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(answer).await;
            });
        }
    });
    Ok(address)
}
