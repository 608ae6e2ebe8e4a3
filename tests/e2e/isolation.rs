//! One vendor's trouble stays its own: slots, deadlines, repeats, and the last good answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use leeward_vendors::{Call, Entry, Reply, Server};
use serde_json::json as value;

use crate::harness::{Answer, Files, Leeward, RawVendor, json, turns, vendor};

fn provider(base_url: &str, lines: &str) -> Files {
    let lines = format!("base_url: {base_url}\nauth: {{type: none}}\n{lines}");
    Files::new().provider("p", &lines)
}

fn requests(vendor: &Server) -> u64 {
    vendor.books().read(Entry::Requests)
}

async fn in_flight(leeward: &Leeward, expected: f64) -> bool {
    (leeward.metric(r#"leeward_in_flight{provider="p"}"#).await - expected).abs() < f64::EPSILON
}

async fn retries(leeward: &Leeward, reason: &str) -> f64 {
    leeward.metric(&format!(r#"leeward_retries_total{{provider="p",reason="{reason}"}}"#)).await
}

/// GET for an account, as a task of its own.
fn get(leeward: &Arc<Leeward>, account: &'static str, path: &'static str) -> tokio::task::JoinHandle<Answer> {
    let leeward = Arc::clone(leeward);
    tokio::spawn(async move { leeward.get_as(account, &format!("/proxy/p/{path}")).await })
}

mod bulkhead {
    use super::*;

    #[tokio::test]
    async fn what_finds_no_slot_waits_and_what_finds_no_room_is_refused() {
        let raw = RawVendor::start().await;
        let lines = "concurrency: {max_in_flight: 2, max_waiting: 1, max_wait: 1m}";
        let leeward = Arc::new(provider(&raw.url(), lines).account("a", "provider: p").start().await);
        let running = [get(&leeward, "a", "1"), get(&leeward, "a", "2")];
        let calls = [raw.call().await, raw.call().await];
        let waiting = get(&leeward, "a", "3");
        leeward.until("the third is here", || in_flight(&leeward, 3.0)).await;
        let refused = leeward.get("/proxy/p/4").await;
        refused.problem(503, "overloaded");
        assert_eq!(refused.header("leeward-attempts"), Some("0"));
        // A slot that becomes free goes to the one that waits.
        let [one, two] = calls;
        one.answer(200, &value!({})).await;
        let third = raw.call().await;
        assert!(third.head.starts_with("GET /3 "), "{}", third.head);
        third.answer(200, &value!({})).await;
        two.answer(200, &value!({})).await;
        for task in running.into_iter().chain([waiting]) {
            task.await.unwrap().live();
        }
        let waited = r#"leeward_wait_seconds_count{for="bulkhead",provider="p"}"#;
        assert!((leeward.metric(waited).await - 1.0).abs() < f64::EPSILON);
    }

    #[tokio::test]
    async fn a_wait_in_vain_ends() {
        let raw = RawVendor::start().await;
        let lines = "concurrency: {max_in_flight: 1, max_wait: 50ms}";
        let leeward = Arc::new(provider(&raw.url(), lines).account("a", "provider: p").start().await);
        let running = get(&leeward, "a", "1");
        let call = raw.call().await;
        leeward.get("/proxy/p/2").await.problem(503, "overloaded");
        call.answer(200, &value!({})).await;
        running.await.unwrap().live();
    }

    #[tokio::test]
    async fn one_account_never_takes_all_of_it() {
        let raw = RawVendor::start().await;
        let lines = "concurrency: {max_in_flight: 3, per_account: 1, max_waiting: 2, max_wait: 1m}";
        let files = provider(&raw.url(), lines).account("a", "provider: p");
        let leeward = Arc::new(files.account("b", "provider: p").start().await);
        let first = get(&leeward, "a", "1");
        let call = raw.call().await;
        let second = get(&leeward, "a", "2");
        leeward.until("the second is here", || in_flight(&leeward, 2.0)).await;
        // The other account passes by the one that waits.
        let other = get(&leeward, "b", "3");
        let passed = raw.call().await;
        assert!(passed.head.starts_with("GET /3 "), "{}", passed.head);
        passed.answer(200, &value!({})).await;
        other.await.unwrap().live();
        call.answer(200, &value!({})).await;
        raw.call().await.answer(200, &value!({})).await;
        first.await.unwrap().live();
        second.await.unwrap().live();
    }

    #[tokio::test]
    async fn a_slot_comes_back_with_the_body_or_with_a_caller_that_left() {
        let raw = RawVendor::start().await;
        let lines = "concurrency: {max_in_flight: 1, max_waiting: 0}";
        let leeward = provider(&raw.url(), lines).start().await;
        for whole in [true, false] {
            let (answer, mut call) = tokio::join!(leeward.open(Method::GET, "/proxy/p/x", &[]), async {
                let mut call = raw.call().await;
                call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n").await;
                call
            });
            leeward.get("/proxy/p/y").await.problem(503, "overloaded");
            if whole {
                call.write("0\r\n\r\n").await;
                assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "a");
            } else {
                drop(answer);
                call.hung_up().await;
            }
            leeward.until("the slot is free", || in_flight(&leeward, 0.0)).await;
        }
        let (served, ()) = tokio::join!(leeward.get("/proxy/p/y"), async {
            raw.call().await.answer(200, &value!({})).await;
        });
        served.live();
    }
}

mod deadlines {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_does_not_come_about_ends_in_time() {
        // It takes connections, and never says a word of TLS.
        let raw = RawVendor::start().await;
        let url = raw.url().replace("http:", "https:");
        let lines = "timeout: {connect: 100ms}\nretry: {backoff: {base: 1ms, max: 1ms}}";
        let leeward = provider(&url, lines).start().await;
        let answer = leeward.call(Method::POST, "/proxy/p/x", &[], "a body").await;
        answer.problem(504, "upstream_timeout");
        // Nothing was sent, so that even a POST was tried again.
        assert!((retries(&leeward, "connect").await - 1.0).abs() < f64::EPSILON);
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_ends_the_attempt() {
        let vendor = vendor(|_: &Call| Reply::Hang).await;
        let leeward = provider(&vendor.url(), "timeout: {response: 100ms}").start().await;
        let answer = leeward.get("/proxy/p/x").await;
        let problem = answer.problem(504, "upstream_timeout");
        assert!(problem["detail"].as_str().unwrap().contains("100ms"), "{problem}");
        // It was sent, and a timeout is not among what is repeated.
        assert_eq!((answer.header("leeward-attempts"), requests(&vendor)), (Some("1"), 1));
    }

    #[tokio::test]
    async fn the_total_holds_over_all_attempts_and_a_request_may_shorten_it() {
        let vendor = vendor(|_: &Call| Reply::Hang).await;
        let leeward = provider(&vendor.url(), "timeout: {total: 200ms}").start().await;
        leeward.get("/proxy/p/x").await.problem(504, "upstream_timeout");
        let patient = provider(&vendor.url(), "").start().await;
        let short = [("leeward-timeout", "100ms")];
        let answer = patient.call(Method::GET, "/proxy/p/x", &short, "").await;
        let problem = answer.problem(504, "upstream_timeout");
        assert!(problem["detail"].as_str().unwrap().contains("100ms"), "{problem}");
        for malformed in ["", "2", "soon", "-1s", "0s", "1e3s"] {
            let malformed = [("leeward-timeout", malformed)];
            let answer = patient.call(Method::GET, "/proxy/p/x", &malformed, "").await;
            answer.problem(400, "invalid_request");
        }
        // It never makes it longer.
        let longer = [("leeward-timeout", "1h")];
        let answer = leeward.call(Method::GET, "/proxy/p/x", &longer, "").await;
        answer.problem(504, "upstream_timeout");
    }

    #[tokio::test]
    async fn a_body_may_flow_as_long_as_it_moves() {
        let raw = RawVendor::start().await;
        let lines = "timeout: {total: 100ms, response: 100ms, idle_body: 10s}";
        let leeward = provider(&raw.url(), lines).start().await;
        let (answer, ()) = tokio::join!(leeward.get("/proxy/p/x"), async {
            let mut call = raw.call().await;
            call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            for _ in 0..6 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                call.write("2\r\nab\r\n").await;
            }
            call.write("0\r\n\r\n").await;
        });
        assert_eq!(answer.live().text(), "abababababab");
    }

    #[tokio::test]
    async fn a_body_that_stands_still_is_broken_off() {
        let raw = RawVendor::start().await;
        let leeward = provider(&raw.url(), "timeout: {idle_body: 100ms}").start().await;
        let (answer, call) = tokio::join!(leeward.open(Method::GET, "/proxy/p/x", &[]), async {
            let mut call = raw.call().await;
            call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n").await;
            call
        });
        assert_eq!(answer.status(), 200);
        assert!(answer.into_body().collect().await.is_err(), "it must not look whole");
        call.hung_up().await;
    }
}

mod repeats {
    use super::*;

    #[tokio::test]
    async fn what_is_idempotent_is_sent_again() {
        let vendor = vendor(turns(|turn, call| {
            json(if turn % 2 == 0 { 503 } else { 200 }, value!({ "got": String::from_utf8_lossy(&call.body) }))
        }))
        .await;
        let leeward = provider(&vendor.url(), "").start().await;
        for (n, method) in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS].into_iter().enumerate() {
            let answer = leeward.call(method, "/proxy/p/x", &[], "the body").await;
            assert_eq!(answer.live().json(), value!({ "got": "the body" }));
            assert_eq!(answer.header("leeward-attempts"), Some("2"));
            assert_eq!(requests(&vendor), 2 * (n as u64 + 1));
        }
        assert!((retries(&leeward, "503").await - 4.0).abs() < f64::EPSILON);
        // A write is not, and the vendor's own answer passes.
        let answer = leeward.call(Method::POST, "/proxy/p/x", &[], "the body").await;
        assert_eq!((answer.status.as_u16(), answer.header("leeward-error")), (503, None));
        assert_eq!((answer.header("leeward-attempts"), requests(&vendor)), (Some("1"), 9));
    }

    #[tokio::test]
    async fn a_key_makes_a_write_repeatable() {
        let vendor = vendor(turns(|turn, call| {
            let key = call.head.headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
            let got = value!({ "key": key, "body": String::from_utf8_lossy(&call.body) });
            json(if turn == 0 { 502 } else { 201 }, got)
        }))
        .await;
        let leeward = provider(&vendor.url(), "").start().await;
        let key = [("idempotency-key", "k-1")];
        let answer = leeward.call(Method::POST, "/proxy/p/x", &key, "the body").await;
        assert_eq!((answer.status.as_u16(), answer.header("leeward-attempts")), (201, Some("2")));
        assert_eq!(answer.json(), value!({ "key": "k-1", "body": "the body" }));
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_repeated_only_where_that_is_safe() {
        let vendor = vendor(turns(|turn, _| match turn {
            0 | 2 => Reply::Close,
            _ => json(200, value!({})),
        }))
        .await;
        let leeward = provider(&vendor.url(), "").start().await;
        assert_eq!(leeward.get("/proxy/p/x").await.live().header("leeward-attempts"), Some("2"));
        assert!((retries(&leeward, "reset").await - 1.0).abs() < f64::EPSILON);
        // It was sent, and may have been done.
        let answer = leeward.call(Method::POST, "/proxy/p/x", &[], "{}").await;
        answer.problem(502, "upstream_unreachable");
        assert_eq!((answer.header("leeward-attempts"), requests(&vendor)), (Some("1"), 3));
    }

    #[tokio::test]
    async fn what_was_never_sent_is_sent_whatever_its_method() {
        // An address at which nobody listens yet.
        let address = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap()
        };
        let lines = "retry: {max_attempts: 10, backoff: {base: 500ms, max: 1s}}\n\
                     breaker: {consecutive_failures: null, failure_ratio: null}";
        let leeward = Arc::new(provider(&format!("http://{address}"), lines).start().await);
        let writing = tokio::spawn({
            let leeward = Arc::clone(&leeward);
            async move { leeward.call(Method::POST, "/proxy/p/x", &[], "the body").await }
        });
        leeward.until("a first attempt fails", async || retries(&leeward, "connect").await > 0.5).await;
        let raw = RawVendor::at(address).await;
        let call = raw.call().await;
        assert!(call.head.starts_with("POST /x "), "{}", call.head);
        assert_eq!(call.body, "the body");
        call.answer(201, &value!({})).await;
        assert_eq!(writing.await.unwrap().status, 201);
    }

    #[tokio::test]
    async fn a_short_answer_that_is_torn_is_asked_for_again() {
        let body = || {
            let mut response = Response::new(Bytes::from("{\"whole\": true}"));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            response
        };
        let vendor = vendor(turns(move |turn, call| match (call.head.uri.path(), turn) {
            ("/once", 1..) => Reply::Answer(body()),
            _ => Reply::Torn(body(), 7),
        }))
        .await;
        let leeward = provider(&vendor.url(), "").start().await;
        let answer = leeward.get("/proxy/p/once").await;
        assert_eq!(answer.live().text(), "{\"whole\": true}");
        assert_eq!(answer.header("leeward-attempts"), Some("2"));
        assert!((retries(&leeward, "torn").await - 1.0).abs() < f64::EPSILON);
        // Torn each time: an honest error, not half an answer.
        let answer = leeward.get("/proxy/p/always").await;
        answer.problem(502, "upstream_invalid");
        assert_eq!(answer.header("leeward-attempts"), Some("2"));
    }

    #[tokio::test]
    async fn a_write_whose_answer_is_torn_is_not_repeated_and_looks_torn() {
        let raw = RawVendor::start().await;
        let leeward = provider(&raw.url(), "").start().await;
        let (answer, ()) = tokio::join!(leeward.open(Method::POST, "/proxy/p/x", &[]), async {
            let mut call = raw.call().await;
            call.write("HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nhalf").await;
            call.reset();
        });
        assert_eq!(answer.status(), 201);
        assert!(answer.into_body().collect().await.is_err(), "it must not look whole");
        assert!(!leeward.telemetry("/metrics").await.text().contains("leeward_retries_total{"));
    }

    #[tokio::test]
    async fn nothing_is_repeated_before_the_vendors_own_time() {
        let vendor = vendor(turns(|turn, call| match (call.head.uri.path(), turn) {
            ("/later", _) => json(503, value!({})).header("retry-after", 3600),
            (_, 0) => json(503, value!({})).header("retry-after", 1),
            _ => json(200, value!({})),
        }))
        .await;
        let leeward = provider(&vendor.url(), "").start().await;
        let answer = leeward.get("/proxy/p/soon").await;
        assert_eq!(answer.live().header("leeward-attempts"), Some("2"));
        // Later than the deadline: the vendor's answer passes, its time with it.
        let answer = leeward.get("/proxy/p/later").await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("3600")));
        assert_eq!((answer.header("leeward-attempts"), requests(&vendor)), (Some("1"), 3));
    }

    #[tokio::test]
    async fn repeats_have_a_budget() {
        let vendor = vendor(|_: &Call| json(503, value!({}))).await;
        let lines = "retry: {max_attempts: 2, backoff: {base: 1ms, max: 1ms}, budget: 10%}\n\
                     breaker: {consecutive_failures: null, failure_ratio: null}";
        let leeward = provider(&vendor.url(), lines).start().await;
        for _ in 0..60 {
            assert_eq!(leeward.get("/proxy/p/x").await.status, 503);
        }
        // 10 in hand, 6 earned, and one a second.
        let repeated = retries(&leeward, "503").await;
        assert!((10.0..=40.0).contains(&repeated), "{repeated}");
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let asked = requests(&vendor) as f64;
        assert!((asked - 60.0 - repeated).abs() < f64::EPSILON);
        let none = provider(&vendor.url(), "retry: {budget: 0%}").start().await;
        assert_eq!(none.get("/proxy/p/x").await.header("leeward-attempts"), Some("1"));
    }
}

