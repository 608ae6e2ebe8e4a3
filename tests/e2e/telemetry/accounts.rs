//! What accounts and tokens move, and what they do not show.

use std::time::Duration;

use http::Method;
use leeward_vendors::Reply;
use serde_json::json;

use super::{holds, ok, page, started, value};
use crate::harness::{Script, json};

#[tokio::test]
async fn token_flights_accounts_and_expiries_are_told() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => {
            let answer = match call.form("refresh_token").as_deref() {
                Some("gone") => json(400, json!({ "error": "invalid_grant" })),
                Some("away") => json(500, json!({})),
                _ => json(200, json!({ "access_token": "new", "expires_in": 500 })),
            };
            Reply::After(Duration::from_millis(20), Box::new(answer))
        }
        _ => ok(),
    })
    .await;
    let url = vendor.url();
    let leeward = started(
        &vendor,
        &format!(
            "auth: {{type: oauth2, token_url: '{url}/token', client_id: a, client_secret: b}}"
        ),
    )
    .await;
    for account in ["well", "gone", "away"] {
        let given = json!({ "access_token": "old", "refresh_token": account, "expires_in": 1000 });
        leeward.put(account, "p", given).await;
        leeward.refresh(account).await;
    }
    // One that must be waited for.
    leeward
        .put("spent", "p", json!({ "refresh_token": "x" }))
        .await;
    leeward.get_as("spent", "/proxy/p/x").await.live();
    leeward
        .put("off", "p", json!({ "access_token": "old" }))
        .await;
    leeward
        .admin(Method::POST, "/accounts/off/disable", None)
        .await;
    let seen = page(&leeward).await;
    holds(
        &seen,
        &[
            (
                r#"leeward_token_refreshes_total{provider="p",result="ok"}"#,
                2.0,
            ),
            (
                r#"leeward_token_refreshes_total{provider="p",result="revoked"}"#,
                1.0,
            ),
        ],
    );
    assert!(
        value(
            &seen,
            r#"leeward_token_refreshes_total{provider="p",result="transient"}"#
        ) >= 1.0
    );
    assert!(
        value(
            &seen,
            r#"leeward_wait_seconds_count{for="token",provider="p"}"#
        ) <= 1.0
    );
    // The store is counted now and then.
    leeward
        .until("the accounts are counted", || async {
            let page = page(&leeward).await;
            let accounts = |status: &str| {
                value(
                    &page,
                    &format!(r#"leeward_accounts{{provider="p",status="{status}"}}"#),
                )
            };
            accounts("active") == 3.0
                && accounts("needs_reauth") == 1.0
                && accounts("disabled") == 1.0
        })
        .await;
    let left = leeward
        .metric(r#"leeward_token_expiry_seconds{provider="p"}"#)
        .await;
    assert!(
        left > 400.0 && left <= 500.0,
        "the soonest, of those that are active: {left}"
    );
    leeward.admin(Method::DELETE, "/accounts/gone", None).await;
    leeward
        .until("it is forgotten", || async {
            !page(&leeward)
                .await
                .contains_key(r#"leeward_accounts{provider="p",status="needs_reauth"}"#)
        })
        .await;
    let text = leeward.telemetry("/metrics").await.text()
        + &leeward.telemetry("/status").await.text()
        + &leeward.telemetry("/status.json").await.text();
    for account in ["well", "gone", "away", "spent"] {
        assert!(
            !text.contains(account),
            "{account} is on a page for everybody"
        );
    }
}

#[tokio::test]
async fn many_accounts_add_no_series() {
    let vendor = Script::start(|_| ok()).await;
    let leeward = started(&vendor, "auth: {type: bearer}\nbreaker: {by: account}").await;
    for number in 0..40 {
        let account = format!("acme-{number}");
        leeward.put(&account, "p", json!({ "token": "t" })).await;
        leeward
            .get_as(&account, &format!("/proxy/p/{number}"))
            .await
            .live();
    }
    let seen = page(&leeward).await;
    assert!(seen.len() < 200, "{}", seen.len());
    assert!(!seen.keys().any(|name| name.contains("acme")), "{seen:#?}");
    assert_eq!(
        value(&seen, r#"leeward_breakers{provider="p",state="closed"}"#),
        40.0
    );
}
