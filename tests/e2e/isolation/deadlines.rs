//! What ends when it takes too long, and what may go on.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use leeward_vendors::{Call, Reply};

use super::{provider, requests, retries};
use crate::harness::{RawVendor, vendor};

#[tokio::test]
async fn a_connection_that_does_not_come_about_ends_in_time() {
    // It takes connections, and never says a word of TLS.
    let raw = RawVendor::start().await;
    let url = raw.url().replace("http:", "https:");
    let lines = "timeout: {connect: 100ms}\nretry: {backoff: {base: 1ms, max: 1ms}}";
    let leeward = provider(&url, lines).start().await;
    let answer = leeward
        .call(Method::POST, "/proxy/p/x", &[], "a body")
        .await;
    answer.problem(504, "upstream_timeout");
    // Nothing was sent, so that even a POST was tried again.
    assert!((retries(&leeward, "connect").await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_attempt() {
    let vendor = vendor(|_: &Call| Reply::Hang).await;
    let leeward = provider(&vendor.url(), "timeout: {response: 1s}")
        .start()
        .await;
    let answer = leeward.get("/proxy/p/x").await;
    let problem = answer.problem(504, "upstream_timeout");
    assert!(
        problem["detail"].as_str().unwrap().contains("1s"),
        "{problem}"
    );
    // It was sent, and a timeout is not among what is repeated.
    assert_eq!(
        (answer.header("leeward-attempts"), requests(&vendor)),
        (Some("1"), 1)
    );
}

#[tokio::test]
async fn the_total_holds_over_all_attempts_and_a_request_may_shorten_it() {
    let vendor = vendor(|_: &Call| Reply::Hang).await;
    let leeward = provider(&vendor.url(), "timeout: {total: 200ms}")
        .start()
        .await;
    leeward
        .get("/proxy/p/x")
        .await
        .problem(504, "upstream_timeout");
    let patient = provider(&vendor.url(), "").start().await;
    let short = [("leeward-timeout", "100ms")];
    let answer = patient.call(Method::GET, "/proxy/p/x", &short, "").await;
    let problem = answer.problem(504, "upstream_timeout");
    assert!(
        problem["detail"].as_str().unwrap().contains("100ms"),
        "{problem}"
    );
    for malformed in ["", "2", "soon", "-1s", "0s", "1e3s"] {
        let malformed = [("leeward-timeout", malformed)];
        let answer = patient
            .call(Method::GET, "/proxy/p/x", &malformed, "")
            .await;
        answer.problem(400, "invalid_request");
    }
    // It never makes it longer.
    let longer = [("leeward-timeout", "1h")];
    let answer = leeward.call(Method::GET, "/proxy/p/x", &longer, "").await;
    answer.problem(504, "upstream_timeout");
}

#[tokio::test]
async fn a_body_may_flow_as_long_as_it_moves() {
    let raw = RawVendor::start().await;
    let lines = "timeout: {total: 1s, response: 1s, idle_body: 10s}";
    let leeward = provider(&raw.url(), lines).start().await;
    let (answer, ()) = tokio::join!(leeward.get("/proxy/p/x"), async {
        let mut call = raw.call().await;
        call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        // Longer in all than any limit allows to the head.
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            call.write("2\r\nab\r\n").await;
        }
        call.write("0\r\n\r\n").await;
    });
    assert_eq!(answer.live().text(), "abababababab");
}

#[tokio::test]
async fn a_body_that_stands_still_is_broken_off() {
    let raw = RawVendor::start().await;
    let leeward = provider(&raw.url(), "timeout: {idle_body: 100ms}")
        .start()
        .await;
    let (answer, call) = tokio::join!(leeward.open(Method::GET, "/proxy/p/x", &[]), async {
        let mut call = raw.call().await;
        call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
            .await;
        call
    });
    assert_eq!(answer.status(), 200);
    assert!(
        answer.into_body().collect().await.is_err(),
        "it must not look whole"
    );
    call.hung_up().await;
}
