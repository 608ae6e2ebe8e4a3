//! Grants that are gone, and how accounts come back.

use serde_json::json;

use super::{oauth2, refusal, token};
use crate::harness::{Files, Leeward, Script, json};

/// A vendor that refuses every grant, and serves whoever comes.
async fn refusing() -> Script {
    Script::start(|call| match call.head.uri.path() {
        "/token" => refusal(400, "invalid_grant"),
        _ => json(200, json!({})),
    })
    .await
}

/// An account whose grant was refused, with so many seconds of its token left.
async fn refused(vendor: &Script, lives: u64) -> Leeward {
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    let given = json!({ "access_token": "old", "refresh_token": "rt-0", "expires_in": lives });
    assert_eq!(leeward.put("acme", "r", given).await.status, 201);
    let problem = leeward.refresh("acme").await.problem(401, "needs_reauth");
    assert_eq!(problem["account"], "acme");
    leeward
}

#[tokio::test]
async fn a_refused_grant_needs_reauth_while_its_token_goes_on_to_its_end() {
    let vendor = refusing().await;
    let leeward = refused(&vendor, 3).await;
    let shown = leeward.account("acme").await;
    assert_eq!(shown["status"], "needs_reauth");
    assert!(
        shown["reason"].as_str().unwrap().contains("invalid_grant"),
        "{shown}"
    );
    leeward.get("/proxy/r/x").await.live();
    assert_eq!(vendor.last().header("authorization"), Some("Bearer old"));
    leeward
        .until("its end", || async {
            leeward.get("/proxy/r/x").await.status == 401
        })
        .await;
    let (served, bought) = (vendor.count("/x"), vendor.count("/token"));
    let answer = leeward.get("/proxy/r/x").await;
    answer.problem(401, "needs_reauth");
    assert_eq!(answer.header("leeward-attempts"), Some("0"));
    assert_eq!(answer.header("leeward-account"), Some("acme"));
    assert_eq!(
        vendor.count("/x"),
        served,
        "the vendor is not called in vain"
    );
    assert_eq!(vendor.count("/token"), bought, "nor is its token endpoint");
    // Neither does a new process ask at once.
    let leeward = leeward.killed_and_started_again().await;
    leeward.get("/proxy/r/x").await.problem(401, "needs_reauth");
    assert_eq!(vendor.count("/token"), bought);
    assert_eq!(leeward.account("acme").await["status"], "needs_reauth");
}

#[tokio::test]
async fn other_credentials_make_it_active_again() {
    let vendor = refusing().await;
    let leeward = refused(&vendor, 0).await;
    leeward.get("/proxy/r/x").await.problem(401, "needs_reauth");
    // The same again change nothing.
    let same = json!({ "access_token": "old", "refresh_token": "rt-0", "expires_in": 600 });
    let put = leeward.put("acme", "r", same).await;
    assert_eq!(
        (put.status.as_u16(), &put.json()["changed"]),
        (200, &json!(false))
    );
    leeward.get("/proxy/r/x").await.problem(401, "needs_reauth");
    let other = json!({ "access_token": "fresh", "refresh_token": "rt-9", "expires_in": 600 });
    let put = leeward.put("acme", "r", other).await;
    assert_eq!(
        (put.status.as_u16(), &put.json()["changed"]),
        (200, &json!(true))
    );
    assert_eq!(put.json()["status"], "active");
    assert_eq!(put.json()["reason"], json!(null));
    leeward.get("/proxy/r/x").await.live();
    assert_eq!(vendor.last().header("authorization"), Some("Bearer fresh"));
}

#[tokio::test]
async fn a_refresh_by_hand_makes_it_active_again() {
    let vendor = refusing().await;
    let leeward = refused(&vendor, 0).await;
    vendor.now(|call| match call.head.uri.path() {
        "/token" => token("restored", "rt-1", 600),
        _ => json(200, json!({})),
    });
    let answer = leeward.refresh("acme").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["status"], "active");
    leeward.get("/proxy/r/x").await.live();
    assert_eq!(
        vendor.last().header("authorization"),
        Some("Bearer restored")
    );
}

#[tokio::test]
async fn what_cannot_be_renewed_says_so_when_it_is_over() {
    let vendor = refusing().await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    leeward
        .put(
            "acme",
            "r",
            json!({ "access_token": "old", "expires_in": 1 }),
        )
        .await;
    leeward
        .until("its end", || async {
            leeward.get("/proxy/r/x").await.status == 401
        })
        .await;
    leeward.get("/proxy/r/x").await.problem(401, "needs_reauth");
    leeward.until_status("acme", "needs_reauth").await;
    assert_eq!(vendor.count("/token"), 0, "there is nothing to buy with");
}

#[tokio::test]
async fn three_rejections_of_a_key_show_it_but_its_calls_go_on() {
    let vendor = Script::start(|_| json(401, json!({ "message": "bad key" }))).await;
    let auth = "auth: {type: api_key, apply: {header: X-Key, value: '{{credentials.api_key}}'}}";
    let leeward = Files::new()
        .provider("k", &format!("base_url: {}\n{auth}", vendor.url()))
        .start()
        .await;
    leeward.put("acme", "k", json!({ "api_key": "one" })).await;
    for _ in 0..2 {
        // The vendor's own answer, asked for once.
        let answer = leeward.get("/proxy/k/x").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("leeward-error")),
            (401, None)
        );
        assert_eq!(answer.json(), json!({ "message": "bad key" }));
    }
    assert_eq!(vendor.count("/x"), 2);
    assert_eq!(leeward.account("acme").await["status"], "active");
    leeward.get("/proxy/k/x").await;
    leeward.until_status("acme", "needs_reauth").await;
    let answer = leeward.get("/proxy/k/x").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("leeward-error")),
        (401, None)
    );
    assert_eq!(vendor.count("/x"), 4, "the calls go on");
    // A call that succeeds takes it back.
    vendor.now(|_| json(200, json!({})));
    leeward.get("/proxy/k/x").await.live();
    leeward.until_status("acme", "active").await;
    // A success between ends the row.
    for status in [401, 401, 200, 401, 401] {
        vendor.now(move |_| json(status, json!({})));
        assert_eq!(leeward.get("/proxy/k/x").await.status, status);
    }
    assert_eq!(leeward.account("acme").await["status"], "active");
}