mod fallback {
    use super::*;

    /// Answers well with a text of the path, until the query says how it fails.
    fn failing(call: &Call) -> Reply {
        let path = call.head.uri.path().to_owned();
        let mode = call.head.headers.get("x-mode").map(|mode| mode.to_str().unwrap());
        let good = |path: &str| {
            json(200, value!({ "path": path, "bearer": call.bearer() })).header("x-own", HeaderValue::from_static("kept"))
        };
        match mode {
            None => match path.as_str() {
                "/no-store" => good(&path).header("cache-control", HeaderValue::from_static("private, no-store")),
                "/cookie" => good(&path).header("set-cookie", HeaderValue::from_static("a=b")),
                "/never-stale" => good(&path).header("cache-control", HeaderValue::from_static("max-age=0, stale-if-error=0")),
                "/part" => {
                    let Reply::Answer(mut part) = good(&path) else { unreachable!() };
                    *part.status_mut() = StatusCode::PARTIAL_CONTENT;
                    Reply::Answer(part)
                }
                _ => good(&path),
            },
            Some("hang") => Reply::Hang,
            Some("close") => Reply::Close,
            Some("torn") => Reply::Torn(Response::new(Bytes::from("0123456789")), 4),
            Some("limit") => json(429, value!({})).header("retry-after", 900),
            Some(status) => json(status.parse().unwrap(), value!({ "failed": true })),
        }
    }

