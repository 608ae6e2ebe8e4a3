//! Two processes, one store.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use leeward_vendors::{Entry, Grants, Rotating};
use serde_json::{Value, json};

use super::{key, oauth2};
use crate::harness::{Files, Leeward, vendor};

/// Two processes with the same provider; the second uses the store of the first.
async fn two(provider: &str) -> (Leeward, Leeward) {
    let first = Files::new().provider("p", provider).start().await;
    let store = format!(
        "--set=store=sqlite://{}",
        first.path("leeward.db").display()
    );
    let second = Files::new()
        .provider("p", provider)
        .argument(&store)
        .start()
        .await;
    (first, second)
}

async fn until_answers(leeward: &Leeward, status: u16) {
    leeward
        .until(&format!("{status}"), || async {
            leeward.get_as("acme", "/proxy/p/records/1").await.status == status
        })
        .await;
}

#[tokio::test]
async fn what_one_does_to_an_account_the_other_sees() {
    let seen = crate::harness::Script::start(|call| {
        let key = call
            .head
            .headers
            .get("x-key")
            .and_then(|key| key.to_str().ok());
        crate::harness::json(200, json!({ "key": key }))
    })
    .await;
    let (first, second) = two(&key(&seen.url())).await;
    first.put("acme", "p", json!({ "api_key": "one" })).await;
    until_answers(&second, 200).await;
    second.put("acme", "p", json!({ "api_key": "two" })).await;
    first
        .until("the other key", || async {
            first.get_as("acme", "/proxy/p/x").await.json()["key"] == "two"
        })
        .await;
    first
        .admin(Method::POST, "/accounts/acme/disable", None)
        .await;
    until_answers(&second, 403).await;
    second
        .admin(Method::POST, "/accounts/acme/enable", None)
        .await;
    until_answers(&first, 200).await;
    first.admin(Method::DELETE, "/accounts/acme", None).await;
    until_answers(&second, 404).await;
}

fn given(grants: &Grants, lives: u64) -> Value {
    let grant = grants.log_in();
    json!({ "access_token": grant.access_token, "refresh_token": grant.refresh_token, "expires_in": lives })
}

#[tokio::test]
async fn at_expiry_both_make_one_token_call() {
    let grants = Arc::new(Grants::new(
        11,
        Duration::from_secs(600),
        Duration::from_millis(300),
    ));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let (first, second) = two(&oauth2(&vendor.url())).await;
    for round in 1..=3 {
        let calls = vendor.books().read(Entry::TokenCalls);
        first.put("acme", "p", given(&grants, 0)).await;
        // The second learns of it within two seconds; until then it has another token, or none.
        second
            .until("the account", || async {
                second
                    .admin(Method::GET, "/accounts/acme", None)
                    .await
                    .status
                    == 200
            })
            .await;
        let many = |leeward: &Leeward| {
            let all = (0..25).map(|_| {
                let request =
                    http::Request::get(format!("http://{}/proxy/p/records/1", leeward.egress))
                        .header("leeward-account", "acme")
                        .body(http_body_util::Full::default())
                        .unwrap();
                let client = leeward.client.clone();
                async move { crate::harness::send(&client, request).await }
            });
            futures_util::future::join_all(all)
        };
        until_answers(&second, 200).await;
        let (one, other) = tokio::join!(many(&first), many(&second));
        for answer in one.iter().chain(&other) {
            answer.live();
        }
        assert_eq!(
            vendor.books().read(Entry::TokenCalls),
            calls + 1,
            "round {round}"
        );
    }
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn through_many_lives_of_a_token_both_serve_and_none_reuses() {
    let grants = Arc::new(Grants::new(
        12,
        Duration::from_secs(1),
        Duration::from_millis(20),
    ));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let (first, second) = two(&oauth2(&vendor.url())).await;
    first.put("acme", "p", given(&grants, 1)).await;
    until_answers(&second, 200).await;
    while vendor.books().read(Entry::TokenCalls) < 6 {
        let (one, other) = tokio::join!(
            first.get_as("acme", "/proxy/p/records/1"),
            second.get_as("acme", "/proxy/p/records/2")
        );
        one.live();
        other.live();
    }
    assert_eq!(
        vendor.books().read(Entry::Revoked),
        0,
        "no refresh token was used twice"
    );
}
