//! A hyper-util client with a bulkhead around it: one account floods a server that bears two calls
//! at once, and another still comes through.
//!
//! `cargo run -p leeward-bulkhead --example bulkhead`

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_bulkhead::{Bulkhead, BulkheadLayer, Settings};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt;
use tower_layer::Layer;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
struct Account(Arc<str>);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (address, most) = serve().await?;
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();

    let bulkhead = Bulkhead::new(Settings {
        max_in_flight: 2,
        per_account: 1,
        max_waiting: 4,
        max_wait: Duration::from_millis(350),
    });
    let account = |request: &Request<Empty<Bytes>>| {
        let account = request.extensions().get::<Account>()?;
        Some(Arc::clone(&account.0))
    };
    let client = client.map_err(BoxError::from);
    let client = BulkheadLayer::new(bulkhead.clone(), account).layer(client);

    let began = Instant::now();
    let mut calls = JoinSet::new();
    for name in [
        "flood", "flood", "flood", "flood", "flood", "flood", "calm", "calm",
    ] {
        let client = client.clone();
        calls.spawn(async move {
            let mut request = Request::get(format!("http://{address}/")).body(Empty::new())?;
            request.extensions_mut().insert(Account(Arc::from(name)));
            let answer = client.oneshot(request).await;
            let millis = began.elapsed().as_millis();
            match answer {
                Ok(response) => {
                    response.into_body().collect().await?;
                    println!("{millis:>4} ms  {name:<5}  answered");
                }
                Err(refused) => println!("{millis:>4} ms  {name:<5}  {refused}"),
            }
            Ok::<_, BoxError>(())
        });
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    println!(
        "the server never saw more than {} at once",
        most.load(Ordering::Relaxed)
    );
    println!(
        "left: {} in flight, {} waiting",
        bulkhead.in_flight(),
        bulkhead.waiting()
    );
    Ok(())
}

async fn serve() -> Result<(SocketAddr, Arc<AtomicUsize>), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let most = Arc::new(AtomicUsize::new(0));
    let (seen, now) = (Arc::clone(&most), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, now) = (Arc::clone(&seen), Arc::clone(&now));
            let service = hyper::service::service_fn(move |_| {
                let (seen, now) = (Arc::clone(&seen), Arc::clone(&now));
                async move {
                    seen.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    now.fetch_sub(1, Ordering::Relaxed);
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(
                        b"here you are",
                    ))))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Ok((address, most))
}
