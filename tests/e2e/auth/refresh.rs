//! Renewed in time, and by one call.

use std::sync::Arc;
use std::time::Duration;

use leeward_vendors::{Entry, Grants, Rotating};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{given, oauth2, token};
use crate::harness::{Files, Script, json, vendor};

const NO_TIME: Duration = Duration::ZERO;

#[tokio::test]
async fn a_token_is_renewed_by_schedule_though_nobody_calls() {
    let grants = Arc::new(Grants::new(1, Duration::from_secs(2), NO_TIME));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    leeward.put("acme", "r", given(&grants, 2)).await;
    // Three lives of the token.
    leeward
        .until("three renewals", || async {
            vendor.books().read(Entry::TokenCalls) >= 3
        })
        .await;
    assert_eq!(vendor.books().read(Entry::Requests), 0, "nobody called");
    leeward.get("/proxy/r/records/7").await.live();
    let shown = leeward.account("acme").await;
    let time = |name: &str| {
        shown["token"][name]
            .as_str()
            .expect(name)
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    assert!(time("refreshed_at") < time("refresh_at"));
    assert!(time("refresh_at") < time("expires_at"), "before it is over");
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn no_401_because_of_expiry_reaches_the_application() {
    let grants = Arc::new(Grants::new(
        2,
        Duration::from_secs(1),
        Duration::from_millis(50),
    ));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    leeward.put("acme", "r", given(&grants, 1)).await;
    // Through five lives of the token somebody asks all the time.
    while vendor.books().read(Entry::TokenCalls) < 5 {
        leeward.get("/proxy/r/records/7").await.live();
    }
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn fifty_requests_at_expiry_make_one_token_call() {
    let grants = Arc::new(Grants::new(
        3,
        Duration::from_secs(600),
        Duration::from_millis(300),
    ));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    for round in 1..=3 {
        leeward.put("acme", "r", given(&grants, 0)).await;
        let many = (0..50).map(|n| {
            let leeward = &leeward;
            async move { leeward.get(&format!("/proxy/r/records/{n}")).await }
        });
        for (n, answer) in futures_util::future::join_all(many)
            .await
            .iter()
            .enumerate()
        {
            assert_eq!(answer.live().json()["id"], n.to_string());
        }
        assert_eq!(
            vendor.books().read(Entry::TokenCalls),
            round,
            "one for all fifty"
        );
    }
    assert_eq!(
        vendor.books().read(Entry::Requests),
        150,
        "and none was asked twice"
    );
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_end_the_flight() {
    let grants = Arc::new(Grants::new(
        4,
        Duration::from_secs(600),
        Duration::from_millis(500),
    ));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    // Without the schedule's help: the role decides who begins flights by itself.
    let over = given(&grants, 0);
    leeward.put("acme", "r", over).await;
    let mut caller = tokio::net::TcpStream::connect(&leeward.egress)
        .await
        .unwrap();
    caller
        .write_all(b"GET /proxy/r/records/1 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    leeward
        .until("the token call", || async {
            vendor.books().read(Entry::TokenCalls) == 1
        })
        .await;
    drop(caller);
    leeward
        .until("the new token", || async {
            leeward.token_version("acme").await == 2
        })
        .await;
    leeward.get("/proxy/r/records/2").await.live();
    assert_eq!(vendor.books().read(Entry::TokenCalls), 1);
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn without_the_role_a_token_is_bought_only_when_a_request_needs_it() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => token("new", "rt", 600),
        _ => json(200, json!({ "bearer": call.bearer() })),
    })
    .await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .argument("--role=egress")
        .start()
        .await;
    leeward
        .put(
            "acme",
            "r",
            json!({ "access_token": "old", "refresh_token": "x", "expires_in": 5 }),
        )
        .await;
    // It is due long before it is over.
    leeward
        .until("the new token is needed", || async {
            leeward.get("/proxy/r/x").await.live().json()["bearer"] == "new"
        })
        .await;
    assert_eq!(vendor.count("/token"), 1);
    let before = vendor
        .calls("/x")
        .iter()
        .filter(|call| call.header("authorization") == Some("Bearer old"))
        .count();
    assert!(before > 0, "the old one went on");
}

#[tokio::test]
async fn the_role_of_renewing_needs_no_egress() {
    let grants = Arc::new(Grants::new(8, Duration::from_secs(2), NO_TIME));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .argument("--role=refresh")
        .start()
        .await;
    assert_eq!(leeward.egress, "", "nothing listens");
    leeward.put("acme", "r", given(&grants, 2)).await;
    leeward
        .until("a renewal", || async {
            vendor.books().read(Entry::TokenCalls) >= 2
        })
        .await;
    assert_eq!(leeward.telemetry("/readyz").await.status, 200);
}
