//! `/metrics`, `/livez`, `/readyz`, `/status`: names, shapes, and what moves when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Method;
use leeward_vendors::Reply;
use serde_json::json;

use crate::harness::{Files, Leeward, Script, json, turns};

/// Every family: its type, and its labels in their order.
const FAMILIES: &[(&str, &str, &[&str])] = &[
    ("leeward_requests_total", "counter", &["operation", "outcome", "provider", "source"]),
    ("leeward_request_duration_seconds", "histogram", &["outcome", "provider", "source"]),
    ("leeward_upstream_duration_seconds", "histogram", &["provider"]),
    ("leeward_overhead_seconds", "histogram", &["provider"]),
    ("leeward_upstream_responses_total", "counter", &["provider", "status"]),
    ("leeward_in_flight", "gauge", &["provider"]),
    ("leeward_wait_seconds", "histogram", &["for", "provider"]),
    ("leeward_retries_total", "counter", &["provider", "reason"]),
    ("leeward_connects_total", "counter", &["provider", "result"]),
    ("leeward_store_up", "gauge", &[]),
    ("leeward_listener_refused_total", "counter", &["listener", "reason"]),
    ("leeward_rate_limited_total", "counter", &["by", "provider", "scope"]),
    ("leeward_retry_after_seconds", "histogram", &["provider"]),
    ("leeward_breakers", "gauge", &["provider", "state"]),
    ("leeward_breaker_transitions_total", "counter", &["provider", "to"]),
    ("leeward_token_refreshes_total", "counter", &["provider", "result"]),
    ("leeward_accounts", "gauge", &["provider", "status"]),
    ("leeward_token_expiry_seconds", "gauge", &["provider"]),
    ("leeward_build_info", "gauge", &["commit", "version"]),
    ("leeward_config_reload_failures_total", "counter", &[]),
    ("leeward_config_generation", "gauge", &[]),
    ("leeward_panics_total", "counter", &[]),
];

/// The page, parsed by the rules of its format: series with their values.
fn parse(page: &str) -> BTreeMap<String, f64> {
    let mut help = BTreeSet::new();
    let mut types = BTreeMap::new();
    let mut series = BTreeMap::new();
    let label = regex::Regex::new(r#"^([a-z_]+)="((?:[^"\\\n]|\\.)*)"$"#).unwrap();
    assert!(page.ends_with('\n'));
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, text) = rest.split_once(' ').expect("a text");
            assert!(!text.is_empty() && help.insert(name.to_owned()), "a second HELP of {name}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "a second TYPE of {name}");
            assert!(help.contains(name), "{name} has no HELP");
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a value");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(series.insert(name.to_owned(), value).is_none(), "{name} twice");
        let (name, labels) = match name.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("a brace")),
            None => (name, ""),
        };
        let labels: Vec<&str> = labels
            .split("\",")
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let whole = if pair.ends_with('"') { pair.to_owned() } else { format!("{pair}\"") };
                assert!(label.is_match(&whole), "{line}");
                pair.split('=').next().unwrap()
            })
            .collect();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix).filter(|family| types.get(*family).is_some_and(|kind| kind == "histogram")))
            .unwrap_or(name);
        let (_, kind, expected) = FAMILIES.iter().find(|(known, ..)| *known == family).unwrap_or_else(|| panic!("{family} is not known"));
        assert_eq!(types.get(family).map(String::as_str), Some(*kind), "{family}");
        let mut seen: Vec<&str> = labels.into_iter().filter(|label| *label != "le").collect();
        seen.sort_unstable();
        assert_eq!(seen, *expected, "{family}");
    }
    assert_eq!(help, types.keys().cloned().collect());
    series
}

