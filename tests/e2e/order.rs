//! The order of a provider's stack: each test fails if two of its layers change places.

use http::{HeaderValue, Method};
use leeward_vendors::{Call, Entry, Reply};
use serde_json::json as value;

use crate::harness::{Files, RawVendor, json, turns, vendor};

/// An account whose token is alive.
const ALIVE: &str =
    "provider: p\ncredentials: {access_token: living, refresh_token: r, expires_in: 3600}";
/// One whose token is over, so that a request has to buy another.
const OVER: &str =
    "provider: p\ncredentials: {access_token: old, refresh_token: r, expires_at: 1000000000}";

fn with_tokens(base_url: &str, token_url: &str, lines: &str) -> Files {
    let provider = format!(
        "base_url: {base_url}\n\
         auth: {{type: oauth2, token_url: '{token_url}/token', client_id: c, client_auth: none}}\n{lines}"
    );
    // Without the schedule, a token is bought by a request or not at all.
    Files::new()
        .provider("p", &provider)
        .argument("--role")
        .argument("egress")
}

fn whose(call: &Call) -> Reply {
    json(200, value!({ "bearer": call.bearer() }))
}

#[tokio::test]
async fn an_open_circuit_takes_no_slot_and_buys_no_token() {
    let (raw, tokens) = (RawVendor::start().await, vendor(whose).await);
    let lines = "breaker: {consecutive_failures: 1, open_for: 10m, max_open_for: 10m}\n\
                 concurrency: {per_account: 1, max_waiting: 0}";
    let leeward = with_tokens(&raw.url(), &tokens.url(), lines)
        .account("busy", ALIVE)
        .account("other", ALIVE)
        .account("over", OVER)
        .start()
        .await;
    // A body that flows keeps the only slot of this account.
    let busy = [("leeward-account", "busy")];
    let (_flowing, _stream) =
        tokio::join!(leeward.open(Method::GET, "/proxy/p/stream", &busy), async {
            let mut call = raw.call().await;
            call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
                .await;
            call
        });
    leeward
        .get_as("busy", "/proxy/p/x")
        .await
        .problem(503, "overloaded");
    let (failed, ()) = tokio::join!(leeward.get_as("other", "/proxy/p/fails"), async {
        raw.call().await.answer(500, &value!({})).await;
    });
    assert_eq!(failed.status, 500);
    // It would find no slot, and this one no token: neither is looked for.
    for account in ["busy", "over", "other"] {
        let refused = leeward.get_as(account, "/proxy/p/x").await;
        refused.problem(503, "circuit_open");
        assert_eq!(refused.header("leeward-attempts"), Some("0"));
    }
    assert_eq!(tokens.books().read(Entry::Requests), 0);
}

#[tokio::test]
async fn a_closed_gate_buys_no_token() {
    let limiting = vendor(|_: &Call| json(429, value!({})).header("retry-after", 900)).await;
    let tokens = vendor(whose).await;
    let leeward = with_tokens(&limiting.url(), &tokens.url(), "")
        .account("a", ALIVE)
        .start()
        .await;
    leeward.get("/proxy/p/x").await.problem(429, "rate_limited");
    let over = value!({ "provider": "p", "credentials": {
        "access_token": "spent", "refresh_token": "another", "expires_at": 1_000_000_000,
    }});
    let put = leeward.admin(Method::PUT, "/accounts/a", Some(over)).await;
    assert!(put.status.is_success(), "{}", put.text());
    let refused = leeward.get("/proxy/p/x").await.problem(429, "rate_limited");
    assert!(refused.get("upstream_status").is_none());
    assert_eq!(tokens.books().read(Entry::Requests), 0);
    assert_eq!(limiting.books().read(Entry::Requests), 1);
}

