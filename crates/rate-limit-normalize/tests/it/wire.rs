//! Both layers around a plain client, over loopback.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_rate_limit_normalize::{
    By, Gate, GateLayer, Limited, NoHooks, NoInspect, NormalizeLayer, OnLimit, OneAccount,
    RuleSpec, Rules, Settings,
};
use tower::{Layer, ServiceExt};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves what `answer` makes of the number of the request.
async fn vendor(
    answer: impl Fn(usize) -> Response<Full<Bytes>> + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (calls, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (calls, answer) = (Arc::clone(&counted), Arc::clone(&answer));
            let service = hyper::service::service_fn(move |_: Request<Incoming>| {
                let response = answer(calls.fetch_add(1, Ordering::SeqCst));
                async move { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    (address, calls)
}

fn json(status: u16, body: &'static str) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap()
}

fn get(address: SocketAddr) -> Request<Empty<Bytes>> {
    Request::get(format!("http://{address}/x"))
        .body(Empty::new())
        .unwrap()
}

fn rules() -> Arc<Rules> {
    let spec = serde_json::json!([{
        "id": "slow", "when": {"status": 403, "body": {"/code": "SLOW"}}, "scope": "burst",
        "wait": [{"body": "/ms", "format": "millis"}], "fallback": {"seconds": 100},
    }]);
    let specs: Vec<RuleSpec> = serde_json::from_value(spec).unwrap();
    Arc::new(Rules::compile(&specs, &NoHooks).unwrap())
}

#[tokio::test]
async fn a_403_that_means_slow_down_closes_the_gate() {
    let (address, calls) = vendor(|_| json(403, r#"{"code":"SLOW"}"#)).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let gate = Gate::new(Settings::default());
    let caller = OneAccount::new("acme");
    let inside = NormalizeLayer::new(rules(), gate.clone(), caller.clone(), NoInspect);
    let outside = GateLayer::reject(gate, caller);
    let service = outside.layer(inside.layer(client.map_err(BoxError::from)));

    let refused = service
        .clone()
        .oneshot(get(address))
        .await
        .expect_err("limited");
    let limited = refused.limited().unwrap();
    assert_eq!(
        (limited.by, limited.upstream_status),
        (By::Vendor, Some(StatusCode::FORBIDDEN))
    );
    assert_eq!(
        limited.upstream_body.as_deref(),
        Some(&br#"{"code":"SLOW"}"#[..])
    );
    let refused = service.oneshot(get(address)).await.expect_err("limited");
    assert_eq!(refused.limited().unwrap().by, By::Gate);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_that_may_wait_is_repeated() {
    let (address, calls) = vendor(|call| match call {
        0 => json(403, r#"{"code":"SLOW","ms":40}"#),
        _ => json(200, r#"{"ok":true}"#),
    })
    .await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let gate = Gate::new(Settings::default());
    let caller = OneAccount::default();
    let inside = NormalizeLayer::new(rules(), gate.clone(), caller.clone(), NoInspect);
    let wait = OnLimit::Wait(Duration::from_secs(30));
    let outside = GateLayer::new(gate, caller, wait, |request: &Request<Empty<Bytes>>| {
        Request::get(request.uri()).body(Empty::new()).ok()
    });
    let service = outside.layer(inside.layer(client.map_err(BoxError::from)));
    let response = service.oneshot(get(address)).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"ok":true}"#);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}
