//! Slots, the waiting room, and accounts that share them.

use std::sync::Arc;

use http::Method;
use http_body_util::BodyExt;
use serde_json::json as value;

use super::{get, in_flight, provider};
use crate::harness::RawVendor;

#[tokio::test]
async fn what_finds_no_slot_waits_and_what_finds_no_room_is_refused() {
    let raw = RawVendor::start().await;
    let lines = "concurrency: {max_in_flight: 2, max_waiting: 1, max_wait: 1m}";
    let leeward = Arc::new(
        provider(&raw.url(), lines)
            .account("a", "provider: p")
            .start()
            .await,
    );
    let running = [get(&leeward, "a", "1"), get(&leeward, "a", "2")];
    let calls = [raw.call().await, raw.call().await];
    let waiting = get(&leeward, "a", "3");
    leeward
        .until("the third is here", || in_flight(&leeward, 3.0))
        .await;
    let refused = leeward.get("/proxy/p/4").await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.header("leeward-attempts"), Some("0"));
    // A slot that becomes free goes to the one that waits.
    let [one, two] = calls;
    one.answer(200, &value!({})).await;
    let third = raw.call().await;
    assert!(third.head.starts_with("GET /3 "), "{}", third.head);
    third.answer(200, &value!({})).await;
    two.answer(200, &value!({})).await;
    for task in running.into_iter().chain([waiting]) {
        task.await.unwrap().live();
    }
    let waited = r#"leeward_wait_seconds_count{for="bulkhead",provider="p"}"#;
    assert!((leeward.metric(waited).await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_wait_in_vain_ends() {
    let raw = RawVendor::start().await;
    let lines = "concurrency: {max_in_flight: 1, max_wait: 50ms}";
    let leeward = Arc::new(
        provider(&raw.url(), lines)
            .account("a", "provider: p")
            .start()
            .await,
    );
    let running = get(&leeward, "a", "1");
    let call = raw.call().await;
    leeward.get("/proxy/p/2").await.problem(503, "overloaded");
    call.answer(200, &value!({})).await;
    running.await.unwrap().live();
}

#[tokio::test]
async fn one_account_never_takes_all_of_it() {
    let raw = RawVendor::start().await;
    let lines = "concurrency: {max_in_flight: 3, per_account: 1, max_waiting: 2, max_wait: 1m}";
    let files = provider(&raw.url(), lines).account("a", "provider: p");
    let leeward = Arc::new(files.account("b", "provider: p").start().await);
    let first = get(&leeward, "a", "1");
    let call = raw.call().await;
    let second = get(&leeward, "a", "2");
    leeward
        .until("the second is here", || in_flight(&leeward, 2.0))
        .await;
    // The other account passes by the one that waits.
    let other = get(&leeward, "b", "3");
    let passed = raw.call().await;
    assert!(passed.head.starts_with("GET /3 "), "{}", passed.head);
    passed.answer(200, &value!({})).await;
    other.await.unwrap().live();
    call.answer(200, &value!({})).await;
    raw.call().await.answer(200, &value!({})).await;
    first.await.unwrap().live();
    second.await.unwrap().live();
}

#[tokio::test]
async fn a_slot_comes_back_with_the_body_or_with_a_caller_that_left() {
    let raw = RawVendor::start().await;
    let lines = "concurrency: {max_in_flight: 1, max_waiting: 0}";
    let leeward = provider(&raw.url(), lines).start().await;
    for whole in [true, false] {
        let (answer, mut call) = tokio::join!(
            leeward.open(Method::GET, "/proxy/p/x", &[]),
            async {
                let mut call = raw.call().await;
                call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n").await;
                call
            }
        );
        leeward.get("/proxy/p/y").await.problem(503, "overloaded");
        if whole {
            call.write("0\r\n\r\n").await;
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "a");
        } else {
            drop(answer);
            call.hung_up().await;
        }
        leeward
            .until("the slot is free", || in_flight(&leeward, 0.0))
            .await;
    }
    let (served, ()) = tokio::join!(leeward.get("/proxy/p/y"), async {
        raw.call().await.answer(200, &value!({})).await;
    });
    served.live();
}
