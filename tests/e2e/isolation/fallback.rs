//! The last good answer in the place of a failure.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode};
use leeward_vendors::{Call, Reply, Server};
use serde_json::json as value;

use super::{in_flight, provider, requests};
use crate::harness::{Answer, Leeward, RawVendor, json, vendor};

/// Answers well with a text of the path, until the query says how it fails.
fn failing(call: &Call) -> Reply {
    let path = call.head.uri.path().to_owned();
    let mode = call
        .head
        .headers
        .get("x-mode")
        .map(|mode| mode.to_str().unwrap());
    let good = |path: &str| {
        json(200, value!({ "path": path, "bearer": call.bearer() }))
            .header("x-own", HeaderValue::from_static("kept"))
    };
    match mode {
        None => match path.as_str() {
            "/no-store" => good(&path).header(
                "cache-control",
                HeaderValue::from_static("private, no-store"),
            ),
            "/cookie" => good(&path).header("set-cookie", HeaderValue::from_static("a=b")),
            "/never-stale" => good(&path).header(
                "cache-control",
                HeaderValue::from_static("max-age=0, stale-if-error=0"),
            ),
            "/part" => {
                let Reply::Answer(mut part) = good(&path) else {
                    unreachable!()
                };
                *part.status_mut() = StatusCode::PARTIAL_CONTENT;
                Reply::Answer(part)
            }
            _ => good(&path),
        },
        Some("hang") => Reply::Hang,
        Some("close") => Reply::Close,
        Some("torn") => Reply::Torn(Response::new(Bytes::from("0123456789")), 4),
        Some("limit") => json(429, value!({})).header("retry-after", 900),
        Some(status) => json(status.parse().unwrap(), value!({ "failed": true })),
    }
}

#[track_caller]
fn kept(answer: &Answer, path: &str) {
    let seen = (
        answer.status.as_u16(),
        answer.header("leeward-source"),
        answer.header("leeward-error"),
    );
    assert_eq!(seen, (200, Some("cache"), None), "{}", answer.text());
    assert_eq!(answer.json()["path"], path);
    assert_eq!(answer.header("x-own"), Some("kept"));
    let age: u64 = answer.header("age").expect("an age").parse().unwrap();
    assert!(age < 60);
}

async fn start(vendor: &Server, lines: &str) -> Leeward {
    let lines = format!("retry: {{max_attempts: 1}}\ntimeout: {{response: 2s}}\n{lines}");
    let files = provider(&vendor.url(), &lines);
    files
        .account("a", "provider: p")
        .account("b", "provider: p")
        .start()
        .await
}

async fn get(leeward: &Leeward, path: &str, headers: &[(&str, &str)]) -> Answer {
    leeward
        .call(Method::GET, &format!("/proxy/p{path}"), headers, "")
        .await
}

