//! Token endpoints in trouble.

use http::{Method, Request};
use http_body_util::Full;
use leeward_vendors::Reply;
use serde_json::json;

use super::{oauth2, refusal, token};
use crate::harness::{Files, Script, json, send};

#[tokio::test]
async fn a_token_endpoint_in_trouble_leaves_the_old_token_in_use() {
    let vendor = Script::start(|_| json(200, json!({}))).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    let old = json!({ "access_token": "old", "refresh_token": "rt-0", "expires_in": 600 });
    leeward.put("acme", "r", old).await;
    type Trouble = (&'static str, fn() -> Reply);
    let troubles: [Trouble; 8] = [
        ("500", || refusal(500, "server_error")),
        ("429", || refusal(429, "slow_down")),
        ("a bare 401", || json(401, json!({}))),
        ("invalid_client", || refusal(401, "invalid_client")),
        ("another error", || refusal(400, "temporarily_unavailable")),
        ("no token in it", || json(200, json!({ "hello": 1 }))),
        ("torn", || match token("new", "rt-1", 600) {
            Reply::Answer(answer) => Reply::Torn(answer, 10),
            other => other,
        }),
        ("closed", || Reply::Close),
    ];
    for (name, trouble) in troubles {
        let before = vendor.count("/token");
        vendor.now(move |call| match call.head.uri.path() {
            "/token" => trouble(),
            _ => json(200, json!({})),
        });
        let problem = leeward
            .refresh("acme")
            .await
            .problem(503, "credentials_unavailable");
        assert_eq!(problem["account"], "acme", "{name}");
        assert!(vendor.count("/token") > before, "{name}");
        leeward.get("/proxy/r/x").await.live();
        assert_eq!(
            vendor.last().header("authorization"),
            Some("Bearer old"),
            "{name}"
        );
        let shown = leeward.account("acme").await;
        assert_ne!(shown["status"], "needs_reauth", "{name}");
        assert_eq!(shown["token"]["version"], 1, "{name}");
    }
    vendor.now(|call| match call.head.uri.path() {
        "/token" => token("new", "rt-1", 600),
        _ => json(200, json!({})),
    });
    let renewed = leeward.refresh("acme").await;
    assert_eq!(renewed.status, 200);
    assert_eq!(renewed.json()["token"]["version"], 2);
    leeward.get("/proxy/r/x").await.live();
    assert_eq!(vendor.last().header("authorization"), Some("Bearer new"));
    // Nothing of a token is in any log line.
    let log = leeward.log().join("\n");
    for secret in ["rt-0", "rt-1", "hush", "Bearer", "acme"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[tokio::test]
async fn a_token_that_is_over_and_an_endpoint_that_is_away_is_a_503_until_it_is_back() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => Reply::Close,
        _ => json(200, json!({})),
    })
    .await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    let over = json!({ "access_token": "old", "refresh_token": "rt-0", "expires_in": 0 });
    leeward.put("acme", "r", over).await;
    let answer = leeward
        .call(Method::GET, "/proxy/r/x", &[("leeward-timeout", "2s")], "")
        .await;
    answer.problem(503, "credentials_unavailable");
    assert_eq!(answer.header("leeward-attempts"), Some("0"));
    assert_eq!(vendor.count("/x"), 0, "not called in vain");
    assert_ne!(leeward.account("acme").await["status"], "needs_reauth");
    // Who asks does not hurry it: it is tried at its own distances.
    let before = vendor.count("/token");
    for _ in 0..40 {
        let answer = leeward
            .call(
                Method::GET,
                "/proxy/r/x",
                &[("leeward-timeout", "20ms")],
                "",
            )
            .await;
        assert!(
            [503, 504].contains(&answer.status.as_u16()),
            "{}",
            answer.text()
        );
    }
    assert!(
        vendor.count("/token") - before < 20,
        "{}",
        vendor.count("/token") - before
    );
    vendor.now(|call| match call.head.uri.path() {
        "/token" => token("new", "rt-1", 600),
        _ => json(200, json!({})),
    });
    leeward
        .until("it is back", || async {
            leeward.get("/proxy/r/x").await.status == 200
        })
        .await;
    assert_eq!(vendor.last().header("authorization"), Some("Bearer new"));
}

#[tokio::test]
async fn accounts_are_renewed_apart_and_one_waits_for_no_other() {
    // The token call of one hangs.
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" if call.form("refresh_token").as_deref() == Some("slow") => Reply::Hang,
        "/token" => token("new", "rt", 600),
        _ => json(200, json!({})),
    })
    .await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ", timeout: 1s"))
        .start()
        .await;
    for account in ["slow", "swift"] {
        leeward
            .put(account, "r", json!({ "refresh_token": account }))
            .await;
    }
    leeward
        .until("the hanging call", || async { vendor.count("/token") >= 1 })
        .await;
    leeward.get_as("swift", "/proxy/r/x").await.live();
    leeward
        .get_as("slow", "/proxy/r/x")
        .await
        .problem(503, "credentials_unavailable");
    let request =
        Request::get(format!("http://{}/proxy/r/x", leeward.egress)).body(Full::default());
    send(&leeward.client, request.unwrap())
        .await
        .problem(400, "ambiguous_account");
}
