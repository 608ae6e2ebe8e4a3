//! What was bought outlives a crash.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::Full;
use leeward_vendors::{Entry, Grants, Reply, Rotating};
use serde_json::json;

use super::{Desk, given, oauth2};
use crate::harness::{Files, Leeward, json, vendor};

/// Sends without waiting for what comes of it.
fn send_and_forget(leeward: &Leeward, path: &str) {
    let request = Request::get(format!("http://{}{path}", leeward.egress));
    let request = request.body(Full::default()).unwrap();
    let client = leeward.client.clone();
    tokio::spawn(async move {
        // The process may be killed first.
        let _ = client.request(request).await;
    });
}

#[tokio::test]
async fn a_rotated_token_is_durable_before_anyone_uses_it() {
    let grants = Arc::new(Grants::new(5, Duration::from_secs(600), Duration::ZERO));
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let desk = Desk {
        grants: Arc::clone(&grants),
        data: move |call: &leeward_vendors::Call, admitted| {
            if call.head.uri.path() == "/halt" {
                arrived.send(admitted).unwrap();
                return Reply::Hang;
            }
            json(if admitted { 200 } else { 401 }, json!({}))
        },
    };
    let vendor = vendor(desk).await;
    let mut leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    for round in 1..=4 {
        leeward.put("acme", "r", given(&grants, 0)).await;
        send_and_forget(&leeward, "/proxy/r/halt");
        // The vendor has seen the new token for the first time: now.
        assert_eq!(arrivals.recv().await, Some(true));
        leeward = leeward.killed_and_started_again().await;
        leeward.get("/proxy/r/x").await.live();
        assert_eq!(
            vendor.books().read(Entry::TokenCalls),
            2 * round - 1,
            "it was kept"
        );
        // So was the refresh token that came with it.
        assert_eq!(leeward.refresh("acme").await.status, 200);
        leeward.get("/proxy/r/x").await.live();
    }
    assert_eq!(
        vendor.books().read(Entry::Revoked),
        0,
        "no refresh token was used twice"
    );
}

#[tokio::test]
async fn killed_again_and_again_the_account_lives() {
    // Long enough that a renewal is over before the next one begins: what was sent and not yet
    // answered when the process dies is the vendor's to forgive.
    let grants = Arc::new(Grants::new(6, Duration::from_secs(3), Duration::ZERO));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let mut leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    leeward.put("acme", "r", given(&grants, 3)).await;
    for _ in 0..3 {
        let before = leeward.token_version("acme").await;
        // Right after a renewal, when the books of both sides must agree.
        leeward
            .until("a renewal", || async {
                leeward.token_version("acme").await > before
            })
            .await;
        leeward = leeward.killed_and_started_again().await;
        leeward.get("/proxy/r/records/1").await.live();
        assert_ne!(leeward.account("acme").await["status"], "needs_reauth");
    }
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}