#[tokio::test]
async fn a_wait_for_a_token_holds_no_slot() {
    let (api, tokens) = (vendor(whose).await, RawVendor::start().await);
    let lines = "concurrency: {max_in_flight: 1, max_waiting: 0}";
    let leeward = with_tokens(&api.url(), &tokens.url(), lines)
        .account("alive", ALIVE)
        .account("over", OVER)
        .start()
        .await;
    let (waited, ()) = tokio::join!(leeward.get_as("over", "/proxy/p/x"), async {
        let call = tokens.call().await;
        assert!(
            call.body.contains("grant_type=refresh_token"),
            "{}",
            call.body
        );
        // The only slot is free while the other account's token is being bought.
        for _ in 0..3 {
            let served = leeward.get_as("alive", "/proxy/p/x").await;
            assert_eq!(served.live().json(), value!({ "bearer": "living" }));
        }
        let bought =
            value!({ "access_token": "bought", "expires_in": 3600, "refresh_token": "r2" });
        call.answer(200, &bought).await;
    });
    assert_eq!(waited.live().json(), value!({ "bearer": "bought" }));
    let counted = r#"leeward_wait_seconds_count{for="token",provider="p"}"#;
    assert!((leeward.metric(counted).await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_limit_in_disguise_opens_no_breaker() {
    let vendor = vendor(|call: &Call| match call.head.uri.path() {
        "/x" => json(503, value!({ "code": "TOO_FAST" })),
        _ => json(200, value!({})),
    })
    .await;
    let lines = format!(
        "base_url: {}\nauth: {{type: none}}\n\
         breaker: {{consecutive_failures: 1, failure_ratio: 1%, minimum_calls: 1}}\n\
         rate_limit: {{rules: [{{when: {{status: 503, body: {{/code: TOO_FAST}}}}, fallback: {{seconds: 600}}}}]}}",
        vendor.url()
    );
    let files = (0..6).fold(Files::new().provider("p", &lines), |files, n| {
        files.account(&format!("a{n}"), "provider: p")
    });
    let leeward = files.start().await;
    for n in 0..5 {
        let answer = leeward.get_as(&format!("a{n}"), "/proxy/p/x").await;
        assert_eq!(answer.problem(429, "rate_limited")["upstream_status"], 503);
    }
    let breakers = leeward.listed("breakers").await;
    assert_eq!(
        (breakers.len(), &breakers[0]["state"]),
        (1, &value!("closed"))
    );
    assert_eq!(breakers[0]["failures"], 0);
    leeward.get_as("a5", "/proxy/p/y").await.live();
    // What the vendor said is told as it said it.
    let told = r#"leeward_upstream_responses_total{provider="p",status="503"}"#;
    assert!((leeward.metric(told).await - 5.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_hang_is_measured_and_counts_as_a_failure() {
    let vendor = vendor(|_: &Call| Reply::Hang).await;
    let lines = format!(
        "base_url: {}\nauth: {{type: none}}\ntimeout: {{response: 100ms}}\n\
         breaker: {{consecutive_failures: 2, open_for: 10m, max_open_for: 10m}}\nretry: {{after: [timeout]}}",
        vendor.url()
    );
    let leeward = Files::new().provider("p", &lines).start().await;
    let answer = leeward.get("/proxy/p/x").await;
    answer.problem(504, "upstream_timeout");
    assert_eq!(answer.header("leeward-attempts"), Some("2"));
    let measured = r#"leeward_upstream_duration_seconds_count{provider="p"}"#;
    assert!((leeward.metric(measured).await - 2.0).abs() < f64::EPSILON);
    let spent = r#"leeward_upstream_duration_seconds_sum{provider="p"}"#;
    assert!(leeward.metric(spent).await >= 0.2);
    assert_eq!(leeward.listed("breakers").await[0]["state"], "open");
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
}

#[tokio::test]
async fn a_hang_that_the_whole_deadline_cuts_off_is_seen_too() {
    let vendor = vendor(|_: &Call| Reply::Hang).await;
    let lines = format!(
        "base_url: {}\nauth: {{type: none}}\ntimeout: {{total: 1s}}\n\
         breaker: {{consecutive_failures: 1, open_for: 10m, max_open_for: 10m}}",
        vendor.url()
    );
    let leeward = Files::new().provider("p", &lines).start().await;
    // The application's own impatience says nothing about the vendor, but its time is the vendor's.
    let impatient = [("leeward-timeout", "500ms")];
    let answer = leeward
        .call(Method::GET, "/proxy/p/x", &impatient, "")
        .await;
    answer.problem(504, "upstream_timeout");
    let measured = r#"leeward_upstream_duration_seconds_count{provider="p"}"#;
    assert!((leeward.metric(measured).await - 1.0).abs() < f64::EPSILON);
    assert_eq!(leeward.listed("breakers").await[0]["state"], "closed");
    // The provider's whole deadline is no longer than an attempt: that is the vendor's failure.
    leeward
        .get("/proxy/p/x")
        .await
        .problem(504, "upstream_timeout");
    assert!((leeward.metric(measured).await - 2.0).abs() < f64::EPSILON);
    assert_eq!(leeward.listed("breakers").await[0]["state"], "open");
}

#[tokio::test]
async fn a_refusal_of_ours_is_not_repeated() {
    let raw = RawVendor::start().await;
    let lines = format!(
        "base_url: {}\nauth: {{type: none}}\nconcurrency: {{per_account: 1, max_waiting: 0}}\n\
         breaker: {{by: account, consecutive_failures: 1, open_for: 10m, max_open_for: 10m}}\n\
         retry: {{max_attempts: 4, after: [connect, reset, timeout, 5xx], budget: 100%}}",
        raw.url()
    );
    let leeward = ["open", "limited", "busy"]
        .into_iter()
        .fold(Files::new().provider("p", &lines), |files, account| {
            files.account(account, "provider: p")
        })
        .start()
        .await;
    // POSTs, which are sent once, bring each account into its state.
    let post = async |account: &str, status: u16, head: &str| {
        let headers = [("leeward-account", account)];
        let (answer, ()) = tokio::join!(
            leeward.call(Method::POST, "/proxy/p/x", &headers, ""),
            async {
                let mut call = raw.call().await;
                call.write(&format!(
                    "HTTP/1.1 {status} X\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n"
                ))
                .await;
            }
        );
        answer
    };
    assert_eq!(post("open", 500, "").await.status, 500);
    post("limited", 429, "Retry-After: 900\r\n")
        .await
        .problem(429, "rate_limited");
    let busy = [("leeward-account", "busy")];
    let (_flowing, _stream) =
        tokio::join!(leeward.open(Method::GET, "/proxy/p/stream", &busy), async {
            let mut call = raw.call().await;
            call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
                .await;
            call
        });
    for (account, status, code) in [
        ("open", 503, "circuit_open"),
        ("limited", 429, "rate_limited"),
        ("busy", 503, "overloaded"),
    ] {
        let refused = leeward.get_as(account, "/proxy/p/x").await;
        refused.problem(status, code);
        assert_eq!(refused.header("leeward-attempts"), Some("0"), "{code}");
    }
    let page = leeward.telemetry("/metrics").await.text();
    assert!(!page.contains("leeward_retries_total{"), "{page}");
}

#[tokio::test]
async fn every_attempt_counts() {
    let vendor = vendor(|_: &Call| json(503, value!({}))).await;
    let lines = format!(
        "base_url: {}\nauth: {{type: none}}\nretry: {{max_attempts: 3, backoff: {{base: 1ms, max: 1ms}}}}\n\
         breaker: {{consecutive_failures: 3, open_for: 10m, max_open_for: 10m}}",
        vendor.url()
    );
    let leeward = Files::new().provider("p", &lines).start().await;
    let answer = leeward.get("/proxy/p/x").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("leeward-error")),
        (503, None)
    );
    assert_eq!(answer.header("leeward-attempts"), Some("3"));
    assert_eq!(vendor.books().read(Entry::Requests), 3);
    // One request, three failures: the circuit has seen each.
    leeward.get("/proxy/p/x").await.problem(503, "circuit_open");
    for (series, expected) in [
        (
            r#"leeward_upstream_responses_total{provider="p",status="503"}"#,
            3.0,
        ),
        (r#"leeward_retries_total{provider="p",reason="503"}"#, 2.0),
        (
            r#"leeward_upstream_duration_seconds_count{provider="p"}"#,
            3.0,
        ),
        (
            r#"leeward_breaker_transitions_total{provider="p",to="open"}"#,
            1.0,
        ),
    ] {
        let seen = leeward.metric(series).await;
        assert!((seen - expected).abs() < f64::EPSILON, "{series} {seen}");
    }
}

#[tokio::test]
async fn a_circuit_that_opens_between_two_attempts_ends_them() {
    let vendor = vendor(|_: &Call| json(503, value!({ "whose": "the vendor's" }))).await;
    let lines = format!(
        "base_url: {}\nauth: {{type: none}}\nretry: {{max_attempts: 5, backoff: {{base: 1ms, max: 1ms}}}}\n\
         breaker: {{consecutive_failures: 2, open_for: 10m, max_open_for: 10m}}",
        vendor.url()
    );
    let leeward = Files::new().provider("p", &lines).start().await;
    let answer = leeward.get("/proxy/p/x").await;
    answer.problem(503, "circuit_open");
    assert_eq!(answer.header("leeward-attempts"), Some("2"));
    assert_eq!(vendor.books().read(Entry::Requests), 2);
}

#[tokio::test]
async fn a_kept_answer_takes_the_place_of_one_that_cannot_be_mapped() {
    let vendor = vendor(turns(|turn, _| match turn {
        0 => json(200, value!({ "results": [{ "id": 1 }] })),
        1 => json(503, value!({ "down": true })),
        _ => {
            json(200, value!({ "renamed": [] })).header("x-turn", HeaderValue::from_static("later"))
        }
    }))
    .await;
    let lines = format!(
        "base_url: {}\nauth: {{type: none}}\nretry: {{max_attempts: 1}}\n\
         pagination: {{type: cursor, next: next, param: after, items: results}}\n\
         resources: {{crm/contacts: {{item: '{{\"id\": $string(id)}}', list: {{path: /contacts}}}}}}",
        vendor.url()
    );
    let leeward = Files::new().provider("p", &lines).start().await;
    let live = leeward.get("/unified/crm/contacts").await;
    assert_eq!(live.live().json()["data"], value!([{ "id": "1" }]));
    // The vendor is down: its refusal, mapped, is what the fallback sees.
    let kept = leeward.get("/unified/crm/contacts").await;
    assert_eq!(
        (kept.status.as_u16(), kept.header("leeward-source")),
        (200, Some("cache")),
        "{}",
        kept.text()
    );
    assert_eq!(kept.json()["data"], value!([{ "id": "1" }]));
    // An answer that lost its member is an error of ours, and none for which the old one stands in.
    leeward
        .get("/unified/crm/contacts")
        .await
        .problem(502, "mapping_failed");
}