#[tokio::test]
async fn the_last_good_answer_stands_in_for_a_failure() {
    let vendor = vendor(failing).await;
    let lines = "cache: {}\nbreaker: {consecutive_failures: 4, open_for: 10m, max_open_for: 10m}";
    let leeward = start(&vendor, lines).await;
    assert_eq!(
        get(&leeward, "/x?q=1", &[]).await.live().header("age"),
        None
    );
    for mode in ["500", "503", "hang", "close"] {
        let served = get(&leeward, "/x?q=1", &[("x-mode", mode)]).await;
        kept(&served, "/x");
        assert_eq!(served.header("leeward-attempts"), Some("1"), "{mode}");
    }
    // Four failures: the circuit is open, and the answer is served without a call.
    let served = get(&leeward, "/x?q=1", &[]).await;
    kept(&served, "/x");
    assert_eq!(
        (served.header("leeward-attempts"), requests(&vendor)),
        (Some("0"), 5)
    );
    // What was never read has nothing to stand in for it.
    get(&leeward, "/y", &[]).await.problem(503, "circuit_open");
    let counted =
        r#"leeward_requests_total{operation="proxy",outcome="ok",provider="p",source="cache"}"#;
    assert!((leeward.metric(counted).await - 5.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn it_stands_in_for_an_answer_that_broke_off_each_time() {
    let vendor = vendor(failing).await;
    let leeward = provider(&vendor.url(), "cache: {}").start().await;
    get(&leeward, "/x", &[]).await.live();
    let served = get(&leeward, "/x", &[("x-mode", "torn")]).await;
    kept(&served, "/x");
    assert_eq!(
        (served.header("leeward-attempts"), requests(&vendor)),
        (Some("2"), 3)
    );
}

#[tokio::test]
async fn a_vendor_that_is_away_or_full_is_stood_in_for() {
    let raw = RawVendor::start().await;
    let lines =
        "cache: {}\nconcurrency: {max_in_flight: 1, max_waiting: 0}\nretry: {max_attempts: 1}";
    let leeward = provider(&raw.url(), lines).start().await;
    let good = value!({ "path": "/x" });
    let (live, ()) = tokio::join!(leeward.get("/proxy/p/x"), async {
        raw.call().await.answer(200, &good).await;
    });
    live.live();
    let (_busy, call) = tokio::join!(leeward.open(Method::POST, "/proxy/p/y", &[]), async {
        let mut call = raw.call().await;
        call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            .await;
        call
    });
    let served = leeward.get("/proxy/p/x").await;
    assert_eq!(
        (served.header("leeward-source"), served.json()),
        (Some("cache"), good.clone())
    );
    drop(call);
    drop(_busy);
    drop(raw);
    leeward
        .until("the slot is free", || in_flight(&leeward, 0.0))
        .await;
    let served = leeward.get("/proxy/p/x").await;
    assert_eq!(
        (served.header("leeward-source"), served.json()),
        (Some("cache"), good)
    );
    assert_eq!(served.header("leeward-attempts"), Some("1"));
}

#[tokio::test]
async fn an_answer_belongs_to_its_account_target_variant_and_caller() {
    let vendor = vendor(failing).await;
    let lines =
        "cache: {vary: [Accept]}\nbreaker: {consecutive_failures: null, failure_ratio: null}";
    let leeward = start(&vendor, lines).await;
    let (a, b) = (("leeward-account", "a"), ("leeward-account", "b"));
    let fails = ("x-mode", "500");
    let (json, xml) = (("accept", "application/json"), ("accept", "text/xml"));
    let mine = ("authorization", "Bearer mine");
    let hers = ("authorization", "Bearer hers");
    get(&leeward, "/x?q=1", &[a, json, mine]).await.live();
    kept(
        &get(&leeward, "/x?q=1", &[a, json, mine, fails]).await,
        "/x",
    );
    for others in [
        ("/x?q=1", [b, json, mine, fails]),
        ("/x?q=2", [a, json, mine, fails]),
        ("/x?q=1", [a, xml, mine, fails]),
        ("/x?q=1", [a, json, hers, fails]),
    ] {
        let answer = get(&leeward, others.0, &others.1).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("leeward-source")),
            (500, Some("live")),
            "{others:?}"
        );
    }
    for headers in [
        vec![a, json, fails],
        vec![a, json, mine, ("cookie", "s=1"), fails],
    ] {
        assert_eq!(
            get(&leeward, "/x?q=1", &headers).await.status,
            500,
            "{headers:?}"
        );
    }
    // HEAD and GET are apart, and a write is no read.
    for method in [Method::HEAD, Method::POST] {
        let answer = leeward
            .call(method, "/proxy/p/x?q=1", &[a, json, mine, fails], "")
            .await;
        assert_eq!(answer.status, 500);
    }
}

#[tokio::test]
async fn what_must_not_be_kept_is_not() {
    let vendor = vendor(failing).await;
    let lines = "cache: {}\nbreaker: {consecutive_failures: null, failure_ratio: null}";
    let leeward = start(&vendor, lines).await;
    let a = ("leeward-account", "a");
    for path in ["/no-store", "/cookie", "/never-stale", "/part"] {
        assert!(get(&leeward, path, &[a]).await.status.is_success());
        assert_eq!(
            get(&leeward, path, &[a, ("x-mode", "500")]).await.status,
            500,
            "{path}"
        );
    }
    // A limit is not among what an answer stands in for, nor is a vendor's refusal.
    get(&leeward, "/x", &[a]).await.live();
    assert_eq!(
        get(&leeward, "/x", &[a, ("x-mode", "404")]).await.status,
        404
    );
    get(&leeward, "/x", &[a]).await.live();
    get(&leeward, "/x", &[a, ("x-mode", "limit")])
        .await
        .problem(429, "rate_limited");
}

#[tokio::test]
async fn what_was_changed_or_is_gone_is_not_served_as_it_was() {
    let vendor = vendor(failing).await;
    let lines = "cache: {}\nbreaker: {consecutive_failures: null, failure_ratio: null}";
    let leeward = start(&vendor, lines).await;
    let (a, fails) = (("leeward-account", "a"), ("x-mode", "500"));
    for path in [
        "/kept",
        "/changed",
        "/changed?q=1",
        "/deleted",
        "/lost",
        "/failed",
    ] {
        get(&leeward, path, &[a]).await.live();
    }
    let write = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        leeward
            .call(method, &format!("/proxy/p{path}"), headers, "{}")
            .await
            .status
            .as_u16()
    };
    assert_eq!(write(Method::PUT, "/changed", &[a]).await, 200);
    assert_eq!(write(Method::DELETE, "/deleted", &[a]).await, 200);
    assert_eq!(
        write(Method::PATCH, "/failed", &[a, ("x-mode", "400")]).await,
        400
    );
    assert_eq!(
        get(&leeward, "/lost", &[a, ("x-mode", "404")]).await.status,
        404
    );
    for path in ["/changed", "/changed?q=1", "/deleted", "/lost"] {
        assert_eq!(get(&leeward, path, &[a, fails]).await.status, 500, "{path}");
    }
    for path in ["/kept", "/failed"] {
        kept(&get(&leeward, path, &[a, fails]).await, path);
    }
    // Read anew, it stands in again.
    get(&leeward, "/changed", &[a]).await.live();
    kept(&get(&leeward, "/changed", &[a, fails]).await, "/changed");
}

#[tokio::test]
async fn it_is_off_for_the_proxy_unless_it_is_asked_for() {
    let vendor = vendor(failing).await;
    for (lines, path, served) in [
        ("", "/x", false),
        ("cache: null", "/x", false),
        ("cache: {paths: ['^/y']}", "/x", false),
        ("cache: {paths: ['^/y', '^/x$']}", "/x", true),
        ("cache: {serve_after: [circuit_open, 503]}", "/x", false),
        ("cache: {serve_after: [500]}", "/x", true),
    ] {
        let leeward = start(&vendor, lines).await;
        get(&leeward, path, &[("leeward-account", "a")])
            .await
            .live();
        let answer = get(
            &leeward,
            path,
            &[("leeward-account", "a"), ("x-mode", "500")],
        )
        .await;
        assert_eq!(answer.status == 200, served, "{lines}");
    }
}
