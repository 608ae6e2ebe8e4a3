//! A client that is answered for while its vendor is away.
//!
//! `cargo run -p leeward-fallback --example vendor_goes_away`
#![expect(clippy::unwrap_used, reason = "an example may panic")]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_fallback::{Answers, FallbackLayer, Key, Observe, Policy, Served, Settings};
use tower::{ServiceBuilder, ServiceExt};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
struct Reads;

impl<B, RB> Policy<B, RB, BoxError> for Reads {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        Key::of("acme", &[http::header::ACCEPT], request)
    }

    fn failed(&self, result: Result<&Response<RB>, &BoxError>) -> bool {
        result.is_err() || result.is_ok_and(|response| response.status().is_server_error())
    }
}

struct Print;

impl Observe for Print {
    fn served(&self, age: Duration) {
        println!("  … away: what it said {} s ago", age.as_secs());
    }
}

#[tokio::main]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Answers two connections, then closes its door.
    tokio::spawn(async move {
        for n in 1..=2 {
            let (socket, _) = listener.accept().await.unwrap();
            let service = hyper::service::service_fn(move |_: Request<Incoming>| async move {
                let body = Full::new(Bytes::from(format!("contact, version {n}")));
                Ok::<_, Infallible>(Response::new(body))
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .keep_alive(false)
                .serve_connection(TokioIo::new(socket), service)
                .await;
        }
    });

    let client = Client::builder(TokioExecutor::new()).build_http();
    let service = ServiceBuilder::new()
        .layer(
            FallbackLayer::new(Answers::new(Settings::default()), Reads).observe(Arc::new(Print)),
        )
        .map_err(BoxError::from)
        .service(client);
    for path in ["/contacts/1", "/contacts/1", "/contacts/1", "/contacts/2"] {
        let uri = format!("http://{address}{path}");
        println!("GET {path}");
        let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        match service.clone().oneshot(request).await {
            Ok(response) => {
                let served = response.extensions().get::<Served>().is_some();
                let body = response.into_body().collect().await.unwrap().to_bytes();
                let from = if served { "kept" } else { "live" };
                println!("  {} ({from})", String::from_utf8_lossy(&body));
            }
            Err(error) => println!("  {error}: and nothing is known of it"),
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
