//! What an account lacks.

use http::Method;
use leeward_vendors::Call;
use serde_json::{Value, json};

use crate::harness::{Files, Leeward, json, refused, vendor};

async fn put(leeward: &Leeward, account: &str, provider: &str, credentials: Value) {
    let body = json!({ "provider": provider, "credentials": credentials });
    let answer = leeward
        .admin(Method::PUT, &format!("/accounts/{account}"), Some(body))
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

#[tokio::test]
async fn what_an_account_lacks() {
    let vendor = vendor(|call: &Call| match call.form("refresh_token").as_deref() {
        None => json(200, json!({})),
        Some("gone") => json(400, json!({"error": "invalid_grant"})),
        Some("stranger") => json(401, json!({"error": "invalid_client"})),
        Some(_) => json(503, json!({})),
    })
    .await;
    let url = vendor.url();
    let oauth = |token_url: &str| {
        format!(
            "base_url: {url}\nauth: {{type: oauth2, token_url: '{token_url}', client_id: app, client_secret: x, timeout: 2s}}"
        )
    };
    let leeward = Files::new()
        .provider("tokens", &oauth(&format!("{url}/token")))
        .provider("away", &oauth(&format!("http://{}/token", refused())))
        .provider("keyed", &format!("base_url: {url}\nauth: {{type: api_key, apply: {{header: X-Key, value: '{{{{credentials.api_key}}}}'}}}}"))
        .start()
        .await;
    let over =
        |refresh: &str| json!({"access_token": "a", "refresh_token": refresh, "expires_at": 1});
    put(&leeward, "gone", "tokens", over("gone")).await;
    let problem = leeward
        .get_as("gone", "/proxy/tokens/x")
        .await
        .problem(401, "needs_reauth");
    assert_eq!(
        (&problem["provider"], &problem["account"]),
        (&json!("tokens"), &json!("gone"))
    );
    put(&leeward, "stranger", "tokens", over("stranger")).await;
    leeward
        .get_as("stranger", "/proxy/tokens/x")
        .await
        .problem(503, "credentials_unavailable");
    put(&leeward, "later", "tokens", over("later")).await;
    leeward
        .get_as("later", "/proxy/tokens/x")
        .await
        .problem(503, "credentials_unavailable");
    put(&leeward, "away", "away", over("any")).await;
    let problem = leeward
        .get("/proxy/away/x")
        .await
        .problem(503, "credentials_unavailable");
    // The schedule may have met the failure first.
    let detail = problem["detail"].as_str().unwrap();
    let says_why = detail.contains("refused") || detail.contains("an earlier token call failed");
    assert!(says_why, "{problem}");
    // The vendor was asked for tokens alone.
    leeward
        .admin(Method::POST, "/accounts/later/disable", None)
        .await;
    leeward
        .get_as("later", "/proxy/tokens/x")
        .await
        .problem(403, "account_disabled");
    put(&leeward, "bare", "keyed", json!({})).await;
    let problem = leeward
        .get("/proxy/keyed/x")
        .await
        .problem(422, "account_incomplete");
    assert!(
        problem["detail"].as_str().unwrap().contains("api_key"),
        "{problem}"
    );
    put(
        &leeward,
        "bare",
        "keyed",
        json!({"api_key": "a\r\nX-Evil: 1"}),
    )
    .await;
    leeward
        .get("/proxy/keyed/x")
        .await
        .problem(422, "account_incomplete");
    assert_eq!(
        leeward
            .metric("leeward_upstream_responses_total{provider=\"tokens\",status=\"200\"}")
            .await,
        0.0
    );
}
