//! Rate limits: whatever the vendor's dialect, the application sees one, and the vendor is left
//! alone until its time has come.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Method};
use leeward_vendors::{Call, Entry, Reply, Server};
use serde_json::{Value, json as value};

use crate::harness::{Answer, Files, Leeward, json, turns, vendor};

/// Seconds after 1970, so many from now.
fn epoch(from_now: u64) -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + from_now
}

fn http_date(from_now: u64) -> String {
    httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(from_now))
}

/// A Leeward with accounts `a0`, `a1`, … of one provider, each with gates of its own.
async fn with_accounts(vendor: &Server, accounts: usize, lines: &str) -> Leeward {
    let provider = format!("base_url: {}\nauth: {{type: none}}\n{lines}", vendor.url());
    let files = Files::new().provider("limited", &provider);
    (0..accounts)
        .fold(files, |files, n| {
            files.account(&format!("a{n}"), "provider: limited")
        })
        .start()
        .await
}

fn requests(vendor: &Server) -> u64 {
    vendor.books().read(Entry::Requests)
}

/// Asserts a 429 made of the vendor's answer, and gives the wait.
#[track_caller]
fn limited(answer: &Answer, scope: &str, status: u16, body: &Value) -> u64 {
    let problem = answer.problem(429, "rate_limited");
    assert_eq!(problem["scope"], scope);
    assert_eq!(problem["upstream_status"], status);
    assert_eq!(&problem["upstream_body"], body);
    assert_eq!(answer.header("leeward-attempts"), Some("1"));
    problem["retry_after"].as_u64().unwrap()
}

/// Asserts a 429 for which the vendor was not asked.
#[track_caller]
fn by_gate(answer: &Answer, scope: &str) -> u64 {
    let problem = answer.problem(429, "rate_limited");
    assert_eq!(problem["scope"], scope);
    assert!(problem.get("upstream_status").is_none(), "{problem}");
    assert_eq!(answer.header("leeward-attempts"), Some("0"));
    problem["retry_after"].as_u64().unwrap()
}