async fn page(leeward: &Leeward) -> BTreeMap<String, f64> {
    let answer = leeward.telemetry("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    parse(&answer.text())
}

/// The value of a series, 0 if it is not there.
fn value(page: &BTreeMap<String, f64>, series: &str) -> f64 {
    page.get(series).copied().unwrap_or(0.0)
}

#[track_caller]
fn holds(page: &BTreeMap<String, f64>, series: &[(&str, f64)]) {
    for (name, expected) in series {
        let family = name.split('{').next().unwrap_or_default();
        let near: Vec<_> = page.iter().filter(|(name, _)| name.starts_with(family)).collect();
        assert_eq!(value(page, name), *expected, "{name} of\n{near:#?}");
    }
}

fn ok() -> Reply {
    json(200, json!({}))
}

async fn started(vendor: &Script, more: &str) -> Leeward {
    let file = format!("base_url: {}\n{more}", vendor.url());
    Files::new().provider("p", &file).start().await
}

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
            (r#"leeward_requests_total{operation="proxy",outcome="ok",provider="p",source="live"}"#, 3.0),
            (r#"leeward_requests_total{operation="proxy",outcome="client_error",provider="p",source="live"}"#, 1.0),
            (r#"leeward_requests_total{operation="proxy",outcome="upstream_error",provider="p",source="live"}"#, 1.0),
            (r#"leeward_requests_total{operation="proxy",outcome="unknown_provider",provider="-",source="live"}"#, 1.0),
            (r#"leeward_request_duration_seconds_count{outcome="ok",provider="p",source="live"}"#, 3.0),
            (r#"leeward_request_duration_seconds_bucket{outcome="ok",provider="p",source="live",le="+Inf"}"#, 3.0),
            (r#"leeward_upstream_responses_total{provider="p",status="200"}"#, 3.0),
            (r#"leeward_upstream_responses_total{provider="p",status="404"}"#, 1.0),
            (r#"leeward_upstream_responses_total{provider="p",status="500"}"#, 1.0),
            (r#"leeward_upstream_duration_seconds_count{provider="p"}"#, 5.0),
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
    let connects: f64 = page.iter().filter(|(name, _)| name.starts_with("leeward_connects_total{provider=\"p\"")).map(|(_, value)| value).sum();
    assert!(connects >= 1.0);
    assert!(page.keys().any(|name| name.starts_with("leeward_build_info{commit=\"")), "{page:#?}");
}

#[tokio::test]
async fn a_hang_up_of_the_application_is_told_apart() {
    let vendor = Script::start(|_| Reply::Hang).await;
    let leeward = started(&vendor, "").await;
    let answer = leeward.client.request(http::Request::get(format!("http://{}/proxy/p/x", leeward.egress)).body(Default::default()).unwrap());
    let answer = tokio::spawn(answer);
    leeward.until("it is under way", || async { leeward.metric(r#"leeward_in_flight{provider="p"}"#).await == 1.0 }).await;
    answer.abort();
    let aborted = r#"leeward_requests_total{operation="proxy",outcome="client_aborted",provider="p",source="live"}"#;
    leeward.until("it is counted", || async { leeward.metric(aborted).await == 1.0 }).await;
    assert_eq!(leeward.metric(r#"leeward_in_flight{provider="p"}"#).await, 0.0);
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
            (r#"leeward_rate_limited_total{by="vendor",provider="p",scope="burst"}"#, 1.0),
            (r#"leeward_rate_limited_total{by="gate",provider="p",scope="burst"}"#, 2.0),
            (r#"leeward_retry_after_seconds_count{provider="p"}"#, 3.0),
            (r#"leeward_retry_after_seconds_bucket{provider="p",le="60"}"#, 0.0),
            (r#"leeward_retry_after_seconds_bucket{provider="p",le="300"}"#, 3.0),
            (r#"leeward_upstream_responses_total{provider="p",status="429"}"#, 1.0),
            (r#"leeward_requests_total{operation="proxy",outcome="rate_limited",provider="p",source="live"}"#, 3.0),
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
    let leeward = started(&vendor, "retry: {backoff: {base: 1ms, max: 2ms}, budget: 100%}").await;
    let answer = leeward.get("/proxy/p/x").await;
    answer.live();
    assert_eq!(answer.header("leeward-attempts"), Some("2"));
    let page = page(&leeward).await;
    let retries: Vec<(&String, &f64)> = page.iter().filter(|(name, _)| name.starts_with("leeward_retries_total")).collect();
    assert_eq!(retries, [(&r#"leeward_retries_total{provider="p",reason="503"}"#.to_owned(), &1.0)]);
    holds(
        &page,
        &[
            (r#"leeward_requests_total{operation="proxy",outcome="ok",provider="p",source="live"}"#, 1.0),
            (r#"leeward_upstream_responses_total{provider="p",status="503"}"#, 1.0),
            (r#"leeward_upstream_responses_total{provider="p",status="200"}"#, 1.0),
            (r#"leeward_upstream_duration_seconds_count{provider="p"}"#, 2.0),
            (r#"leeward_overhead_seconds_count{provider="p"}"#, 1.0),
        ],
    );
}

#[tokio::test]
async fn a_breakers_way_is_counted_and_its_state_shown() {
    let vendor = Script::start(|_| json(500, json!({}))).await;
    let leeward = started(&vendor, "breaker: {consecutive_failures: 2, open_for: 1s, max_open_for: 1s}").await;
    for _ in 0..2 {
        leeward.get("/proxy/p/x").await;
    }
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
    let open = page(&leeward).await;
    holds(
        &open,
        &[
            (r#"leeward_breaker_transitions_total{provider="p",to="open"}"#, 1.0),
            (r#"leeward_breakers{provider="p",state="open"}"#, 1.0),
            (r#"leeward_breakers{provider="p",state="closed"}"#, 0.0),
            (r#"leeward_requests_total{operation="proxy",outcome="circuit_open",provider="p",source="live"}"#, 1.0),
        ],
    );
    let status = leeward.telemetry("/status.json").await.json();
    assert_eq!(status["providers"][0]["circuits_not_closed"], json!(["open"]));
    vendor.now(|_| ok());
    leeward.until("it closes", || async { leeward.get("/proxy/p/x").await.status == 200 }).await;
    holds(
        &page(&leeward).await,
        &[
            (r#"leeward_breaker_transitions_total{provider="p",to="half_open"}"#, 1.0),
            (r#"leeward_breaker_transitions_total{provider="p",to="closed"}"#, 1.0),
            (r#"leeward_breakers{provider="p",state="open"}"#, 0.0),
            (r#"leeward_breakers{provider="p",state="closed"}"#, 1.0),
        ],
    );
}

#[tokio::test]
async fn token_flights_accounts_and_expiries_are_told() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => {
            let answer = match call.form("refresh_token").as_deref() {
                Some("gone") => json(400, json!({ "error": "invalid_grant" })),
                Some("away") => json(500, json!({})),
                _ => json(200, json!({ "access_token": "new", "expires_in": 500 })),
            };
            Reply::After(Duration::from_millis(20), Box::new(answer))
        }
        _ => ok(),
    })
    .await;
    let url = vendor.url();
    let leeward = started(&vendor, &format!("auth: {{type: oauth2, token_url: '{url}/token', client_id: a, client_secret: b}}")).await;
    for account in ["well", "gone", "away"] {
        let given = json!({ "access_token": "old", "refresh_token": account, "expires_in": 1000 });
        leeward.put(account, "p", given).await;
        leeward.refresh(account).await;
    }
    // One that must be waited for.
    leeward.put("spent", "p", json!({ "refresh_token": "x" })).await;
    leeward.get_as("spent", "/proxy/p/x").await.live();
    leeward.put("off", "p", json!({ "access_token": "old" })).await;
    leeward.admin(Method::POST, "/accounts/off/disable", None).await;
    let seen = page(&leeward).await;
    holds(
        &seen,
        &[
            (r#"leeward_token_refreshes_total{provider="p",result="ok"}"#, 2.0),
            (r#"leeward_token_refreshes_total{provider="p",result="revoked"}"#, 1.0),
        ],
    );
    assert!(value(&seen, r#"leeward_token_refreshes_total{provider="p",result="transient"}"#) >= 1.0);
    assert!(value(&seen, r#"leeward_wait_seconds_count{for="token",provider="p"}"#) <= 1.0);
    // The store is counted now and then.
    leeward
        .until("the accounts are counted", || async {
            let page = page(&leeward).await;
            let accounts = |status: &str| value(&page, &format!(r#"leeward_accounts{{provider="p",status="{status}"}}"#));
            accounts("active") == 3.0 && accounts("needs_reauth") == 1.0 && accounts("disabled") == 1.0
        })
        .await;
    let left = leeward.metric(r#"leeward_token_expiry_seconds{provider="p"}"#).await;
    assert!(left > 400.0 && left <= 500.0, "the soonest, of those that are active: {left}");
    leeward.admin(Method::DELETE, "/accounts/gone", None).await;
    leeward
        .until("it is forgotten", || async {
            !page(&leeward).await.contains_key(r#"leeward_accounts{provider="p",status="needs_reauth"}"#)
        })
        .await;
    let text = leeward.telemetry("/metrics").await.text() + &leeward.telemetry("/status").await.text() + &leeward.telemetry("/status.json").await.text();
    for account in ["well", "gone", "away", "spent"] {
        assert!(!text.contains(account), "{account} is on a page for everybody");
    }
}

#[tokio::test]
async fn health_and_status_are_read_only_and_ask_no_vendor() {
    let vendor = Script::start(|_| ok()).await;
    let leeward = started(&vendor, "").await;
    for path in ["/livez", "/readyz"] {
        let answer = leeward.telemetry(path).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "ok\n"));
    }
    let status = leeward.telemetry("/status.json").await;
    assert_eq!(status.header("content-type"), Some("application/json"));
    let status = status.json();
    assert_eq!((&status["ready"], &status["draining"]), (&json!(true), &json!(false)));
    assert_eq!(status["providers"][0]["provider"], "p");
    let html = leeward.telemetry("/status").await;
    assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(html.text().starts_with("<!doctype html>") && html.text().contains("<td>p<"), "{}", html.text());
    assert_eq!(leeward.telemetry("/nothing").await.status, 404);
    for path in ["/metrics", "/livez", "/status"] {
        let request = http::Request::post(format!("http://{}{path}", leeward.telemetry)).body(Default::default()).unwrap();
        assert_eq!(crate::harness::send(&leeward.client, request).await.status, 405);
    }
    // A provider that is away leaves it ready: its readiness is the whole pod's.
    drop(vendor);
    assert_ne!(leeward.get("/proxy/p/x").await.status, 200);
    assert_eq!(leeward.telemetry("/readyz").await.status, 200);
    assert_eq!(leeward.telemetry("/livez").await.status, 200);
}

#[tokio::test]
async fn many_accounts_add_no_series() {
    let vendor = Script::start(|_| ok()).await;
    let leeward = started(&vendor, "auth: {type: bearer}\nbreaker: {by: account}").await;
    for number in 0..40 {
        let account = format!("acme-{number}");
        leeward.put(&account, "p", json!({ "token": "t" })).await;
        leeward.get_as(&account, &format!("/proxy/p/{number}")).await.live();
    }
    let seen = page(&leeward).await;
    assert!(seen.len() < 200, "{}", seen.len());
    assert!(!seen.keys().any(|name| name.contains("acme")), "{seen:#?}");
    assert_eq!(value(&seen, r#"leeward_breakers{provider="p",state="closed"}"#), 40.0);
}
