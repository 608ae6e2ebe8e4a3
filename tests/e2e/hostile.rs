//! Hostile vendors and hostile clients: each costs that request alone, and the next is served.

use std::io::Write as _;

use http::Method;
use leeward_vendors::{Call, Reply};
use serde_json::json;

use crate::harness::{Answer, Files, Leeward, Socket, answering, channel, connections, flowing, head, json, vendor};

fn open(url: impl std::fmt::Display) -> String {
    format!("base_url: {url}\nauth: {{type: none}}")
}

/// Rules that look at every answer.
const LOOKS: &str = "rate_limit: {rules: [{id: look, when: {status: [200, 429], body: {/limited: true}}, fallback: {seconds: 9}}]}";

async fn well() -> leeward_vendors::Server {
    vendor(|_: &Call| json(200, json!({}))).await
}

/// The same with more in its way: what no client library gives.
async fn raw(leeward: &Leeward, path: &str) -> String {
    let mut socket = Socket::connect(&leeward.egress).await;
    socket.write(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    String::from_utf8_lossy(&socket.rest().await).into_owned()
}

#[tokio::test]
async fn heads_without_bounds_are_no_answers() {
    let many = "X-Filler: 0123456789abcdef0123456789abcdef\r\n".repeat(1024 * 1024 / 42);
    let one = format!("X-Filler: {}\r\n", "y".repeat(1024 * 1024));
    let long_reason = "z".repeat(1024 * 1024);
    let cases = [
        ("many", format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 0\r\n\r\n")),
        ("one", format!("HTTP/1.1 200 OK\r\n{one}Content-Length: 0\r\n\r\n")),
        ("reason", format!("HTTP/1.1 200 {long_reason}\r\nContent-Length: 0\r\n\r\n")),
    ];
    let good = well().await;
    let mut files = Files::new().provider("good", &open(good.url()));
    for (name, bytes) in &cases {
        let bad = answering(bytes.as_str()).await;
        files = files.provider(name, &open(format!("http://{bad}")));
    }
    // An endless head, which never becomes one.
    let endless = connections(|mut stream| async move {
        use tokio::io::AsyncWriteExt;
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"X-Filler: more and more and more\r\n").await.is_ok() {}
    })
    .await;
    let leeward = files.provider("endless", &open(format!("http://{endless}"))).start().await;
    let before = leeward.peak_memory();
    for name in ["many", "one", "reason", "endless"] {
        leeward.get(&format!("/proxy/{name}/x")).await.problem(502, "upstream_invalid");
        leeward.get("/proxy/good/x").await.live();
    }
    assert!(leeward.peak_memory() - before < 16);
}

#[tokio::test]
async fn lengths_that_lie_cost_their_own_answer() {
    let cases = [
        ("short", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello"),
        ("chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"),
        ("huge", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello"),
        ("overflow", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello"),
        ("unended", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        ("extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;\x01\r\nhello\r\n"),
    ];
    let good = well().await;
    let mut files = Files::new().provider("good", &open(good.url()));
    for (name, bytes) in cases {
        let bad = answering(bytes).await;
        files = files.provider(name, &open(format!("http://{bad}")));
    }
    let leeward = files.start().await;
    for (name, _) in cases {
        // The head is good, and is passed on as the body breaks: the client's own answer ends unclean
        // (before its first byte, if all broke at once), so that nobody takes it for whole.
        let answer = raw(&leeward, &format!("/proxy/{name}/x")).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200 "), "{name}: {answer}");
        assert!(!answer.ends_with("0\r\n\r\n"), "{name}: {answer}");
        let whole = answer.to_ascii_lowercase().contains("content-length: 5\r\n");
        assert!(!whole, "{name}: {answer}");
        leeward.get("/proxy/good/x").await.live();
    }
    // More than was announced is no answer to anybody: it does not reach the next request.
    let more = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil").await;
    leeward.write("providers/more.yaml", &format!("provider: more\n{}", open(format!("http://{more}"))));
    leeward.admin(Method::POST, "/reload", None).await;
    for _ in 0..3 {
        assert_eq!(leeward.get("/proxy/more/x").await.live().text(), "ok");
    }
}

fn gzip(zeros: usize) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let piece = vec![b' '; 1024 * 1024];
    for _ in 0..zeros {
        packed.write_all(&piece).unwrap();
    }
    packed.finish().unwrap()
}

#[tokio::test]
async fn what_a_rule_looks_at_does_not_grow() {
    let bomb = gzip(256);
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = format!("{}1{}", "{\"limited\":".repeat(100_000), "}".repeat(100_000));
    let wide = format!("[{}1]", "1,".repeat(30_000));
    let twice = gzip(1);
    let bodies: [(&'static str, &'static str, Vec<u8>); 7] = [
        ("bomb", "gzip", bomb),
        ("nested", "identity", nested.into_bytes()),
        ("objects", "identity", deep_object.into_bytes()),
        ("wide", "identity", wide.into_bytes()),
        ("liar", "gzip", b"not gzip at all".to_vec()),
        ("layers", "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip", twice),
        ("unknown", "rot13", b"{\"limited\": true}".to_vec()),
    ];
    let mut files = Files::new();
    let mut vendors = Vec::new();
    for (name, coding, body) in &bodies {
        let (coding, body) = (*coding, bytes::Bytes::from(body.clone()));
        let server = vendor(move |call: &Call| {
            let status = if call.head.uri.path() == "/limit" { 429 } else { 200 };
            let mut reply = json(status, json!(null)).header("content-encoding", http::HeaderValue::from_static(coding));
            if let Reply::Answer(response) = &mut reply {
                *response.body_mut() = body.clone();
            }
            reply
        })
        .await;
        files = files.provider(name, &format!("{}\n{LOOKS}", open(server.url())));
        vendors.push(server);
    }
    let leeward = files.start().await;
    let before = leeward.peak_memory();
    for (name, coding, body) in &bodies {
        let answer = leeward.get(&format!("/proxy/{name}/x")).await;
        answer.live();
        assert_eq!(answer.header("content-encoding"), Some(*coding));
        assert!(answer.body == *body, "{name} was changed");
    }
    let grown = leeward.peak_memory() - before;
    assert!(grown < 48, "it grew by {grown} MiB");
    // A limit is one all the same, though its body cannot be read; a retry is not wanted.
    let problem = leeward.get("/proxy/nested/limit").await.problem(429, "rate_limited");
    assert_eq!(problem["upstream_status"], 429);
}

#[tokio::test]
async fn requests_without_bounds_cost_their_connection() {
    let good = well().await;
    let leeward = Files::new().provider("good", &open(good.url())).start().await;
    let line = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n");
    let many: String = (0..1000).map(|number| format!("X-{number}: y\r\n")).collect();
    let cases = [
        (line(&format!("/proxy/good/{}", "a".repeat(64 * 1024)), ""), &["414 ", "431 ", "400 "][..]),
        (line(&format!("/proxy/good/{}", "%2e%2e%2f".repeat(4000)), ""), &["400 "]),
        (line("/proxy/good/x", &many), &["431 ", "200 "]),
        (line("/proxy/good/x", &format!("X: {}\r\n", "y".repeat(1024 * 1024))), &["431 "]),
        (line("/proxy/good/x", "X : y\r\n"), &["400 "]),
        (line("/proxy/good/x", "X: a\rb\r\n"), &["400 "]),
        (line("/proxy/good/x", "X: a\0b\r\n"), &["400 "]),
        (line("/proxy/good/x", "Content-Length: 5\r\nContent-Length: 6\r\n"), &["400 "]),
        (line("/proxy/good/x", "Content-Length: nine\r\n"), &["400 "]),
        (line("/proxy/good/x", "Content-Length: 18446744073709551616\r\n"), &["400 "]),
        (line("/proxy/good/x", "Transfer-Encoding: gzip\r\n"), &["400 "]),
        ("GET /proxy/good/x HTTP/3.7\r\n\r\n".to_owned(), &["400 "]),
        ("\x16\x03\x01\x02\0\x01\0\x01\x03\x03".to_owned(), &["400 "]),
        ("CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n".to_owned(), &["404 "]),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), &["404 "]),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["404 "]),
    ];
    for (bytes, expected) in cases {
        let mut socket = Socket::connect(&leeward.egress).await;
        socket.offer(&bytes).await;
        let head = socket.head().await;
        let status = head.strip_prefix("HTTP/1.1 ").unwrap_or(&head);
        let shown: String = bytes.chars().take(80).collect();
        // What was not read when the connection ends may take the answer with it.
        let reset = bytes.len() > 32 * 1024 && head.is_empty();
        assert!(reset || expected.iter().any(|code| status.starts_with(code)), "{shown:?}: {head}");
        leeward.get("/proxy/good/x").await.live();
    }
    let counted = leeward.metric("leeward_listener_refused_total{listener=\"egress\",reason=\"malformed\"}").await;
    assert!(counted >= 8.0, "{counted}");
    // HTTP/1.1 framing that two servers could read in two ways goes out with one length, or not at all.
    let mut socket = Socket::connect(&leeward.egress).await;
    socket
        .write("POST /proxy/good/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /proxy/nobody/smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let head = socket.head().await;
    assert!(head.starts_with("HTTP/1.1 400 ") || head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[tokio::test]
async fn odd_answers_do_not_reach_the_next_request() {
    // Written to every request of a connection that stays open.
    let odd = async |answer: &'static [u8]| {
        connections(move |mut stream| async move {
            use tokio::io::AsyncWriteExt;
            while head(&mut stream).await.ends_with("\r\n\r\n") {
                let _ = stream.write_all(answer).await;
            }
        })
        .await
    };
    let endless = connections(|mut stream| async move {
        use tokio::io::AsyncWriteExt;
        head(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.is_ok() {}
    })
    .await;
    let quick = "timeout: {response: 500ms}\nretry: {max_attempts: 1}";
    let files = Files::new()
        .provider("none", &open(format!("http://{}", odd(b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil").await)))
        .provider("same", &open(format!("http://{}", odd(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil").await)))
        .provider("switch", &open(format!("http://{}", odd(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nevil").await)))
        .provider("early", &open(format!("http://{}", odd(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await)))
        .provider("twice", &open(format!("http://{}", odd(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil").await)))
        .provider("endless", &format!("{}\n{quick}", open(format!("http://{endless}"))));
    let leeward = files.start().await;
    for _ in 0..5 {
        for (name, status) in [("none", 204), ("same", 304), ("early", 200), ("twice", 200)] {
            let answer = leeward.get(&format!("/proxy/{name}/x")).await;
            assert_eq!(answer.status, status, "{name}: {}", answer.text());
            assert!(!answer.text().contains("evil"), "{name}");
        }
        // Nobody asked to switch.
        leeward.get("/proxy/switch/x").await.problem(502, "upstream_invalid");
        leeward.get("/proxy/switch/x").await.problem(502, "upstream_invalid");
    }
    leeward.get("/proxy/endless/x").await.problem(504, "upstream_timeout");
    assert!(leeward.peak_memory() < 200);
}

#[tokio::test]
async fn the_admin_listener_bears_bombs_too() {
    let leeward = Files::new().provider("open", "base_url: http://127.0.0.1:9\nauth: {type: none}").start().await;
    let put = async |id: &str, body: String| {
        let mut socket = Socket::connect(&leeward.admin).await;
        socket
            .offer(format!(
                "PUT /accounts/{id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-admin-token\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        socket.head().await.chars().skip(9).take(3).collect::<String>()
    };
    let nested = format!("{{\"provider\":\"open\",\"vars\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(put("it", nested).await, "422");
    assert_eq!(put("it", "x".repeat(900 * 1024)).await, "422");
    let large = put("it", "x".repeat(2 * 1024 * 1024)).await;
    assert!(large == "413" || large.is_empty(), "{large}");
    let good = r#"{"provider":"open","credentials":{}}"#;
    for id in ["a%2Fb", "%00", "a b", "caf%C3%A9", &"x".repeat(201), "..", "open%2F"] {
        assert!(["422", "404", "400"].contains(&&*put(id, good.to_owned()).await), "{id}");
    }
    assert_eq!(put("a:b@c._-1", good.to_owned()).await, "201");
}

#[tokio::test]
async fn a_provider_that_hangs_or_floods_costs_the_others_nothing() {
    let hangs = vendor(|_: &Call| Reply::Hang).await;
    let floods = flowing(|_| async {
        let (sender, body) = channel();
        tokio::spawn(async move {
            let piece = bytes::Bytes::from(vec![b'x'; 64 * 1024]);
            while sender.send(piece.clone()).await.is_ok() {}
        });
        http::Response::new(body)
    })
    .await;
    let good = well().await;
    let leeward = Files::new()
        .provider("hangs", &format!("{}\nconcurrency: {{max_in_flight: 8, per_account: 8, max_waiting: 8, max_wait: 60s}}", open(hangs.url())))
        .provider("floods", &open(format!("http://{floods}")))
        .provider("good", &open(good.url()))
        .start()
        .await;
    let mut hanging = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (client, uri) = (leeward.client.clone(), format!("http://{}/proxy/hangs/x", leeward.egress));
        hanging.spawn(async move { client.get(uri.parse().unwrap()).await });
    }
    let mut flooding = Vec::new();
    for _ in 0..8 {
        // Opened, and never read.
        flooding.push(leeward.open(Method::GET, "/proxy/floods/x", &[]).await);
    }
    let full = || async {
        let of = |state: &str| format!("leeward_in_flight{{provider=\"{state}\"}}");
        leeward.metric(&of("hangs")).await == 16.0
    };
    leeward.until("all slots of the one that hangs are taken", full).await;
    leeward.get("/proxy/hangs/x").await.problem(503, "overloaded");
    for _ in 0..50 {
        leeward.get("/proxy/good/x").await.live();
    }
    drop((hanging, flooding));
    let empty = || async { leeward.metric("leeward_in_flight{provider=\"hangs\"}").await == 0.0 };
    leeward.until("who hangs up leaves nothing behind", empty).await;
    let answer: Answer = leeward.get("/proxy/good/x").await;
    answer.live();
}
