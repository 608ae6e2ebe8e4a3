//! What a reload leaves alone: requests under way, circuits, gates, tokens.

use http::{Method, Request};
use http_body_util::Full;
use leeward_vendors::Reply;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::harness::{Files, Leeward, Script, connections, head, json, send};

/// Changes a provider's file, and waits until it is in force.
async fn change(leeward: &Leeward, name: &str) {
    let path = format!("providers/{name}.yaml");
    let text = std::fs::read_to_string(leeward.path(&path)).unwrap();
    let before = leeward.get(&format!("/proxy/{name}/x")).await;
    leeward.write(&path, &format!("{text}\nheaders: {{X-New: 'yes'}}\n"));
    leeward
        .until("the change", || async {
            let now = leeward.get(&format!("/proxy/{name}/x")).await;
            now.header("leeward-config") != before.header("leeward-config")
        })
        .await;
}

#[tokio::test]
async fn a_request_under_way_ends_as_it_began() {
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let vendor = connections(move |mut stream| {
        let arrived = arrived.clone();
        async move {
            head(&mut stream).await;
            let (go, wait) = tokio::sync::oneshot::channel::<()>();
            arrived.send(go).unwrap();
            let _ = wait.await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone";
            let _ = stream.write_all(answer).await;
        }
    })
    .await;
    let leeward = Files::new()
        .provider("p", &format!("base_url: http://{vendor}"))
        .start()
        .await;
    let version = || async {
        let listed = leeward.admin(Method::GET, "/providers", None).await.json();
        listed["providers"][0]["version"].clone()
    };
    let before = version().await;
    let request = Request::get(format!("http://{}/proxy/p/x", leeward.egress))
        .body(Full::default())
        .unwrap();
    let client = leeward.client.clone();
    let under_way = tokio::spawn(async move { send(&client, request).await });
    let go = arrivals.recv().await.unwrap();
    leeward.write(
        "providers/p.yaml",
        &format!("provider: p\nbase_url: http://{vendor}/other\n"),
    );
    leeward
        .until("the change", || async { version().await != before })
        .await;
    // Even if its provider is gone altogether.
    std::fs::remove_file(leeward.path("providers/p.yaml")).unwrap();
    leeward
        .until("it is gone", || async { version().await.is_null() })
        .await;
    go.send(()).unwrap();
    let answer = under_way.await.unwrap();
    assert_eq!(answer.live().text(), "done");
    assert_eq!(answer.header("leeward-config"), before.as_str());
}

#[tokio::test]
async fn an_open_circuit_stays_open() {
    let vendor = Script::start(|_| json(500, json!({}))).await;
    let leeward = Files::new()
        .provider(
            "p",
            &format!(
                "base_url: {}\nbreaker: {{consecutive_failures: 2, open_for: 5m}}",
                vendor.url()
            ),
        )
        .start()
        .await;
    for _ in 0..2 {
        assert_eq!(leeward.get("/proxy/p/x").await.status, 500);
    }
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
    change(&leeward, "p").await;
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
    assert_eq!(vendor.count("/x"), 2);
    let breakers = leeward.listed("breakers").await;
    assert_eq!((breakers.len(), &breakers[0]["state"]), (1, &json!("open")));
}

#[tokio::test]
async fn a_closed_gate_stays_closed() {
    let vendor = Script::start(|_| json(429, json!({})).header("retry-after", 300)).await;
    let leeward = Files::new()
        .provider("p", &format!("base_url: {}", vendor.url()))
        .start()
        .await;
    leeward.get("/proxy/p/x").await.problem(429, "rate_limited");
    change(&leeward, "p").await;
    let problem = leeward.get("/proxy/p/x").await.problem(429, "rate_limited");
    assert!(problem["retry_after"].as_u64().unwrap() > 200, "{problem}");
    assert_eq!(vendor.count("/x"), 1);
    assert_eq!(leeward.listed("limits").await.len(), 1);
}

#[tokio::test]
async fn a_token_stays_in_use() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => json(200, json!({ "access_token": "bought", "expires_in": 3600 })),
        _ => json(200, json!({ "bearer": call.bearer() })),
    })
    .await;
    let url = vendor.url();
    let leeward = Files::new()
        .provider("p", &format!("base_url: {url}\nauth: {{type: client_credentials, token_url: '{url}/token', client_id: a, client_secret: b}}"))
        .start()
        .await;
    leeward.get("/proxy/p/x").await.live();
    change(&leeward, "p").await;
    assert_eq!(
        leeward.get("/proxy/p/x").await.live().json()["bearer"],
        "bought"
    );
    assert_eq!(vendor.last().header("x-new"), Some("yes"));
    assert_eq!(vendor.count("/token"), 1);
}

#[tokio::test]
async fn an_account_of_a_provider_that_went_and_came_is_there() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => Reply::json(
            200,
            &json!({ "access_token": "at-1", "refresh_token": "rt-1", "expires_in": 3600 }),
        ),
        _ => json(200, json!({ "bearer": call.bearer() })),
    })
    .await;
    let url = vendor.url();
    let file = format!(
        "base_url: {url}\nauth: {{type: oauth2, token_url: '{url}/token', client_id: a, client_secret: b}}"
    );
    let leeward = Files::new().provider("p", &file).start().await;
    leeward
        .put(
            "acme",
            "p",
            json!({ "access_token": "at-0", "refresh_token": "rt-0", "expires_in": 3600 }),
        )
        .await;
    assert_eq!(leeward.refresh("acme").await.status, 200);
    std::fs::remove_file(leeward.path("providers/p.yaml")).unwrap();
    leeward
        .until("it is gone", || async {
            leeward.get("/proxy/p/x").await.status == 404
        })
        .await;
    assert_eq!(leeward.account("acme").await["status"], "active");
    leeward.write("providers/p.yaml", &format!("provider: p\n{file}\n"));
    leeward
        .until("it is back", || async {
            leeward.get("/proxy/p/x").await.status == 200
        })
        .await;
    assert_eq!(
        leeward.get("/proxy/p/x").await.live().json()["bearer"],
        "at-1"
    );
    assert_eq!(vendor.count("/token"), 1);
}
