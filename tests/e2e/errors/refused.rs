//! What Leeward does not send.

use leeward_vendors::{Call, Entry, Reply};
use serde_json::json;

use super::open;
use crate::harness::{Files, json, turns, vendor};

#[tokio::test]
async fn what_leeward_refuses_to_send() {
    let limits = vendor(turns(|turn, _| match turn {
        0 => {
            json(429, json!({"why": "too fast"})).header("retry-after", http::HeaderValue::from(30))
        }
        _ => json(200, json!({})),
    }))
    .await;
    let hangs = vendor(|call: &Call| match call.head.uri.path() {
        "/hang" => Reply::Hang,
        _ => json(200, json!({})),
    })
    .await;
    let breaks = vendor(|_: &Call| json(500, json!({}))).await;
    let leeward = Files::new()
        .provider("limited", &open(&limits.url()))
        .provider(
            "broken",
            &format!(
                "{}\nbreaker: {{consecutive_failures: 2}}",
                open(&breaks.url())
            ),
        )
        .provider(
            "full",
            &format!(
                "{}\nconcurrency: {{max_in_flight: 1, max_waiting: 0}}",
                open(&hangs.url())
            ),
        )
        .start()
        .await;
    let problem = leeward
        .get("/proxy/limited/x")
        .await
        .problem(429, "rate_limited");
    assert_eq!(problem["retry_after"], 30);
    assert_eq!(problem["upstream_status"], 429);
    assert_eq!(problem["upstream_body"], json!({"why": "too fast"}));
    assert!(problem["scope"].is_string());
    let problem = leeward
        .get("/proxy/limited/x")
        .await
        .problem(429, "rate_limited");
    assert_eq!(problem.get("upstream_status"), None);
    assert_eq!(limits.books().read(Entry::Requests), 1);

    for _ in 0..2 {
        // A vendor's own error passes through.
        let answer = leeward.get("/proxy/broken/x").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("leeward-error")),
            (500, None)
        );
    }
    let answer = leeward.get("/proxy/broken/x").await;
    answer.problem(503, "circuit_open");
    assert_eq!(answer.header("leeward-attempts"), Some("0"));
    assert_eq!(breaks.books().read(Entry::Requests), 2);

    let hanging = tokio::spawn({
        let (client, uri) = (
            leeward.client.clone(),
            format!("http://{}/proxy/full/hang", leeward.egress),
        );
        async move { client.get(uri.parse().unwrap()).await }
    });
    let arrived = || async { hangs.books().read(Entry::Requests) == 1 };
    leeward.until("one is in flight", arrived).await;
    leeward
        .get("/proxy/full/x")
        .await
        .problem(503, "overloaded");
    hanging.abort();
    let room = || async { leeward.get("/proxy/full/x").await.status == 200 };
    leeward.until("the place is free again", room).await;
}

#[tokio::test]
async fn a_scope_of_a_path_is_told_by_the_path_at_the_vendor() {
    let vendor = vendor(|call: &Call| match call.head.uri.path() {
        "/v3/jobs/7" => json(429, json!({})).header("retry-after", http::HeaderValue::from(60)),
        _ => json(200, json!({})),
    })
    .await;
    let rules = "rate_limit: {rules: [{id: jobs, when: {status: 429, path: '^/v3/jobs/'}, scope: jobs, \
                 wait: [{header: Retry-After, format: http}]}]}";
    let leeward = Files::new()
        .provider(
            "limited",
            &format!("{}\n{rules}", open(&format!("{}/v3", vendor.url()))),
        )
        .start()
        .await;
    for _ in 0..2 {
        let problem = leeward
            .get("/proxy/limited/jobs/7")
            .await
            .problem(429, "rate_limited");
        assert_eq!(problem["scope"], "jobs");
    }
    assert_eq!(vendor.books().read(Entry::Requests), 1);
    leeward.get("/proxy/limited/contacts/7").await.live();
}
