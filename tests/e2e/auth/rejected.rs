//! A token that the vendor says is dead: renewed once, repeated once.

use http::Method;
use leeward_vendors::{Call, Reply};
use serde_json::json;

use super::{oauth2, token};
use crate::harness::{Files, Leeward, Script, json};

/// Knows the tokens that end with `-new`, except those of `never`.
fn reply(call: &Call, dead: fn() -> Reply) -> Reply {
    if call.head.uri.path() == "/token" {
        let account = call.form("refresh_token").unwrap_or_default();
        return token(&format!("{account}-new"), &account, 600);
    }
    let bearer = call.bearer().unwrap_or_default();
    if bearer.ends_with("-new") && !bearer.starts_with("never") {
        json(200, json!({ "got": call.body.len() }))
    } else {
        dead()
    }
}

fn unauthorized() -> Reply {
    json(401, json!({ "error": "dead" }))
}

async fn put(leeward: &Leeward, account: &str) {
    let old = json!({ "access_token": "old", "refresh_token": account, "expires_in": 600 });
    assert_eq!(leeward.put(account, "r", old).await.status, 201);
}

#[tokio::test]
async fn a_rejected_request_is_repeated_once_with_a_new_token() {
    let vendor = Script::start(|call| reply(call, unauthorized)).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    put(&leeward, "get").await;
    let answer = leeward.get("/proxy/r/get").await;
    answer.live();
    assert_eq!(answer.header("leeward-attempts"), Some("2"));
    assert_eq!((vendor.count("/get"), vendor.count("/token")), (2, 1));
    // The next one goes out with it at once.
    leeward.get("/proxy/r/get").await.live();
    assert_eq!((vendor.count("/get"), vendor.count("/token")), (3, 1));

    // A write, with all of its body.
    put(&leeward, "post").await;
    let body = "x".repeat(60 * 1024);
    let headers = [("leeward-account", "post")];
    let answer = leeward
        .call(Method::POST, "/proxy/r/post", &headers, &body)
        .await;
    assert_eq!(answer.live().json()["got"], body.len());
    let seen = vendor.calls("/post");
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter().all(|call| call.body == body),
        "both times whole"
    );
    assert_eq!(vendor.count("/token"), 2);
}

#[tokio::test]
async fn a_large_body_is_not_kept_and_the_answer_passes() {
    let vendor = Script::start(|call| reply(call, unauthorized)).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    put(&leeward, "big").await;
    let body = "x".repeat(200 * 1024);
    let answer = leeward.call(Method::POST, "/proxy/r/big", &[], &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("leeward-error")),
        (401, None)
    );
    assert_eq!(answer.json(), json!({ "error": "dead" }));
    assert_eq!(vendor.count("/big"), 1);
    // But whoever comes next finds a living token.
    leeward
        .until("a new token", || async {
            leeward.token_version("big").await == 2
        })
        .await;
    let answer = leeward.call(Method::POST, "/proxy/r/big", &[], &body).await;
    assert_eq!(answer.live().json()["got"], body.len());
    assert_eq!(vendor.count("/token"), 1);
}

#[tokio::test]
async fn a_second_rejection_passes() {
    let vendor = Script::start(|call| reply(call, unauthorized)).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    put(&leeward, "never").await;
    let answer = leeward.get("/proxy/r/x").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("leeward-error")),
        (401, None)
    );
    assert_eq!((vendor.count("/x"), vendor.count("/token")), (2, 1));
    // What a new token did not mend is not tried with each request.
    for _ in 0..5 {
        assert_eq!(leeward.get("/proxy/r/x").await.status, 401);
    }
    assert_eq!(vendor.count("/token"), 1);
    assert_ne!(leeward.account("never").await["status"], "needs_reauth");
}

#[tokio::test]
async fn a_dead_token_inside_a_200_is_found_by_its_body() {
    let dead = || json(200, json!({ "error": "token_expired" }));
    let vendor = Script::start(move |call| reply(call, dead)).await;
    let rejected = ", rejected: [{status: 401}, {status: 200, body: {/error: token_expired}}]";
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), rejected))
        .start()
        .await;
    put(&leeward, "a").await;
    assert_eq!(
        leeward.get("/proxy/r/x").await.live().json(),
        json!({ "got": 0 })
    );
    assert_eq!((vendor.count("/x"), vendor.count("/token")), (2, 1));
    // The other test of the list, for another account.
    vendor.now(|call| reply(call, unauthorized));
    put(&leeward, "b").await;
    leeward.get_as("b", "/proxy/r/y").await.live();
    assert_eq!((vendor.count("/y"), vendor.count("/token")), (2, 2));
}

#[tokio::test]
async fn many_rejections_of_one_token_make_one_call() {
    let vendor = Script::start(|call| reply(call, unauthorized)).await;
    let leeward = Files::new()
        .provider("r", &oauth2(&vendor.url(), ""))
        .start()
        .await;
    put(&leeward, "a").await;
    let many = (0..20).map(|_| leeward.get("/proxy/r/x"));
    for answer in futures_util::future::join_all(many).await {
        answer.live();
    }
    assert_eq!(vendor.count("/token"), 1);
}

#[tokio::test]
async fn a_computed_bearer_is_made_anew() {
    // The vendor's clock of the token: it knows the second one only.
    let vendor = Script::start(crate::harness::turns(|turn, call| {
        let body = json!({ "bearer": call.bearer(), "got": call.body.len() });
        json(if turn == 0 { 401 } else { 200 }, body)
    }))
    .await;
    let auth = "auth: {type: bearer, token: '{{$string(now) & \"-\" & credentials.key}}'}";
    let leeward = Files::new()
        .provider("c", &format!("base_url: {}\n{auth}", vendor.url()))
        .start()
        .await;
    leeward.put("acme", "c", json!({ "key": "k" })).await;
    let answer = leeward.call(Method::POST, "/proxy/c/x", &[], "hello").await;
    assert_eq!(answer.live().json()["got"], 5);
    let seen: Vec<_> = vendor
        .calls("/x")
        .iter()
        .map(|call| call.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|bearer| bearer.starts_with("Bearer 1") && bearer.ends_with("-k")),
        "{seen:?}"
    );
    // Kept from then on.
    leeward.get("/proxy/c/x").await.live();
    assert_eq!(vendor.last().header("authorization"), Some(&*seen[1]));
}
