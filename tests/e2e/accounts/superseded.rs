//! A rotated token wins over the credentials that it came from.

use http::Method;
use serde_json::json;

use super::{oauth2, rotating};
use crate::harness::{Files, Leeward, Script};

/// Puts these credentials with a variable; whether anything but that changed.
async fn put(leeward: &Leeward, refresh_token: &str, boot: u32) -> bool {
    let body = json!({
        "provider": "o",
        // An application that reckons the lifetime anew at each boot.
        "credentials": { "access_token": "at-0", "refresh_token": refresh_token, "expires_in": 3600 + boot },
        "vars": { "boot": boot },
    });
    let answer = leeward
        .admin(Method::PUT, "/accounts/acme", Some(body))
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
    assert_eq!(answer.json()["vars"], json!({ "boot": boot }));
    answer.json()["changed"].as_bool().unwrap()
}

async fn bearer(leeward: &Leeward) -> String {
    let answer = leeward.get("/proxy/o/x").await;
    answer.live().json()["bearer"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn credentials_put_again_change_nothing_but_vars() {
    let vendor = Script::start(rotating).await;
    let leeward = Files::new()
        .provider("o", &oauth2(&vendor.url()))
        .start()
        .await;
    assert!(put(&leeward, "rt-0", 1).await);
    assert_eq!(leeward.refresh("acme").await.status, 200);
    assert!(!put(&leeward, "rt-0", 2).await);
    assert_eq!(bearer(&leeward).await, "at-1");

    let leeward = leeward.killed_and_started_again().await;
    assert!(!put(&leeward, "rt-0", 3).await);
    assert_eq!(bearer(&leeward).await, "at-1");
    // Other ones replace; then both are known.
    assert!(put(&leeward, "rt-70", 4).await);
    assert_eq!(leeward.refresh("acme").await.status, 200);
    assert_eq!(bearer(&leeward).await, "at-71");
    assert!(!put(&leeward, "rt-0", 5).await);
    assert!(!put(&leeward, "rt-70", 6).await);
    assert_eq!(bearer(&leeward).await, "at-71");
    assert_eq!(
        leeward.refresh("acme").await.status,
        200,
        "its own refresh token is the last one"
    );
    assert_eq!(bearer(&leeward).await, "at-72");
    let sent: Vec<String> = vendor
        .calls("/token")
        .iter()
        .map(|call| call.body.clone())
        .collect();
    for (body, token) in sent.iter().zip(["rt-0", "rt-70", "rt-71"]) {
        assert!(body.contains(&format!("refresh_token={token}&")), "{body}");
    }
    assert_eq!(sent.len(), 3);
}

#[tokio::test]
async fn so_it_is_with_files_at_each_boot() {
    let vendor = Script::start(rotating).await;
    let file = |boot: u32| {
        format!(
            "provider: o\ncredentials: {{access_token: at-0, refresh_token: rt-0, expires_in: 3600}}\nvars: {{boot: {boot}}}"
        )
    };
    let mut leeward = Files::new()
        .provider("o", &oauth2(&vendor.url()))
        .account("acme", &file(0))
        .start()
        .await;
    for boot in 1..=3 {
        assert_eq!(leeward.refresh("acme").await.status, 200);
        leeward.write(
            "accounts/acme.yaml",
            &format!("account: acme\n{}", file(boot)),
        );
        leeward = leeward.killed_and_started_again().await;
        assert_eq!(
            leeward.account("acme").await["vars"],
            json!({ "boot": boot })
        );
        assert_eq!(bearer(&leeward).await, format!("at-{boot}"));
    }
    // Put over the API what the file has: known, too.
    assert!(!put(&leeward, "rt-0", 9).await);
    assert_eq!(bearer(&leeward).await, "at-3");
}
