//! What the layer costs a request that succeeds at once: ns per call beside the bare service, in
//! one run, in turns. `cargo bench -p leeward-retry`.
#![expect(clippy::unwrap_used, reason = "a bench may panic")]

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use leeward_retry::{Advice, BoxError, Policy, ReplayBody, RetryBudget, RetryLayer, Settings};
use tower::Service;
use tower_layer::Layer;

const ROUNDS: usize = 100;
const CALLS: u32 = 2_000;

#[derive(Clone)]
struct Idempotent;

impl<RB> Policy<RB, Infallible> for Idempotent {
    fn may_repeat<B>(&self, request: &Request<B>) -> bool {
        request.method().is_idempotent()
    }

    fn advise(&self, _: bool, result: Result<&Response<RB>, &Infallible>) -> Advice {
        match result {
            Ok(response) if response.status().is_server_error() => Advice::Repeat {
                reason: "5xx",
                not_before: None,
                never_sent: false,
            },
            _ => Advice::Done,
        }
    }

    fn torn(&self, _: BoxError) -> Infallible {
        unreachable!("nothing is torn here")
    }
}

/// A request as an application sends it: eight headers.
fn request(method: &Method, body: &Bytes) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri("http://api.example.com/crm/v3/objects/contacts?limit=100")
        .header("host", "api.example.com")
        .header("accept", "application/json")
        .header("accept-encoding", "gzip, br")
        .header("authorization", "Bearer 0123456789abcdef")
        .header("content-type", "application/json")
        .header("user-agent", "bench/1")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .header("x-request-id", "4f6c2e9a")
        .body(Full::new(body.clone()))
        .unwrap()
}

/// Reads the request's body as a connection would, and answers with a few bytes.
async fn answer<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut body = request.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        black_box(&frame);
    }
    Ok(Response::new(Full::new(Bytes::from_static(b"{\"id\":1}"))))
}

/// The bare service behind a copy of the head: what whoever repeats a request cannot save.
async fn copying(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let head = (
        request.method().clone(),
        request.uri().clone(),
        request.headers().clone(),
        request.extensions().clone(),
    );
    let response = answer(request).await;
    black_box(head);
    response
}

async fn nanos<S, RB>(service: &mut S, method: &Method, body: &Bytes) -> f64
where
    S: Service<Request<Full<Bytes>>, Response = Response<RB>>,
{
    let start = Instant::now();
    for _ in 0..CALLS {
        std::future::poll_fn(|cx| service.poll_ready(cx)).await.ok();
        black_box(service.call(request(method, body)).await.ok());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// The best round: what else runs on the machine only ever adds.
fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let layer = |settings| RetryLayer::new(settings, Idempotent, RetryBudget::default());
    let inner = tower::service_fn(answer::<ReplayBody<Full<Bytes>>>);
    let mut bare = tower::service_fn(answer::<Full<Bytes>>);
    let mut copying = tower::service_fn(copying);
    let mut retry = layer(Settings::default()).layer(inner);
    let mut off = layer(Settings {
        max_attempts: 1,
        ..Settings::default()
    })
    .layer(inner);

    println!("ns per call (best of {ROUNDS} rounds), the request's making included");
    let kinds = [
        ("GET, no body", Method::GET, Bytes::new()),
        (
            "PUT, 1 KiB, kept",
            Method::PUT,
            Bytes::from(vec![b'x'; 1024]),
        ),
        (
            "POST, 1 KiB, never repeated",
            Method::POST,
            Bytes::from(vec![b'x'; 1024]),
        ),
    ];
    for (name, method, body) in kinds {
        let (mut without, mut copied) = (vec![], vec![]);
        let (mut with, mut disabled) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            without.push(nanos(&mut bare, &method, &body).await);
            copied.push(nanos(&mut copying, &method, &body).await);
            with.push(nanos(&mut retry, &method, &body).await);
            disabled.push(nanos(&mut off, &method, &body).await);
        }
        let [without, copied, with, disabled] =
            [&without, &copied, &with, &disabled].map(|rounds| least(rounds));
        println!(
            "{name:28} bare {without:5.0}   and a copied head {copied:5.0}   retry {with:5.0} (+{:.0} ns, ratio {:.2})   max_attempts: 1 {disabled:5.0} (ratio {:.2})",
            with - without,
            with / without,
            disabled / without,
        );
    }
}
