//! What a request moves.

use leeward_vendors::Reply;
use serde_json::json;

use super::{holds, ok, page, started};
use crate::harness::{Script, json, turns};

#[tokio::test]
async fn successes_and_refusals_are_counted_where_they_belong() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/missing" => json(404, json!({})),
        "/broken" => json(500, json!({})),
        _ => ok(),
    })
    .await;
    let leeward = started(&vendor, "").await;
    for _ in 0..3 {
        leeward.get("/proxy/p/x?secret=1").await.live();
    }
    leeward.get("/proxy/p/missing").await;
    leeward.get("/proxy/p/broken").await;
    leeward.get("/proxy/nobody/x").await;
    leeward.get("/nothing").await;
    let page = page(&leeward).await;
    holds(
        &page,
        &[
            (
                r#"leeward_requests_total{operation="proxy",outcome="ok",provider="p",source="live"}"#,
                3.0,
            ),
            (
                r#"leeward_requests_total{operation="proxy",outcome="client_error",provider="p",source="live"}"#,
                1.0,
            ),
            (
                r#"leeward_requests_total{operation="proxy",outcome="upstream_error",provider="p",source="live"}"#,
                1.0,
            ),
            (
                r#"leeward_requests_total{operation="proxy",outcome="unknown_provider",provider="-",source="live"}"#,
                1.0,
            ),
            (
                r#"leeward_request_duration_seconds_count{outcome="ok",provider="p",source="live"}"#,
                3.0,
            ),
            (
                r#"leeward_request_duration_seconds_bucket{outcome="ok",provider="p",source="live",le="+Inf"}"#,
                3.0,
            ),
            (
                r#"leeward_upstream_responses_total{provider="p",status="200"}"#,
                3.0,
            ),
            (
                r#"leeward_upstream_responses_total{provider="p",status="404"}"#,
                1.0,
            ),
            (
                r#"leeward_upstream_responses_total{provider="p",status="500"}"#,
                1.0,
            ),
            (
                r#"leeward_upstream_duration_seconds_count{provider="p"}"#,
                5.0,
            ),
            (r#"leeward_overhead_seconds_count{provider="p"}"#, 5.0),
            (r#"leeward_in_flight{provider="p"}"#, 0.0),
            (r#"leeward_store_up"#, 1.0),
            (r#"leeward_config_generation"#, 1.0),
            (r#"leeward_config_reload_failures_total"#, 0.0),
            (r#"leeward_breakers{provider="p",state="closed"}"#, 1.0),
            (r#"leeward_breakers{provider="p",state="open"}"#, 0.0),
            (r#"leeward_breakers{provider="p",state="half_open"}"#, 0.0),
        ],
    );
    let connects: f64 = page
        .iter()
        .filter(|(name, _)| name.starts_with("leeward_connects_total{provider=\"p\""))
        .map(|(_, value)| value)
        .sum();
    assert!(connects >= 1.0);
    assert!(
        page.keys()
            .any(|name| name.starts_with("leeward_build_info{commit=\"")),
        "{page:#?}"
    );
}

#[tokio::test]
async fn a_hang_up_of_the_application_is_told_apart() {
    let vendor = Script::start(|_| Reply::Hang).await;
    let leeward = started(&vendor, "").await;
    let answer = leeward.client.request(
        http::Request::get(format!("http://{}/proxy/p/x", leeward.egress))
            .body(Default::default())
            .unwrap(),
    );
    let answer = tokio::spawn(answer);
    leeward
        .until("it is under way", || async {
            leeward.metric(r#"leeward_in_flight{provider="p"}"#).await == 1.0
        })
        .await;
    answer.abort();
    let aborted = r#"leeward_requests_total{operation="proxy",outcome="client_aborted",provider="p",source="live"}"#;
    leeward
        .until("it is counted", || async {
            leeward.metric(aborted).await == 1.0
        })
        .await;
    assert_eq!(
        leeward.metric(r#"leeward_in_flight{provider="p"}"#).await,
        0.0
    );
}

#[tokio::test]
async fn a_limit_is_counted_once_by_whom_it_was() {
    let vendor = Script::start(|_| json(429, json!({})).header("retry-after", 100)).await;
    let leeward = started(&vendor, "rate_limit: {rules: [{when: {status: 429}, scope: burst, wait: [{header: Retry-After, format: http}]}]}").await;
    for _ in 0..3 {
        leeward.get("/proxy/p/x").await.problem(429, "rate_limited");
    }
    let page = page(&leeward).await;
    holds(
        &page,
        &[
            (
                r#"leeward_rate_limited_total{by="vendor",provider="p",scope="burst"}"#,
                1.0,
            ),
            (
                r#"leeward_rate_limited_total{by="gate",provider="p",scope="burst"}"#,
                2.0,
            ),
            (r#"leeward_retry_after_seconds_count{provider="p"}"#, 3.0),
            (
                r#"leeward_retry_after_seconds_bucket{provider="p",le="60"}"#,
                0.0,
            ),
            (
                r#"leeward_retry_after_seconds_bucket{provider="p",le="300"}"#,
                3.0,
            ),
            (
                r#"leeward_upstream_responses_total{provider="p",status="429"}"#,
                1.0,
            ),
            (
                r#"leeward_requests_total{operation="proxy",outcome="rate_limited",provider="p",source="live"}"#,
                3.0,
            ),
        ],
    );
}

#[tokio::test]
async fn a_retry_is_counted_by_its_reason() {
    let vendor = Script::start(turns(|turn, _| match turn {
        0 => json(503, json!({})),
        _ => ok(),
    }))
    .await;
    let leeward = started(
        &vendor,
        "retry: {backoff: {base: 1ms, max: 2ms}, budget: 100%}",
    )
    .await;
    let answer = leeward.get("/proxy/p/x").await;
    answer.live();
    assert_eq!(answer.header("leeward-attempts"), Some("2"));
    let page = page(&leeward).await;
    let retries: Vec<(&String, &f64)> = page
        .iter()
        .filter(|(name, _)| name.starts_with("leeward_retries_total"))
        .collect();
    assert_eq!(
        retries,
        [(
            &r#"leeward_retries_total{provider="p",reason="503"}"#.to_owned(),
            &1.0
        )]
    );
    holds(
        &page,
        &[
            (
                r#"leeward_requests_total{operation="proxy",outcome="ok",provider="p",source="live"}"#,
                1.0,
            ),
            (
                r#"leeward_upstream_responses_total{provider="p",status="503"}"#,
                1.0,
            ),
            (
                r#"leeward_upstream_responses_total{provider="p",status="200"}"#,
                1.0,
            ),
            (
                r#"leeward_upstream_duration_seconds_count{provider="p"}"#,
                2.0,
            ),
            (r#"leeward_overhead_seconds_count{provider="p"}"#, 1.0),
        ],
    );
}

#[tokio::test]
async fn a_breakers_way_is_counted_and_its_state_shown() {
    let vendor = Script::start(|_| json(500, json!({}))).await;
    let leeward = started(
        &vendor,
        "breaker: {consecutive_failures: 2, open_for: 1s, max_open_for: 1s}",
    )
    .await;
    for _ in 0..2 {
        leeward.get("/proxy/p/x").await;
    }
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
    let open = page(&leeward).await;
    holds(
        &open,
        &[
            (
                r#"leeward_breaker_transitions_total{provider="p",to="open"}"#,
                1.0,
            ),
            (r#"leeward_breakers{provider="p",state="open"}"#, 1.0),
            (r#"leeward_breakers{provider="p",state="closed"}"#, 0.0),
            (
                r#"leeward_requests_total{operation="proxy",outcome="circuit_open",provider="p",source="live"}"#,
                1.0,
            ),
        ],
    );
    let status = leeward.telemetry("/status.json").await.json();
    assert_eq!(
        status["providers"][0]["circuits_not_closed"],
        json!(["open"])
    );
    vendor.now(|_| ok());
    leeward
        .until("it closes", || async {
            leeward.get("/proxy/p/x").await.status == 200
        })
        .await;
    holds(
        &page(&leeward).await,
        &[
            (
                r#"leeward_breaker_transitions_total{provider="p",to="half_open"}"#,
                1.0,
            ),
            (
                r#"leeward_breaker_transitions_total{provider="p",to="closed"}"#,
                1.0,
            ),
            (r#"leeward_breakers{provider="p",state="open"}"#, 0.0),
            (r#"leeward_breakers{provider="p",state="closed"}"#, 1.0),
        ],
    );
}
