//! What the layer costs a call that succeeds: ns per call beside the bare service, in one run, in
//! turns. `cargo bench -p leeward-fallback`.
#![expect(clippy::unwrap_used, reason = "a bench may panic")]

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use leeward_fallback::{Answers, FallbackLayer, Key, Policy, Settings};
use tower::Service;
use tower_layer::Layer;

const ROUNDS: usize = 100;
const CALLS: u32 = 2_000;

#[derive(Clone)]
struct Reads;

impl<B, RB, E> Policy<B, RB, E> for Reads {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        const VARY: [http::HeaderName; 2] = [http::header::ACCEPT, http::header::ACCEPT_LANGUAGE];
        Key::of("acme", &VARY, request)
    }

    fn failed(&self, result: Result<&Response<RB>, &E>) -> bool {
        result.is_err() || result.is_ok_and(|response| response.status().is_server_error())
    }
}

fn request(method: &Method) -> Request<Empty<Bytes>> {
    Request::builder()
        .method(method)
        .uri("/crm/v3/objects/contacts?limit=100")
        .header("host", "localhost")
        .header("accept", "application/json")
        .header("accept-encoding", "gzip, br")
        .header("user-agent", "bench/1")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .header("leeward-account", "acme")
        .body(Empty::new())
        .unwrap()
}

async fn nanos<S, RB>(service: &mut S, method: &Method) -> f64
where
    S: Service<Request<Empty<Bytes>>, Response = Response<RB>, Error = Infallible>,
    RB: http_body::Body<Data = Bytes> + Unpin,
{
    let start = Instant::now();
    for _ in 0..CALLS {
        std::future::poll_fn(|cx| service.poll_ready(cx)).await.ok();
        let mut response = service.call(request(method)).await.unwrap();
        while let Some(Ok(frame)) = response.frame().await {
            black_box(&frame);
        }
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// The best round: what else runs on the machine only ever adds.
fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("ns per call (best of {ROUNDS} rounds), the request's making included");
    for (name, method, size) in [
        ("POST, no read", Method::POST, 1024),
        ("GET, 1 KiB kept", Method::GET, 1024),
        ("GET, 64 KiB kept", Method::GET, 64 * 1024),
    ] {
        let body = Bytes::from(vec![b'x'; size]);
        let answer = move |_| {
            let response = Response::builder()
                .header("content-type", "application/json")
                .header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
                .header("etag", "\"1\"")
                .body(Full::new(body.clone()))
                .unwrap();
            std::future::ready(Ok::<_, Infallible>(response))
        };
        let mut bare = tower::service_fn(answer.clone());
        let mut fallback = FallbackLayer::new(Answers::new(Settings::default()), Reads)
            .layer(tower::service_fn(answer.clone()));
        let off = Settings {
            fallback_for: std::time::Duration::ZERO,
            ..Settings::default()
        };
        let mut off = FallbackLayer::new(Answers::new(off), Reads).layer(tower::service_fn(answer));
        let (mut without, mut with, mut disabled) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            without.push(nanos(&mut bare, &method).await);
            with.push(nanos(&mut fallback, &method).await);
            disabled.push(nanos(&mut off, &method).await);
        }
        let (without, with, disabled) = (least(&without), least(&with), least(&disabled));
        println!(
            "{name:18} bare {without:5.0}   fallback {with:5.0} (+{:.0} ns, ratio {:.2})   switched off {disabled:5.0} (ratio {:.2})",
            with - without,
            with / without,
            disabled / without,
        );
    }
}
