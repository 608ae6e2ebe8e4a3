//! What is sent again, and what is not.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use http_body_util::BodyExt;
use leeward_vendors::{Call, Reply};
use serde_json::json as value;

use super::{provider, requests, retries};
use crate::harness::{RawVendor, json, turns, vendor};

#[tokio::test]
async fn what_is_idempotent_is_sent_again() {
    let vendor = vendor(turns(|turn, call| {
        json(
            if turn % 2 == 0 { 503 } else { 200 },
            value!({ "got": String::from_utf8_lossy(&call.body) }),
        )
    }))
    .await;
    let leeward = provider(&vendor.url(), "").start().await;
    for (n, method) in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS]
        .into_iter()
        .enumerate()
    {
        let answer = leeward.call(method, "/proxy/p/x", &[], "the body").await;
        assert_eq!(answer.live().json(), value!({ "got": "the body" }));
        assert_eq!(answer.header("leeward-attempts"), Some("2"));
        assert_eq!(requests(&vendor), 2 * (n as u64 + 1));
    }
    assert!((retries(&leeward, "503").await - 4.0).abs() < f64::EPSILON);
    // A write is not, and the vendor's own answer passes.
    let answer = leeward
        .call(Method::POST, "/proxy/p/x", &[], "the body")
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("leeward-error")),
        (503, None)
    );
    assert_eq!(
        (answer.header("leeward-attempts"), requests(&vendor)),
        (Some("1"), 9)
    );
}

#[tokio::test]
async fn a_key_makes_a_write_repeatable() {
    let vendor = vendor(turns(|turn, call| {
        let key = call
            .head
            .headers
            .get("idempotency-key")
            .map(|key| key.to_str().unwrap().to_owned());
        let got = value!({ "key": key, "body": String::from_utf8_lossy(&call.body) });
        json(if turn == 0 { 502 } else { 201 }, got)
    }))
    .await;
    let leeward = provider(&vendor.url(), "").start().await;
    let key = [("idempotency-key", "k-1")];
    let answer = leeward
        .call(Method::POST, "/proxy/p/x", &key, "the body")
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("leeward-attempts")),
        (201, Some("2"))
    );
    assert_eq!(answer.json(), value!({ "key": "k-1", "body": "the body" }));
}

#[tokio::test]
async fn a_connection_that_breaks_is_repeated_only_where_that_is_safe() {
    let vendor = vendor(turns(|turn, _| match turn {
        0 | 2 => Reply::Close,
        _ => json(200, value!({})),
    }))
    .await;
    let leeward = provider(&vendor.url(), "").start().await;
    assert_eq!(
        leeward
            .get("/proxy/p/x")
            .await
            .live()
            .header("leeward-attempts"),
        Some("2")
    );
    assert!((retries(&leeward, "reset").await - 1.0).abs() < f64::EPSILON);
    // It was sent, and may have been done.
    let answer = leeward.call(Method::POST, "/proxy/p/x", &[], "{}").await;
    answer.problem(502, "upstream_unreachable");
    assert_eq!(
        (answer.header("leeward-attempts"), requests(&vendor)),
        (Some("1"), 3)
    );
}

#[tokio::test]
async fn what_was_never_sent_is_sent_whatever_its_method() {
    // An address at which nobody listens yet.
    let address = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap()
    };
    let lines = "retry: {max_attempts: 10, backoff: {base: 500ms, max: 1s}}\n\
                 breaker: {consecutive_failures: null, failure_ratio: null}";
    let leeward = Arc::new(provider(&format!("http://{address}"), lines).start().await);
    let writing = tokio::spawn({
        let leeward = Arc::clone(&leeward);
        async move {
            leeward
                .call(Method::POST, "/proxy/p/x", &[], "the body")
                .await
        }
    });
    leeward
        .until("a first attempt fails", async || {
            retries(&leeward, "connect").await > 0.5
        })
        .await;
    let raw = RawVendor::at(address).await;
    let call = raw.call().await;
    assert!(call.head.starts_with("POST /x "), "{}", call.head);
    assert_eq!(call.body, "the body");
    call.answer(201, &value!({})).await;
    assert_eq!(writing.await.unwrap().status, 201);
}