    #[track_caller]
    fn kept(answer: &Answer, path: &str) {
        let seen = (answer.status.as_u16(), answer.header("leeward-source"), answer.header("leeward-error"));
        assert_eq!(seen, (200, Some("cache"), None), "{}", answer.text());
        assert_eq!(answer.json()["path"], path);
        assert_eq!(answer.header("x-own"), Some("kept"));
        let age: u64 = answer.header("age").expect("an age").parse().unwrap();
        assert!(age < 60);
    }

    async fn start(vendor: &Server, lines: &str) -> Leeward {
        let lines = format!("retry: {{max_attempts: 1}}\ntimeout: {{response: 200ms}}\n{lines}");
        let files = provider(&vendor.url(), &lines);
        files.account("a", "provider: p").account("b", "provider: p").start().await
    }

    async fn get(leeward: &Leeward, path: &str, headers: &[(&str, &str)]) -> Answer {
        leeward.call(Method::GET, &format!("/proxy/p{path}"), headers, "").await
    }

    #[tokio::test]
    async fn the_last_good_answer_stands_in_for_a_failure() {
        let vendor = vendor(failing).await;
        let lines = "cache: {}\nbreaker: {consecutive_failures: 4, open_for: 10m, max_open_for: 10m}";
        let leeward = start(&vendor, lines).await;
        assert_eq!(get(&leeward, "/x?q=1", &[]).await.live().header("age"), None);
        for mode in ["500", "503", "hang", "close"] {
            let served = get(&leeward, "/x?q=1", &[("x-mode", mode)]).await;
            kept(&served, "/x");
            assert_eq!(served.header("leeward-attempts"), Some("1"), "{mode}");
        }
        // Four failures: the circuit is open, and the answer is served without a call.
        let served = get(&leeward, "/x?q=1", &[]).await;
        kept(&served, "/x");
        assert_eq!((served.header("leeward-attempts"), requests(&vendor)), (Some("0"), 5));
        // What was never read has nothing to stand in for it.
        get(&leeward, "/y", &[]).await.problem(503, "circuit_open");
        let counted = r#"leeward_requests_total{operation="proxy",outcome="ok",provider="p",source="cache"}"#;
        assert!((leeward.metric(counted).await - 5.0).abs() < f64::EPSILON);
    }

