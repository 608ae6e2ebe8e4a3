//! The breaker: it opens, it probes, it closes, and a vendor's circuits are apart.

use std::sync::Arc;

use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use leeward_vendors::{Call, Entry};
use serde_json::{Value, json as value};

use crate::harness::{Files, Leeward, RawVendor, json, turns, vendor};

fn provider(base_url: &str, lines: &str) -> Files {
    let lines =
        format!("base_url: {base_url}\nauth: {{type: none}}\nretry: {{max_attempts: 1}}\n{lines}");
    Files::new().provider("p", &lines)
}

/// The circuit of this key.
async fn circuit(leeward: &Leeward, key: &str) -> Value {
    let breakers = leeward.listed("breakers").await;
    let found = breakers.into_iter().find(|breaker| breaker["key"] == key);
    found.unwrap_or_default()
}

async fn state(leeward: &Leeward, key: &str) -> String {
    circuit(leeward, key).await["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Milliseconds from the opening to the next probe.
fn span(circuit: &Value) -> f64 {
    let time = |name: &str| -> jiff::Timestamp { circuit[name].as_str().unwrap().parse().unwrap() };
    (time("retry_at") - time("since"))
        .total(jiff::Unit::Millisecond)
        .unwrap()
}

/// Asks until the circuit lets the request through; its head.
async fn probe(leeward: Arc<Leeward>) -> http::Response<hyper::body::Incoming> {
    let open = |headers: &HeaderMap| {
        headers
            .get("leeward-error")
            .is_some_and(|code| code == "circuit_open")
    };
    loop {
        let answer = leeward.open(Method::GET, "/proxy/p/probe", &[]).await;
        if !open(answer.headers()) {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn failures_in_a_row_open_it_and_it_asks_nobody() {
    let vendor = vendor(|call: &Call| match call.head.uri.path() {
        "/fails" => json(500, value!({ "whose": "vendor" })),
        "/refuses" => json(404, value!({})),
        _ => json(200, value!({})),
    })
    .await;
    let lines = "breaker: {open_for: 10m, max_open_for: 10m}";
    let leeward = provider(&vendor.url(), lines).start().await;
    // Four, a success, four: no five in a row. A refusal decides nothing.
    for path in [
        "fails", "fails", "refuses", "fails", "fails", "fine", "fails", "fails", "refuses",
        "fails", "fails",
    ] {
        leeward.get(&format!("/proxy/p/{path}")).await;
    }
    assert_eq!(state(&leeward, "127.0.0.1").await, "closed");
    let fifth = leeward.get("/proxy/p/fails").await;
    assert_eq!(
        (fifth.status.as_u16(), fifth.json()),
        (500, value!({ "whose": "vendor" }))
    );
    assert_eq!(vendor.books().read(Entry::Requests), 12);

    let refused = leeward.get("/proxy/p/fine").await;
    let problem = refused.problem(503, "circuit_open");
    assert!(
        (1..=660).contains(&problem["retry_after"].as_u64().unwrap()),
        "{problem}"
    );
    let written = leeward.call(Method::POST, "/proxy/p/fine", &[], "{}").await;
    written.problem(503, "circuit_open");
    assert_eq!(vendor.books().read(Entry::Requests), 12);

    let circuit = circuit(&leeward, "127.0.0.1").await;
    assert_eq!(circuit["provider"], "p");
    assert_eq!(circuit["state"], "open");
    assert_eq!(circuit["failures"], 9);
    assert!(
        (595_000.0..=660_000.0).contains(&span(&circuit)),
        "{circuit}"
    );
    leeward
        .until("the gauge", async || {
            leeward
                .metric(r#"leeward_breakers{provider="p",state="open"}"#)
                .await
                > 0.5
        })
        .await;
    let opened = r#"leeward_breaker_transitions_total{provider="p",to="open"}"#;
    assert!((leeward.metric(opened).await - 1.0).abs() < f64::EPSILON);
    let told = r#"leeward_requests_total{operation="proxy",outcome="circuit_open",provider="p",source="live"}"#;
    assert!((leeward.metric(told).await - 2.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_probe_goes_alone_and_its_head_closes_it() {
    let raw = RawVendor::start().await;
    let lines = "breaker: {consecutive_failures: 1, open_for: 50ms, max_open_for: 10m}";
    let leeward = Arc::new(provider(&raw.url(), lines).start().await);
    let (failed, ()) = tokio::join!(leeward.get("/proxy/p/x"), async {
        raw.call().await.answer(500, &value!({})).await;
    });
    assert_eq!(failed.status, 500);
    let probing = tokio::spawn(probe(Arc::clone(&leeward)));
    let mut probe = raw.call().await;
    assert!(probe.head.starts_with("GET /probe "), "{}", probe.head);
    assert_eq!(state(&leeward, "127.0.0.1").await, "half_open");
    for _ in 0..3 {
        let refused = leeward.get("/proxy/p/x").await;
        refused.problem(503, "circuit_open");
        assert_eq!(refused.header("leeward-attempts"), Some("0"));
    }
    // Its head is enough: the body goes on for as long as it likes.
    probe.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n").await;
    let answer = probing.await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(state(&leeward, "127.0.0.1").await, "closed");
    let (served, ()) = tokio::join!(leeward.get("/proxy/p/x"), async {
        raw.call().await.answer(200, &value!({})).await;
    });
    served.live();
    probe.write("3\r\ndef\r\n0\r\n\r\n").await;
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "abcdef"
    );
    for to in ["open", "half_open", "closed"] {
        let series = format!(r#"leeward_breaker_transitions_total{{provider="p",to="{to}"}}"#);
        assert!(
            (leeward.metric(&series).await - 1.0).abs() < f64::EPSILON,
            "{to}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_gives_the_probe_back() {
    let raw = RawVendor::start().await;
    let lines = "breaker: {consecutive_failures: 1, open_for: 50ms, max_open_for: 10m}";
    let leeward = Arc::new(provider(&raw.url(), lines).start().await);
    tokio::join!(leeward.get("/proxy/p/x"), async {
        raw.call().await.answer(500, &value!({})).await;
    });
    let probing = tokio::spawn(probe(Arc::clone(&leeward)));
    let left = raw.call().await;
    probing.abort();
    left.hung_up().await;
    // The lease would run for 30 s: another request is let through at once.
    let probing = tokio::spawn(probe(Arc::clone(&leeward)));
    raw.call().await.answer(200, &value!({})).await;
    assert_eq!(probing.await.unwrap().status(), 200);
    assert_eq!(state(&leeward, "127.0.0.1").await, "closed");
}

#[tokio::test]
async fn each_reopening_doubles_the_time() {
    let vendor = vendor(turns(|_, _| json(500, value!({})))).await;
    let lines = "breaker: {consecutive_failures: 1, open_for: 2s, max_open_for: 10m}";
    let leeward = Arc::new(provider(&vendor.url(), lines).start().await);
    leeward.get("/proxy/p/x").await;
    let first = circuit(&leeward, "127.0.0.1").await;
    assert_eq!(probe(Arc::clone(&leeward)).await.status(), 500);
    let second = circuit(&leeward, "127.0.0.1").await;
    assert_eq!(
        (&first["state"], &second["state"]),
        (&value!("open"), &value!("open"))
    );
    assert_eq!(second["failures"], 2);
    assert!(span(&second) > 1.5 * span(&first), "{first} {second}");
    assert_eq!(vendor.books().read(Entry::Requests), 2);
}

#[tokio::test]
async fn it_is_closed_by_hand() {
    let vendor = vendor(turns(|turn, _| {
        json(if turn == 0 { 500 } else { 200 }, value!({}))
    }))
    .await;
    let lines = "breaker: {consecutive_failures: 1, open_for: 10m, max_open_for: 10m}";
    let leeward = provider(&vendor.url(), lines).start().await;
    leeward.get("/proxy/p/x").await;
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
    for path in [
        "/breakers/p/elsewhere/reset",
        "/breakers/q/127.0.0.1/reset",
        "/breakers/elsewhere/reset",
    ] {
        assert_eq!(
            leeward.admin(Method::POST, path, None).await.status,
            404,
            "{path}"
        );
    }
    let reset = leeward
        .admin(Method::POST, "/breakers/p/127.0.0.1/reset", None)
        .await;
    assert_eq!(reset.status, 204);
    assert_eq!(state(&leeward, "127.0.0.1").await, "closed");
    leeward.get("/proxy/p/x").await.live();
}

#[tokio::test]
async fn it_is_closed_by_hand_by_its_key_alone() {
    let vendor = vendor(turns(|turn, _| {
        json(if turn == 0 { 500 } else { 200 }, value!({}))
    }))
    .await;
    let lines =
        "breaker: {by: provider, consecutive_failures: 1, open_for: 10m, max_open_for: 10m}";
    let leeward = provider(&vendor.url(), lines).start().await;
    leeward.get("/proxy/p/x").await;
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
    assert_eq!(
        leeward
            .admin(Method::POST, "/breakers/p/reset", None)
            .await
            .status,
        204
    );
    leeward.get("/proxy/p/x").await.live();
}

#[tokio::test]
async fn circuits_are_apart_by_host_by_account_or_not_at_all() {
    let vendor = vendor(|call: &Call| {
        let fails = call.head.uri.path() == "/fails";
        json(if fails { 500 } else { 200 }, value!({}))
    })
    .await;
    let port = vendor.address().port();
    let with = |by: &str| {
        format!(
            "base_url: http://127.0.0.1:{port}\nbases: {{other: 'http://localhost:{port}'}}\nauth: {{type: none}}\n\
             retry: {{max_attempts: 1}}\nbreaker: {{by: {by}, consecutive_failures: 1, open_for: 10m, max_open_for: 10m}}"
        )
    };
    let leeward = Files::new()
        .provider("host", &with("host"))
        .provider("account", &with("account"))
        .provider("provider", &with("provider"))
        .account("h", "provider: host")
        .account("a1", "provider: account")
        .account("a2", "provider: account")
        .account("p1", "provider: provider")
        .account("p2", "provider: provider")
        .start()
        .await;
    // (who fails, whom it concerns, whom it does not)
    let fails = async |account: &str, path: &str| {
        assert_eq!(
            leeward
                .get_as(account, &format!("{path}/fails"))
                .await
                .status,
            500
        );
    };
    let open = async |account: &str, path: &str| {
        leeward
            .get_as(account, &format!("{path}/x"))
            .await
            .problem(503, "circuit_open");
    };
    let closed = async |account: &str, path: &str| {
        leeward.get_as(account, &format!("{path}/x")).await.live();
    };
    fails("h", "/proxy/host:other").await;
    open("h", "/proxy/host:other").await;
    closed("h", "/proxy/host").await;
    assert_eq!(state(&leeward, "localhost").await, "open");

    fails("a1", "/proxy/account").await;
    open("a1", "/proxy/account:other").await;
    closed("a2", "/proxy/account").await;
    assert_eq!(state(&leeward, "a1").await, "open");

    fails("p1", "/proxy/provider").await;
    open("p2", "/proxy/provider:other").await;
    assert_eq!(state(&leeward, "provider").await, "open");
    closed("h", "/proxy/host").await;
}

#[tokio::test]
async fn a_body_that_dies_counts() {
    let raw = RawVendor::start().await;
    let lines = "breaker: {consecutive_failures: 1, open_for: 10m, max_open_for: 10m}";
    let leeward = provider(&raw.url(), lines).start().await;
    let (answer, mut call) = tokio::join!(leeward.open(Method::GET, "/proxy/p/x", &[]), async {
        let mut call = raw.call().await;
        call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            .await;
        call
    });
    assert_eq!(answer.status(), 200);
    assert_eq!(state(&leeward, "127.0.0.1").await, "closed");
    call.write("3\r\nde").await;
    call.reset();
    assert!(
        answer.into_body().collect().await.is_err(),
        "a torn body must not look whole"
    );
    leeward
        .until("it opens", async || {
            state(&leeward, "127.0.0.1").await == "open"
        })
        .await;
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
}
