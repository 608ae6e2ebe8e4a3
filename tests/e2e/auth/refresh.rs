//! Renewed in time, by one call, and durable before use.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use http_body_util::Full;
use leeward_vendors::{Entry, Grants, Reply, Rotating};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{Desk, oauth2, refusal, token};
use crate::harness::{Files, Leeward, Script, json, send, vendor};

const NO_TIME: Duration = Duration::ZERO;

/// What a person's log-in gave, with so many seconds left.
fn given(grants: &Grants, lives: u64) -> Value {
    let grant = grants.log_in();
    json!({ "access_token": grant.access_token, "refresh_token": grant.refresh_token, "expires_in": lives })
}

#[tokio::test]
async fn a_token_is_renewed_by_schedule_though_nobody_calls() {
    let grants = Arc::new(Grants::new(1, Duration::from_secs(2), NO_TIME));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new().provider("r", &oauth2(&vendor.url(), "")).start().await;
    leeward.put("acme", "r", given(&grants, 2)).await;
    // Three lives of the token.
    leeward.until("three renewals", || async { vendor.books().read(Entry::TokenCalls) >= 3 }).await;
    assert_eq!(vendor.books().read(Entry::Requests), 0, "nobody called");
    leeward.get("/proxy/r/records/7").await.live();
    let shown = leeward.account("acme").await;
    let time = |name: &str| shown["token"][name].as_str().expect(name).parse::<jiff::Timestamp>().unwrap();
    assert!(time("refreshed_at") < time("refresh_at"));
    assert!(time("refresh_at") < time("expires_at"), "before it is over");
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn no_401_because_of_expiry_reaches_the_application() {
    let grants = Arc::new(Grants::new(2, Duration::from_secs(1), Duration::from_millis(50)));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new().provider("r", &oauth2(&vendor.url(), "")).start().await;
    leeward.put("acme", "r", given(&grants, 1)).await;
    // Through five lives of the token somebody asks all the time.
    while vendor.books().read(Entry::TokenCalls) < 5 {
        leeward.get("/proxy/r/records/7").await.live();
    }
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn fifty_requests_at_expiry_make_one_token_call() {
    let grants = Arc::new(Grants::new(3, Duration::from_secs(600), Duration::from_millis(300)));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new().provider("r", &oauth2(&vendor.url(), "")).start().await;
    for round in 1..=3 {
        leeward.put("acme", "r", given(&grants, 0)).await;
        let many = (0..50).map(|n| {
            let leeward = &leeward;
            async move { leeward.get(&format!("/proxy/r/records/{n}")).await }
        });
        for (n, answer) in futures_util::future::join_all(many).await.iter().enumerate() {
            assert_eq!(answer.live().json()["id"], n.to_string());
        }
        assert_eq!(vendor.books().read(Entry::TokenCalls), round, "one for all fifty");
    }
    assert_eq!(vendor.books().read(Entry::Requests), 150, "and none was asked twice");
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_end_the_flight() {
    let grants = Arc::new(Grants::new(4, Duration::from_secs(600), Duration::from_millis(500)));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let leeward = Files::new().provider("r", &oauth2(&vendor.url(), "")).start().await;
    // Without the schedule's help: the role decides who begins flights by itself.
    let over = given(&grants, 0);
    leeward.put("acme", "r", over).await;
    let mut caller = tokio::net::TcpStream::connect(&leeward.egress).await.unwrap();
    caller.write_all(b"GET /proxy/r/records/1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    leeward.until("the token call", || async { vendor.books().read(Entry::TokenCalls) == 1 }).await;
    drop(caller);
    leeward.until("the new token", || async { leeward.token_version("acme").await == 2 }).await;
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
    leeward.put("acme", "r", json!({ "access_token": "old", "refresh_token": "x", "expires_in": 5 })).await;
    // It is due long before it is over.
    leeward
        .until("the new token is needed", || async {
            leeward.get("/proxy/r/x").await.live().json()["bearer"] == "new"
        })
        .await;
    assert_eq!(vendor.count("/token"), 1);
    let before = vendor.calls("/x").iter().filter(|call| call.header("authorization") == Some("Bearer old")).count();
    assert!(before > 0, "the old one went on");
}

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
    let grants = Arc::new(Grants::new(5, Duration::from_secs(600), NO_TIME));
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
    let mut leeward = Files::new().provider("r", &oauth2(&vendor.url(), "")).start().await;
    for round in 1..=4 {
        leeward.put("acme", "r", given(&grants, 0)).await;
        send_and_forget(&leeward, "/proxy/r/halt");
        // The vendor has seen the new token for the first time: now.
        assert_eq!(arrivals.recv().await, Some(true));
        leeward = leeward.killed_and_started_again().await;
        leeward.get("/proxy/r/x").await.live();
        assert_eq!(vendor.books().read(Entry::TokenCalls), 2 * round - 1, "it was kept");
        // So was the refresh token that came with it.
        assert_eq!(leeward.refresh("acme").await.status, 200);
        leeward.get("/proxy/r/x").await.live();
    }
    assert_eq!(vendor.books().read(Entry::Revoked), 0, "no refresh token was used twice");
}

#[tokio::test]
async fn killed_again_and_again_the_account_lives() {
    let grants = Arc::new(Grants::new(6, Duration::from_secs(1), NO_TIME));
    let vendor = vendor(Rotating::new(Arc::clone(&grants))).await;
    let mut leeward = Files::new().provider("r", &oauth2(&vendor.url(), "")).start().await;
    leeward.put("acme", "r", given(&grants, 1)).await;
    for _ in 0..6 {
        let before = leeward.token_version("acme").await;
        // Right after a renewal, when the books of both sides must agree.
        leeward
            .until("a renewal", || async { leeward.token_version("acme").await > before })
            .await;
        leeward = leeward.killed_and_started_again().await;
        leeward.get("/proxy/r/records/1").await.live();
        assert_eq!(leeward.account("acme").await["status"], "active");
    }
    assert_eq!(vendor.books().read(Entry::Revoked), 0);
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_leaves_the_old_token_in_use() {
    let vendor = Script::start(|_| json(200, json!({}))).await;
    let leeward = Files::new().provider("r", &oauth2(&vendor.url(), "")).start().await;
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
        let problem = leeward.refresh("acme").await.problem(503, "credentials_unavailable");
        assert_eq!(problem["account"], "acme", "{name}");
        assert!(vendor.count("/token") > before, "{name}");
        leeward.get("/proxy/r/x").await.live();
        assert_eq!(vendor.last().header("authorization"), Some("Bearer old"), "{name}");
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
    let leeward = Files::new().provider("r", &oauth2(&vendor.url(), "")).start().await;
    let over = json!({ "access_token": "old", "refresh_token": "rt-0", "expires_in": 0 });
    leeward.put("acme", "r", over).await;
    let answer = leeward.call(Method::GET, "/proxy/r/x", &[("leeward-timeout", "2s")], "").await;
    answer.problem(503, "credentials_unavailable");
    assert_eq!(answer.header("leeward-attempts"), Some("0"));
    assert_eq!(vendor.count("/x"), 0, "not called in vain");
    assert_ne!(leeward.account("acme").await["status"], "needs_reauth");
    vendor.now(|call| match call.head.uri.path() {
        "/token" => token("new", "rt-1", 600),
        _ => json(200, json!({})),
    });
    leeward.until("it is back", || async { leeward.get("/proxy/r/x").await.status == 200 }).await;
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
    let leeward = Files::new().provider("r", &oauth2(&vendor.url(), ", timeout: 1s")).start().await;
    for account in ["slow", "swift"] {
        leeward.put(account, "r", json!({ "refresh_token": account })).await;
    }
    leeward.until("the hanging call", || async { vendor.count("/token") >= 1 }).await;
    leeward.get_as("swift", "/proxy/r/x").await.live();
    leeward.get_as("slow", "/proxy/r/x").await.problem(503, "credentials_unavailable");
    let request = Request::get(format!("http://{}/proxy/r/x", leeward.egress)).body(Full::default());
    send(&leeward.client, request.unwrap()).await.problem(400, "ambiguous_account");
}
