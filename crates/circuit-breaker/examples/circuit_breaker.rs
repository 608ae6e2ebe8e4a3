//! A hyper-util client with a circuit breaker around it, against a server that is well, falls ill,
//! and recovers.
//!
//! `cargo run -p leeward-circuit-breaker --example circuit_breaker`

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_circuit_breaker::{
    AdmitLayer, Breakers, CircuitOpen, Observe, RefuseLayer, ServerErrors, Settings, State,
};
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_layer::Layer;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

struct Print;

impl Observe for Print {
    fn transition(&self, key: &str, from: State, to: State) {
        println!("        -- {key}: {from:?} -> {to:?}");
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (address, peer) = serve().await?;
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();

    let breakers = Breakers::new(Settings {
        consecutive_failures: NonZeroU32::new(3),
        open_for: Duration::from_millis(500),
        ..Settings::default()
    })
    .observe(Arc::new(Print));
    let by_host =
        |request: &Request<Empty<Bytes>>| Arc::from(request.uri().host().unwrap_or_default());
    let client = client.map_err(BoxError::from);
    let client = AdmitLayer::new(breakers.clone(), by_host, ServerErrors).layer(client);
    let client = RefuseLayer::new(breakers, by_host).layer(client);

    for step in 0..16 {
        peer.ill.store((3..9).contains(&step), Ordering::Relaxed);
        let request = Request::get(format!("http://{address}/")).body(Empty::new())?;
        match client.clone().oneshot(request).await {
            Ok(response) => println!("{step:>2}: {}", response.status()),
            Err(error) => match error.downcast_ref::<CircuitOpen>() {
                Some(open) => println!("{step:>2}: refused, again in {:?}", open.retry_after),
                None => println!("{step:>2}: {error}"),
            },
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let asked = peer.asked.load(Ordering::Relaxed);
    println!("16 requests, of which the server saw {asked}");
    Ok(())
}

#[derive(Default)]
struct Peer {
    ill: AtomicBool,
    asked: AtomicU32,
}

async fn serve() -> Result<(SocketAddr, Arc<Peer>), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let peer = Arc::new(Peer::default());
    let serving = Arc::clone(&peer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let peer = Arc::clone(&serving);
            let service = hyper::service::service_fn(move |_| {
                peer.asked.fetch_add(1, Ordering::Relaxed);
                let mut response = Response::new(Empty::<Bytes>::new());
                if peer.ill.load(Ordering::Relaxed) {
                    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                }
                std::future::ready(Ok::<_, Infallible>(response))
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Ok((address, peer))
}
