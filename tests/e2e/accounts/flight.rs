//! What is done to an account while it is being renewed.

use http::Method;
use leeward_vendors::{Call, Reply};
use serde_json::{Value, json};

use super::{oauth2, rotating};
use crate::harness::{Files, Leeward, Script, json};

/// A token call takes this long, so that something can be done meanwhile.
const CALL: std::time::Duration = std::time::Duration::from_millis(700);

fn slowly(call: &Call) -> Reply {
    let reply = rotating(call);
    match call.head.uri.path() {
        "/token" => Reply::After(CALL, Box::new(reply)),
        _ => reply,
    }
}

fn account(refresh_token: &str, expires_in: u64, vars: Value) -> Value {
    json!({
        "provider": "o",
        "credentials": { "access_token": format!("given-with-{refresh_token}"), "refresh_token": refresh_token, "expires_in": expires_in },
        "vars": vars,
    })
}

/// An account whose token call is under way.
async fn flying() -> (Script, Leeward) {
    let vendor = Script::start(slowly).await;
    let leeward = Files::new()
        .provider("o", &oauth2(&vendor.url()))
        .start()
        .await;
    put(&leeward, account("rt-0", 0, json!({ "n": 1 }))).await;
    leeward
        .until("the token call", || async { vendor.count("/token") == 1 })
        .await;
    (vendor, leeward)
}

async fn put(leeward: &Leeward, body: Value) {
    let answer = leeward
        .admin(Method::PUT, "/accounts/acme", Some(body))
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

async fn bearer(leeward: &Leeward) -> String {
    let answer = leeward.get("/proxy/o/x").await;
    answer.live().json()["bearer"].as_str().unwrap().to_owned()
}

/// Waits until no flight of it is left.
async fn landed(leeward: &Leeward) {
    leeward
        .until("it has landed", || async {
            leeward.account("acme").await["status"] != "refreshing"
        })
        .await;
}

#[tokio::test]
async fn other_credentials_win_over_what_the_flight_brings() {
    let (vendor, leeward) = flying().await;
    put(&leeward, account("rt-50", 3600, json!({}))).await;
    assert_eq!(bearer(&leeward).await, "given-with-rt-50");
    landed(&leeward).await;
    assert_eq!(bearer(&leeward).await, "given-with-rt-50");
    assert_eq!(leeward.refresh("acme").await.status, 200);
    assert_eq!(bearer(&leeward).await, "at-51");
    assert_eq!(vendor.count("/token"), 2);
}

#[tokio::test]
async fn variables_that_are_put_meanwhile_stay() {
    let (_vendor, leeward) = flying().await;
    put(&leeward, account("rt-0", 0, json!({ "n": 2 }))).await;
    assert_eq!(bearer(&leeward).await, "at-1");
    landed(&leeward).await;
    assert_eq!(leeward.account("acme").await["vars"], json!({ "n": 2 }));
    let leeward = leeward.killed_and_started_again().await;
    assert_eq!(leeward.account("acme").await["vars"], json!({ "n": 2 }));
    assert_eq!(bearer(&leeward).await, "at-1");
}

#[tokio::test]
async fn what_was_bought_for_a_disabled_account_is_kept() {
    let (vendor, leeward) = flying().await;
    let path = |action: &str| format!("/accounts/acme/{action}");
    assert_eq!(
        leeward
            .admin(Method::POST, &path("disable"), None)
            .await
            .status,
        200
    );
    leeward
        .get("/proxy/o/x")
        .await
        .problem(403, "account_disabled");
    leeward
        .until("the answer is written", || async {
            leeward.token_version("acme").await == 2
        })
        .await;
    assert_eq!(leeward.account("acme").await["status"], "disabled");
    leeward
        .get("/proxy/o/x")
        .await
        .problem(403, "account_disabled");
    assert_eq!(
        leeward
            .admin(Method::POST, &path("enable"), None)
            .await
            .status,
        200
    );
    assert_eq!(bearer(&leeward).await, "at-1");
    assert_eq!(
        vendor.count("/token"),
        1,
        "its only living refresh token is not lost"
    );
}

#[tokio::test]
async fn a_deleted_account_stays_deleted() {
    let (vendor, leeward) = flying().await;
    assert_eq!(
        leeward
            .admin(Method::DELETE, "/accounts/acme", None)
            .await
            .status,
        204
    );
    leeward
        .get("/proxy/o/x")
        .await
        .problem(404, "unknown_account");
    // The flight lands, and another has begun and landed since.
    leeward
        .put("other", "o", json!({ "refresh_token": "rt-10" }))
        .await;
    leeward
        .until("another has landed", || async {
            leeward.token_version("other").await == 2
        })
        .await;
    leeward
        .admin(Method::GET, "/accounts/acme", None)
        .await
        .problem(404, "unknown_account");
    // Put again, it begins anew.
    put(&leeward, account("rt-0", 3600, json!({}))).await;
    assert_eq!(
        leeward.get_as("acme", "/proxy/o/x").await.live().json()["bearer"],
        "given-with-rt-0"
    );
    assert_eq!(vendor.count("/token"), 2);
}

#[tokio::test]
async fn what_is_due_at_the_start_is_renewed_then() {
    let vendor = Script::start(rotating).await;
    let leeward = Files::new()
        .provider("o", &oauth2(&vendor.url()))
        .argument("--role=egress")
        .start()
        .await;
    for number in 0..20 {
        let credentials = json!({ "refresh_token": format!("rt{number}-0") });
        leeward.put(&format!("a{number}"), "o", credentials).await;
    }
    assert_eq!(vendor.count("/token"), 0);
    // With all roles.
    let leeward = leeward.killed_and_started_again().await;
    leeward
        .until("all are renewed", || async {
            leeward
                .metric(r#"leeward_token_refreshes_total{provider="o",result="ok"}"#)
                .await
                == 20.0
        })
        .await;
    assert_eq!(
        leeward
            .metric(r#"leeward_token_refreshes_total{provider="o",result="transient"}"#)
            .await,
        0.0
    );
    assert_eq!(vendor.count("/token"), 20);
}

#[tokio::test]
async fn a_provider_of_another_type_takes_the_same_credentials_anew() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => rotating(call),
        _ => json(200, json!({ "bearer": call.bearer() })),
    })
    .await;
    let leeward = Files::new()
        .provider(
            "o",
            &format!("base_url: {}\nauth: {{type: bearer}}", vendor.url()),
        )
        .account(
            "file",
            "provider: o\ncredentials: {token: t, refresh_token: rtf-0}",
        )
        .start()
        .await;
    let credentials = json!({ "token": "t", "refresh_token": "rt-0" });
    leeward.put("acme", "o", credentials.clone()).await;
    assert_eq!(
        leeward.get_as("acme", "/proxy/o/x").await.live().json()["bearer"],
        "t"
    );
    leeward.write(
        "providers/o.yaml",
        &format!("provider: o\n{}\n", oauth2(&vendor.url())),
    );
    leeward
        .until("the other type, for the account of the file", || async {
            let answer = leeward.get_as("file", "/proxy/o/x").await;
            answer.status == 200 && answer.json()["bearer"] == "atf-1"
        })
        .await;
    assert_eq!(
        leeward.put("acme", "o", credentials.clone()).await.json()["changed"],
        true
    );
    assert_eq!(
        leeward.get_as("acme", "/proxy/o/x").await.live().json()["bearer"],
        "at-1"
    );
    assert_eq!(
        leeward.put("acme", "o", credentials).await.json()["changed"],
        false
    );
}