    #[tokio::test]
    async fn it_stands_in_for_an_answer_that_broke_off_each_time() {
        let vendor = vendor(failing).await;
        let leeward = provider(&vendor.url(), "cache: {}").start().await;
        get(&leeward, "/x", &[]).await.live();
        let served = get(&leeward, "/x", &[("x-mode", "torn")]).await;
        kept(&served, "/x");
        assert_eq!((served.header("leeward-attempts"), requests(&vendor)), (Some("2"), 3));
    }

    #[tokio::test]
    async fn a_vendor_that_is_away_or_full_is_stood_in_for() {
        let raw = RawVendor::start().await;
        let lines = "cache: {}\nconcurrency: {max_in_flight: 1, max_waiting: 0}\nretry: {max_attempts: 1}";
        let leeward = provider(&raw.url(), lines).start().await;
        let good = value!({ "path": "/x" });
        let (live, ()) = tokio::join!(leeward.get("/proxy/p/x"), async {
            raw.call().await.answer(200, &good).await;
        });
        live.live();
        let (_busy, call) = tokio::join!(leeward.open(Method::POST, "/proxy/p/y", &[]), async {
            let mut call = raw.call().await;
            call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n").await;
            call
        });
        let served = leeward.get("/proxy/p/x").await;
        assert_eq!((served.header("leeward-source"), served.json()), (Some("cache"), good.clone()));
        drop(call);
        drop(_busy);
        drop(raw);
        leeward.until("the slot is free", || in_flight(&leeward, 0.0)).await;
        let served = leeward.get("/proxy/p/x").await;
        assert_eq!((served.header("leeward-source"), served.json()), (Some("cache"), good));
        assert_eq!(served.header("leeward-attempts"), Some("1"));
    }

