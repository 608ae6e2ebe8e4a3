//! A client that repeats what may be repeated, in front of a vendor that fails every other call.
//!
//! `cargo run -p leeward-retry --example flaky_vendor`
#![expect(clippy::unwrap_used, reason = "an example may panic")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_retry::{Advice, BoxError, Observe, Policy, RetryBudget, RetryLayer, Settings};
use tower::{ServiceBuilder, ServiceExt};

#[derive(Clone)]
struct Idempotent;

impl<RB> Policy<RB, BoxError> for Idempotent {
    fn may_repeat<B>(&self, request: &Request<B>) -> bool {
        request.method().is_idempotent() || request.headers().contains_key("idempotency-key")
    }

    fn advise(&self, repeatable: bool, result: Result<&Response<RB>, &BoxError>) -> Advice {
        let (reason, not_before) = match result {
            Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                let wait = response.headers().get("retry-after");
                let wait = wait.and_then(|value| value.to_str().ok()?.parse().ok());
                ("503", wait.map(Duration::from_secs))
            }
            Ok(_) => return Advice::Done,
            Err(_) => ("connection", None),
        };
        // A connection that could not be made has not carried a byte of the request.
        let never_sent = result.err().is_some_and(|error| {
            let error = error.downcast_ref::<hyper_util::client::legacy::Error>();
            error.is_some_and(hyper_util::client::legacy::Error::is_connect)
        });
        if repeatable || never_sent {
            Advice::Repeat {
                reason,
                not_before,
                never_sent,
            }
        } else {
            Advice::Done
        }
    }

    fn torn(&self, source: BoxError) -> BoxError {
        source
    }
}

struct Print;

impl Observe for Print {
    fn retry(&self, reason: &'static str) {
        println!("  … {reason}: once more");
    }
}

/// Answers, then fails, then answers …
async fn vendor(calls: Arc<AtomicUsize>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let calls = Arc::clone(&calls);
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let call = calls.fetch_add(1, Ordering::Relaxed);
                async move {
                    let body = request
                        .into_body()
                        .collect()
                        .await
                        .map(|all| all.to_bytes());
                    let mut response = Response::new(Full::new(body.unwrap_or_default()));
                    if call.is_multiple_of(2) {
                        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                    }
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service),
            );
        }
    });
    address
}

#[tokio::main]
async fn main() {
    let calls = Arc::new(AtomicUsize::new(0));
    let address = vendor(Arc::clone(&calls)).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let service = ServiceBuilder::new()
        .layer(
            RetryLayer::new(Settings::default(), Idempotent, RetryBudget::default())
                .observe(Arc::new(Print)),
        )
        .map_err(BoxError::from)
        .service(client);

    let kinds = [
        (Method::GET, None),
        (Method::PUT, None),
        (Method::POST, None),
        (Method::POST, None),
        (Method::POST, Some("order-17")),
    ];
    for (method, key) in kinds {
        println!("{method} {}", key.map_or("", |_| "with an Idempotency-Key"));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{address}/orders"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request
            .body(Full::new(Bytes::from_static(b"{\"n\":1}")))
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        println!("  {}", response.status());
    }
    println!("the vendor saw {} calls", calls.load(Ordering::Relaxed));
}