#[tokio::test]
async fn a_short_answer_that_is_torn_is_asked_for_again() {
    let body = || {
        let mut response = Response::new(Bytes::from("{\"whole\": true}"));
        response
            .headers_mut()
            .insert("content-type", HeaderValue::from_static("application/json"));
        response
    };
    let vendor = vendor(turns(move |turn, call| {
        match (call.head.uri.path(), turn) {
            ("/once", 1..) => Reply::Answer(body()),
            _ => Reply::Torn(body(), 7),
        }
    }))
    .await;
    let leeward = provider(&vendor.url(), "").start().await;
    let answer = leeward.get("/proxy/p/once").await;
    assert_eq!(answer.live().text(), "{\"whole\": true}");
    assert_eq!(answer.header("leeward-attempts"), Some("2"));
    assert!((retries(&leeward, "torn").await - 1.0).abs() < f64::EPSILON);
    // Torn each time: an honest error, not half an answer.
    let answer = leeward.get("/proxy/p/always").await;
    answer.problem(502, "upstream_invalid");
    assert_eq!(answer.header("leeward-attempts"), Some("2"));
}

#[tokio::test]
async fn a_write_whose_answer_is_torn_is_not_repeated_and_looks_torn() {
    let raw = RawVendor::start().await;
    let leeward = provider(&raw.url(), "").start().await;
    let (answer, ()) = tokio::join!(leeward.open(Method::POST, "/proxy/p/x", &[]), async {
        let mut call = raw.call().await;
        call.write("HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nhalf")
            .await;
        call.reset();
    });
    assert_eq!(answer.status(), 201);
    assert!(
        answer.into_body().collect().await.is_err(),
        "it must not look whole"
    );
    assert!(
        !leeward
            .telemetry("/metrics")
            .await
            .text()
            .contains("leeward_retries_total{")
    );
}

#[tokio::test]
async fn nothing_is_repeated_before_the_vendors_own_time() {
    let vendor = vendor(turns(|turn, call| match (call.head.uri.path(), turn) {
        ("/later", _) => json(503, value!({})).header("retry-after", 3600),
        (_, 0) => json(503, value!({})).header("retry-after", 1),
        _ => json(200, value!({})),
    }))
    .await;
    let leeward = provider(&vendor.url(), "").start().await;
    let answer = leeward.get("/proxy/p/soon").await;
    assert_eq!(answer.live().header("leeward-attempts"), Some("2"));
    // Later than the deadline: the vendor's answer passes, its time with it.
    let answer = leeward.get("/proxy/p/later").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, Some("3600"))
    );
    assert_eq!(
        (answer.header("leeward-attempts"), requests(&vendor)),
        (Some("1"), 3)
    );
}

#[tokio::test]
async fn repeats_have_a_budget() {
    let vendor = vendor(|_: &Call| json(503, value!({}))).await;
    let lines = "retry: {max_attempts: 2, backoff: {base: 1ms, max: 1ms}, budget: 10%}\n\
                 breaker: {consecutive_failures: null, failure_ratio: null}";
    let leeward = provider(&vendor.url(), lines).start().await;
    for _ in 0..60 {
        assert_eq!(leeward.get("/proxy/p/x").await.status, 503);
    }
    // 10 in hand, 6 earned, and one a second.
    let repeated = retries(&leeward, "503").await;
    assert!((10.0..=40.0).contains(&repeated), "{repeated}");
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let asked = requests(&vendor) as f64;
    assert!((asked - 60.0 - repeated).abs() < f64::EPSILON);
    let none = provider(&vendor.url(), "retry: {budget: 0%}").start().await;
    assert_eq!(
        none.get("/proxy/p/x").await.header("leeward-attempts"),
        Some("1")
    );
}