    #[tokio::test]
    async fn an_answer_belongs_to_its_account_target_variant_and_caller() {
        let vendor = vendor(failing).await;
        let lines = "cache: {vary: [Accept]}\nbreaker: {consecutive_failures: null, failure_ratio: null}";
        let leeward = start(&vendor, lines).await;
        let (a, b) = (("leeward-account", "a"), ("leeward-account", "b"));
        let fails = ("x-mode", "500");
        let (json, xml) = (("accept", "application/json"), ("accept", "text/xml"));
        let mine = ("authorization", "Bearer mine");
        let hers = ("authorization", "Bearer hers");
        get(&leeward, "/x?q=1", &[a, json, mine]).await.live();
        kept(&get(&leeward, "/x?q=1", &[a, json, mine, fails]).await, "/x");
        for others in [
            ("/x?q=1", [b, json, mine, fails]),
            ("/x?q=2", [a, json, mine, fails]),
            ("/x?q=1", [a, xml, mine, fails]),
            ("/x?q=1", [a, json, hers, fails]),
        ] {
            let answer = get(&leeward, others.0, &others.1).await;
            assert_eq!((answer.status.as_u16(), answer.header("leeward-source")), (500, Some("live")), "{others:?}");
        }
        for headers in [vec![a, json, fails], vec![a, json, mine, ("cookie", "s=1"), fails]] {
            assert_eq!(get(&leeward, "/x?q=1", &headers).await.status, 500, "{headers:?}");
        }
        // HEAD and GET are apart, and a write is no read.
        for method in [Method::HEAD, Method::POST] {
            let answer = leeward.call(method, "/proxy/p/x?q=1", &[a, json, mine, fails], "").await;
            assert_eq!(answer.status, 500);
        }
    }