#[tokio::test]
async fn the_generic_rules_read_what_a_429_says() {
    let cases: [(&str, &'static str, String, std::ops::RangeInclusive<u64>); 8] = [
        ("delta", "retry-after", "37".into(), 37..=37),
        ("date", "retry-after", http_date(600), 300..=601),
        (
            "field",
            "ratelimit",
            r#""day";r=900;t=9, "burst";r=0;t=30"#.into(),
            30..=30,
        ),
        ("left", "x-ratelimit-reset", "41".into(), 41..=41),
        (
            "epoch",
            "x-ratelimit-reset",
            epoch(600).to_string(),
            300..=602,
        ),
        (
            "millis",
            "x-ratelimit-reset",
            format!("{}000", epoch(600)),
            300..=602,
        ),
        ("dashed", "x-rate-limit-reset", "43".into(), 43..=43),
        // What makes no sense counts as nothing said: backoff, of 60 s at most.
        ("nonsense", "retry-after", "soon".into(), 1..=60),
    ];
    let by_path = cases.clone();
    let vendor = vendor(move |call: &Call| {
        let path = call.head.uri.path().trim_start_matches('/');
        let (_, name, text, _) = by_path.iter().find(|case| case.0 == path).unwrap();
        json(429, value!({ "path": path })).header(name, HeaderValue::try_from(text).unwrap())
    })
    .await;
    let leeward = with_accounts(&vendor, cases.len(), "").await;
    for (n, (path, _, _, expected)) in cases.into_iter().enumerate() {
        let answer = leeward
            .get_as(&format!("a{n}"), &format!("/proxy/limited/{path}"))
            .await;
        let wait = limited(&answer, "default", 429, &value!({ "path": path }));
        assert!(expected.contains(&wait), "{path}: {wait}");
    }
    assert_eq!(requests(&vendor), 8);
    let counted = r#"leeward_rate_limited_total{by="vendor",provider="limited",scope="default"}"#;
    assert!((leeward.metric(counted).await - 8.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_closed_gate_answers_without_the_vendor_for_its_account_and_scope() {
    let vendor = vendor(|call: &Call| match call.head.uri.path() {
        "/slow" => json(429, value!({ "slow": true })).header("retry-after", 500),
        _ => json(200, value!({ "fine": true })),
    })
    .await;
    let leeward = with_accounts(&vendor, 2, "").await;
    let met = leeward.get_as("a0", "/proxy/limited/slow").await;
    assert_eq!(
        limited(&met, "default", 429, &value!({ "slow": true })),
        500
    );
    // Every path of that account; the vendor is not asked.
    for _ in 0..3 {
        let wait = by_gate(
            &leeward.get_as("a0", "/proxy/limited/other").await,
            "default",
        );
        assert!((300..=500).contains(&wait), "{wait}");
    }
    let written = leeward
        .call(
            Method::POST,
            "/proxy/limited/other",
            &[("leeward-account", "a0")],
            "{}",
        )
        .await;
    by_gate(&written, "default");
    assert_eq!(requests(&vendor), 1);
    // Another account goes on.
    leeward.get_as("a1", "/proxy/limited/other").await.live();
    assert_eq!(requests(&vendor), 2);
    let limits = leeward.listed("limits").await;
    assert_eq!(limits.len(), 1, "{limits:?}");
    assert_eq!(limits[0]["provider"], "limited");
    assert_eq!(limits[0]["account"], "a0");
    assert_eq!(limits[0]["scope"], "default");
    assert_eq!(limits[0]["by"], "vendor");
    let until: jiff::Timestamp = limits[0]["until"].as_str().unwrap().parse().unwrap();
    assert!(until > jiff::Timestamp::now());
    let counted = r#"leeward_rate_limited_total{by="gate",provider="limited",scope="default"}"#;
    assert!((leeward.metric(counted).await - 4.0).abs() < f64::EPSILON);
    // Not a repeat among them.
    assert!(
        !leeward
            .telemetry("/metrics")
            .await
            .text()
            .contains("leeward_retries_total{")
    );
}

/// Dialects as rules of a provider.
const RULES: &str = r#"
rate_limit:
  rules:
    - {id: coded, when: {status: 403, body: {/error/code: SLOW}}, scope: coded, wait: [{header: X-Wait, format: seconds}]}
    - {id: headed, when: {status: 400, header: {X-Problem: {regex: "^quota"}}}, scope: headed, wait: [{header: X-Reset, format: epoch_s}]}
    - {id: dated, when: {status: 5xx, body: {/busy: true}}, scope: dated, wait: [{header: Retry-After, format: http}]}
    - {id: fixed, when: {status: 200, body: {/throttled: [1, 2]}}, scope: fixed, fallback: {seconds: 77}}
    - {id: jobs, when: {status: 429, path: "^/jobs"}, scope: jobs, wait: [{body: /seconds, format: seconds}]}
"#;

#[tokio::test]
async fn a_providers_own_rules_decide_first() {
    let vendor = vendor(|call: &Call| {
        let plain = |text: String| HeaderValue::try_from(text).unwrap();
        match call.head.uri.path() {
            "/coded" => json(403, value!({ "error": { "code": "SLOW" } }))
                .header("x-wait", plain("12.2".into())),
            "/headed" => json(400, value!({}))
                .header("x-problem", plain("quota spent".into()))
                .header("x-reset", epoch(900)),
            "/dated" => {
                json(503, value!({ "busy": true })).header("retry-after", plain(http_date(900)))
            }
            "/fixed" => json(200, value!({ "throttled": 2 })),
            "/jobs/1" => json(429, value!({ "seconds": 300 })),
            _ => json(200, value!({ "throttled": "2" })),
        }
    })
    .await;
    let leeward = with_accounts(&vendor, 5, RULES).await;
    let meet = async |account: &str, path: &str| {
        leeward
            .get_as(account, &format!("/proxy/limited{path}"))
            .await
    };
    let coded = value!({ "error": { "code": "SLOW" } });
    assert_eq!(
        limited(&meet("a0", "/coded").await, "coded", 403, &coded),
        13
    );
    let wait = limited(&meet("a1", "/headed").await, "headed", 400, &value!({}));
    assert!((600..=902).contains(&wait), "{wait}");
    let wait = limited(
        &meet("a2", "/dated").await,
        "dated",
        503,
        &value!({ "busy": true }),
    );
    assert!((600..=901).contains(&wait), "{wait}");
    let fixed = value!({ "throttled": 2 });
    assert_eq!(
        limited(&meet("a3", "/fixed").await, "fixed", 200, &fixed),
        77
    );
    by_gate(&meet("a3", "/elsewhere").await, "fixed");
    // A rule with a path closes the gate for such paths alone; and a text is not a number.
    let jobs = value!({ "seconds": 300 });
    assert_eq!(
        limited(&meet("a4", "/jobs/1").await, "jobs", 429, &jobs),
        300
    );
    by_gate(&meet("a4", "/jobs/2").await, "jobs");
    meet("a4", "/elsewhere").await.live();
    assert_eq!(requests(&vendor), 6);
}

#[tokio::test]
async fn what_no_rule_matches_passes_byte_for_byte() {
    // Looked at by the rules for 403 and 5xx; odd spacing, so that a re-written body would show.
    let texts = [
        "{ \"error\" : {\"code\":\"FORBIDDEN\"},\t\"n\": 1.0, \"n\": 2 }\n".to_owned(),
        "{\"error\": broken".to_owned(),
        String::new(),
        // Longer than any look.
        format!(
            "{{\"pad\": \"{}\", \"error\": {{\"code\": \"SLOW\"}}}}",
            "x".repeat(100_000)
        ),
    ];
    let given = texts.clone();
    let vendor = vendor(move |call: &Call| {
        let n: usize = call.query("n").unwrap().parse().unwrap();
        let mut response = http::Response::new(given[n].clone().into());
        *response.status_mut() = http::StatusCode::FORBIDDEN;
        response
            .headers_mut()
            .insert("content-type", HeaderValue::from_static("application/json"));
        response
            .headers_mut()
            .insert("x-own", HeaderValue::from_static("yes"));
        Reply::Answer(response)
    })
    .await;
    let leeward = with_accounts(&vendor, 1, RULES).await;
    for (n, text) in texts.iter().enumerate() {
        let answer = leeward.get(&format!("/proxy/limited/x?n={n}")).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.header("leeward-error"), None);
        assert_eq!(answer.header("x-own"), Some("yes"));
        assert_eq!(
            answer.header("content-length"),
            Some(text.len().to_string().as_str())
        );
        assert!(answer.body == text.as_bytes(), "body {n} was changed");
    }
    assert_eq!(requests(&vendor), 4);
    assert_eq!(leeward.listed("limits").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_request_that_may_wait_is_held_and_sent_again() {
    let vendor = vendor(turns(|turn, _| match turn {
        0 => json(429, value!({})).header("retry-after", 2),
        _ => json(200, value!({ "turn": turn })),
    }))
    .await;
    let leeward = with_accounts(&vendor, 1, "rate_limit: {on_limit: {wait: 10s}}").await;
    let (first, second) = tokio::join!(leeward.get("/proxy/limited/x"), async {
        // The gate is closed when this one comes: it waits for the same time.
        leeward
            .until("the gate closes", async || {
                !leeward.listed("limits").await.is_empty()
            })
            .await;
        leeward.get("/proxy/limited/y").await
    });
    assert_eq!(first.live().header("leeward-attempts"), Some("2"));
    assert_eq!(second.live().header("leeward-attempts"), Some("1"));
    assert_eq!(requests(&vendor), 3);
    let waited = r#"leeward_wait_seconds_count{for="gate",provider="limited"}"#;
    assert!((leeward.metric(waited).await - 2.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_write_that_was_limited_is_sent_again_with_its_body() {
    let vendor = vendor(turns(|turn, call| match turn {
        0 => json(429, value!({})).header("retry-after", 1),
        _ => json(201, value!({ "got": String::from_utf8_lossy(&call.body) })),
    }))
    .await;
    // Whatever else may be repeated: the vendor has not taken it.
    let lines = "rate_limit: {on_limit: {wait: 10s}}\nretry: {max_attempts: 1}";
    let leeward = with_accounts(&vendor, 1, lines).await;
    let answer = leeward
        .call(Method::POST, "/proxy/limited/x", &[], "the body")
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (201, value!({ "got": "the body" }))
    );
    assert_eq!(requests(&vendor), 2);
}

#[tokio::test]
async fn a_limit_that_does_not_fit_is_told_at_once() {
    let vendor = vendor(|_: &Call| json(429, value!({})).header("retry-after", 40)).await;
    let lines = "rate_limit: {on_limit: {wait: 10m}}\ntimeout: {total: 30s}";
    let leeward = with_accounts(&vendor, 2, lines).await;
    // Longer than the deadline: the vendor's own answer, then the gate's.
    let met = leeward.get_as("a0", "/proxy/limited/x").await;
    assert_eq!(limited(&met, "default", 429, &value!({})), 40);
    by_gate(&leeward.get_as("a0", "/proxy/limited/x").await, "default");
    let short = [("leeward-account", "a1"), ("leeward-timeout", "5s")];
    let met = leeward
        .call(Method::GET, "/proxy/limited/x", &short, "")
        .await;
    assert_eq!(limited(&met, "default", 429, &value!({})), 40);
    assert_eq!(requests(&vendor), 2);
}

#[tokio::test]
async fn without_a_hint_backoff_closes_the_gate() {
    let vendor = vendor(|_: &Call| json(429, value!({ "wait": "a little" }))).await;
    let lines = "rate_limit: {backoff: {base: 60s, max: 60s}}";
    let leeward = with_accounts(&vendor, 1, lines).await;
    // Full jitter may draw a moment that is over at once; then the vendor says it again.
    leeward
        .until("the gate refuses", async || {
            let answer = leeward.get("/proxy/limited/x").await;
            let problem = answer.problem(429, "rate_limited");
            assert!((1..=60).contains(&problem["retry_after"].as_u64().unwrap()));
            problem.get("upstream_status").is_none()
        })
        .await;
    assert_eq!(leeward.listed("limits").await.len(), 1);
}
