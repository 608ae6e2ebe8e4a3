//! A vendor that says "slow down" in its own way, and a client that understands.
//!
//! `cargo run -p leeward-rate-limit-normalize --example slow_down`

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_rate_limit_normalize::{
    Gate, GateLayer, Limited, NoHooks, NoInspect, NormalizeLayer, OnLimit, OneAccount, RuleSpec,
    Rules, Settings, retry_after,
};
use tower::{Layer, ServiceExt};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the vendor's documentation says, as data.
const RULES: &str = r#"[{
    "id": "burst",
    "when": {"status": 403, "body": {"/errors/*/code": "SLOW_DOWN"}},
    "scope": "burst",
    "wait": [{"header": "X-Reset-After-Ms", "format": "millis"}]
}]"#;

/// Every third call is one too many: a 403 with a code in its body and milliseconds in a header.
fn answer(call: usize) -> Response<Full<Bytes>> {
    let limited = call % 3 == 2;
    let body = if limited {
        r#"{"errors":[{"code":"SLOW_DOWN"}]}"#
    } else {
        r#"{"ok":true}"#
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    if limited {
        headers.insert("x-reset-after-ms", http::HeaderValue::from_static("400"));
        *response.status_mut() = http::StatusCode::FORBIDDEN;
    }
    response
}

async fn vendor(calls: Arc<AtomicUsize>) -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let calls = Arc::clone(&calls);
            let service = hyper::service::service_fn(move |_: Request<Incoming>| {
                let response = answer(calls.fetch_add(1, Ordering::SeqCst));
                async move { Ok::<_, Infallible>(response) }
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

fn get(address: SocketAddr) -> Result<Request<Empty<Bytes>>, http::Error> {
    Request::get(format!("http://{address}/contacts")).body(Empty::new())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let calls = Arc::new(AtomicUsize::new(0));
    let address = vendor(Arc::clone(&calls)).await?;
    let specs: Vec<RuleSpec> = serde_json::from_str(RULES)?;
    let rules = Rules::compile(&specs, &NoHooks).map_err(|faults| format!("{faults:?}"))?;

    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let gate = Gate::new(Settings::default());
    let caller = OneAccount::new("acme");
    let normalize = NormalizeLayer::new(Arc::new(rules), gate.clone(), caller.clone(), NoInspect);
    let client = normalize.layer(client.map_err(BoxError::from));

    println!("refused at once:");
    let rejecting = GateLayer::reject(gate.clone(), caller.clone()).layer(client.clone());
    for request in 1..=5 {
        match rejecting.clone().oneshot(get(address)?).await {
            Ok(response) => println!("  {request}: {}", response.status()),
            Err(error) => {
                let limited = error.limited().ok_or("another failure")?;
                let seconds = retry_after(limited.retry_after);
                println!(
                    "  {request}: 429, Retry-After: {seconds} (says the {}: {:?} left)",
                    limited.by, limited.retry_after
                );
            }
        }
    }
    println!("the vendor saw {} of 5", calls.load(Ordering::SeqCst));

    println!("held for up to 2 s, and repeated:");
    let copy =
        |request: &Request<Empty<Bytes>>| Request::get(request.uri()).body(Empty::new()).ok();
    let wait = OnLimit::Wait(Duration::from_secs(2));
    let waiting = GateLayer::new(gate, caller, wait, copy).layer(client);
    for request in 1..=5 {
        let began = Instant::now();
        let response = waiting.clone().oneshot(get(address)?).await?;
        println!(
            "  {request}: {} after {:?}",
            response.status(),
            began.elapsed()
        );
    }
    Ok(())
}