    #[tokio::test]
    async fn what_must_not_be_kept_is_not() {
        let vendor = vendor(failing).await;
        let lines = "cache: {}\nbreaker: {consecutive_failures: null, failure_ratio: null}";
        let leeward = start(&vendor, lines).await;
        let a = ("leeward-account", "a");
        for path in ["/no-store", "/cookie", "/never-stale", "/part"] {
            assert!(get(&leeward, path, &[a]).await.status.is_success());
            assert_eq!(get(&leeward, path, &[a, ("x-mode", "500")]).await.status, 500, "{path}");
        }
        // A limit is not among what an answer stands in for, nor is a vendor's refusal.
        get(&leeward, "/x", &[a]).await.live();
        assert_eq!(get(&leeward, "/x", &[a, ("x-mode", "404")]).await.status, 404);
        get(&leeward, "/x", &[a]).await.live();
        get(&leeward, "/x", &[a, ("x-mode", "limit")]).await.problem(429, "rate_limited");
    }

    #[tokio::test]
    async fn what_was_changed_or_is_gone_is_not_served_as_it_was() {
        let vendor = vendor(failing).await;
        let lines = "cache: {}\nbreaker: {consecutive_failures: null, failure_ratio: null}";
        let leeward = start(&vendor, lines).await;
        let (a, fails) = (("leeward-account", "a"), ("x-mode", "500"));
        for path in ["/kept", "/changed", "/changed?q=1", "/deleted", "/lost", "/failed"] {
            get(&leeward, path, &[a]).await.live();
        }
        let write = async |method: Method, path: &str, headers: &[(&str, &str)]| {
            leeward.call(method, &format!("/proxy/p{path}"), headers, "{}").await.status.as_u16()
        };
        assert_eq!(write(Method::PUT, "/changed", &[a]).await, 200);
        assert_eq!(write(Method::DELETE, "/deleted", &[a]).await, 200);
        assert_eq!(write(Method::PATCH, "/failed", &[a, ("x-mode", "400")]).await, 400);
        assert_eq!(get(&leeward, "/lost", &[a, ("x-mode", "404")]).await.status, 404);
        for path in ["/changed", "/changed?q=1", "/deleted", "/lost"] {
            assert_eq!(get(&leeward, path, &[a, fails]).await.status, 500, "{path}");
        }
        for path in ["/kept", "/failed"] {
            kept(&get(&leeward, path, &[a, fails]).await, path);
        }
        // Read anew, it stands in again.
        get(&leeward, "/changed", &[a]).await.live();
        kept(&get(&leeward, "/changed", &[a, fails]).await, "/changed");
    }

    #[tokio::test]
    async fn it_is_off_for_the_proxy_unless_it_is_asked_for() {
        let vendor = vendor(failing).await;
        for (lines, path, served) in [
            ("", "/x", false),
            ("cache: null", "/x", false),
            ("cache: {paths: ['^/y']}", "/x", false),
            ("cache: {paths: ['^/y', '^/x$']}", "/x", true),
            ("cache: {serve_after: [circuit_open, 503]}", "/x", false),
            ("cache: {serve_after: [500]}", "/x", true),
        ] {
            let leeward = start(&vendor, lines).await;
            get(&leeward, path, &[("leeward-account", "a")]).await.live();
            let answer = get(&leeward, path, &[("leeward-account", "a"), ("x-mode", "500")]).await;
            assert_eq!(answer.status == 200, served, "{lines}");
        }
    }
}
