//! Every code that needs no mapping, produced at a real socket.

use http::Method;
use leeward_vendors::{Call, Entry, Reply};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::harness::{Files, Leeward, answering, connections, head, json, refused, turns, vendor};

fn open(url: &str) -> String {
    format!("base_url: {url}\nauth: {{type: none}}")
}

fn well(_: &Call) -> Reply {
    json(200, json!({}))
}

async fn put(leeward: &Leeward, account: &str, provider: &str, credentials: Value) {
    let body = json!({ "provider": provider, "credentials": credentials });
    let answer = leeward.admin(Method::PUT, &format!("/accounts/{account}"), Some(body)).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

#[tokio::test]
async fn what_the_request_gets_wrong() {
    let vendor = vendor(well).await;
    let key = "auth: {type: api_key, apply: {header: X-Key, value: '{{credentials.api_key}}'}}";
    let leeward = Files::new()
        .provider("open", &open(&vendor.url()))
        .provider("keyed", &format!("base_url: {}\n{key}", vendor.url()))
        .provider("empty", &format!("base_url: {}\n{key}", vendor.url()))
        .account("a", "provider: keyed\ncredentials: {api_key: one}")
        .account("b", "provider: keyed\ncredentials: {api_key: two}")
        .start()
        .await;
    for path in ["/proxy/nobody/x", "/proxy/open:nobase/x"] {
        leeward.get(path).await.problem(404, "unknown_provider");
    }
    for path in ["/", "/nothing", "/proxy", "/Proxy/open/x", "/metrics"] {
        leeward.get(path).await.problem(404, "unknown_resource");
    }
    for path in ["/proxy/", "/proxy//x", "/proxy/:b/x", "/proxy/o%70en/x", "/proxy/open/../x"] {
        leeward.get(path).await.problem(400, "invalid_request");
    }
    for timeout in ["soon", "2", "-1s", "0s", "", "1s 2s", "99999999999999999999h", "\u{1f600}"] {
        let answer = leeward.call(Method::GET, "/proxy/open/x", &[("leeward-timeout", timeout)], "").await;
        answer.problem(400, "invalid_request");
    }
    leeward.get("/proxy/keyed/x").await.problem(400, "ambiguous_account");
    leeward.get_as("nobody", "/proxy/keyed/x").await.problem(404, "unknown_account");
    leeward.get_as("a", "/proxy/empty/x").await.problem(404, "unknown_account");
    leeward.get("/proxy/empty/x").await.problem(404, "unknown_account");
    // An operation that the admin listener does not have, with what it has.
    let answer = leeward.admin(Method::DELETE, "/providers", None).await;
    answer.problem(405, "unsupported_operation");
    assert_eq!(answer.header("allow"), Some("GET"));
    assert_eq!(vendor.books().read(Entry::Requests), 0);
    leeward.get_as("a", "/proxy/keyed/x").await.live();
}

#[tokio::test]
async fn what_an_account_lacks() {
    let vendor = vendor(|call: &Call| match call.form("refresh_token").as_deref() {
        None => json(200, json!({})),
        Some("gone") => json(400, json!({"error": "invalid_grant"})),
        Some("stranger") => json(401, json!({"error": "invalid_client"})),
        Some(_) => json(503, json!({})),
    })
    .await;
    let url = vendor.url();
    let oauth = |token_url: &str| {
        format!(
            "base_url: {url}\nauth: {{type: oauth2, token_url: '{token_url}', client_id: app, client_secret: x, timeout: 2s}}"
        )
    };
    let leeward = Files::new()
        .provider("tokens", &oauth(&format!("{url}/token")))
        .provider("away", &oauth(&format!("http://{}/token", refused())))
        .provider("keyed", &format!("base_url: {url}\nauth: {{type: api_key, apply: {{header: X-Key, value: '{{{{credentials.api_key}}}}'}}}}"))
        .start()
        .await;
    let over = |refresh: &str| json!({"access_token": "a", "refresh_token": refresh, "expires_at": 1});
    put(&leeward, "gone", "tokens", over("gone")).await;
    let problem = leeward.get_as("gone", "/proxy/tokens/x").await.problem(401, "needs_reauth");
    assert_eq!((&problem["provider"], &problem["account"]), (&json!("tokens"), &json!("gone")));
    put(&leeward, "stranger", "tokens", over("stranger")).await;
    leeward.get_as("stranger", "/proxy/tokens/x").await.problem(503, "credentials_unavailable");
    put(&leeward, "later", "tokens", over("later")).await;
    leeward.get_as("later", "/proxy/tokens/x").await.problem(503, "credentials_unavailable");
    put(&leeward, "away", "away", over("any")).await;
    let problem = leeward.get("/proxy/away/x").await.problem(503, "credentials_unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("refused"), "{problem}");
    // The vendor was asked for tokens alone.
    leeward.admin(Method::POST, "/accounts/later/disable", None).await;
    leeward.get_as("later", "/proxy/tokens/x").await.problem(403, "account_disabled");
    put(&leeward, "bare", "keyed", json!({})).await;
    let problem = leeward.get("/proxy/keyed/x").await.problem(422, "account_incomplete");
    assert!(problem["detail"].as_str().unwrap().contains("api_key"), "{problem}");
    put(&leeward, "bare", "keyed", json!({"api_key": "a\r\nX-Evil: 1"})).await;
    leeward.get("/proxy/keyed/x").await.problem(422, "account_incomplete");
    assert_eq!(leeward.metric("leeward_upstream_responses_total{provider=\"tokens\",status=\"200\"}").await, 0.0);
}

#[tokio::test]
async fn a_vendor_that_cannot_be_reached() {
    let closes = connections(|mut stream| async move {
        head(&mut stream).await;
    })
    .await;
    // A label of more than 63 bytes is no name anywhere, whatever resolver is asked.
    let no_name = format!("http://{}.example", "a".repeat(64));
    let plain = connections(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let leeward = Files::new()
        .provider("refused", &open(&format!("http://{}", refused())))
        .provider("nowhere", &open(&no_name))
        .provider("closes", &open(&format!("http://{closes}")))
        .provider("notls", &open(&format!("https://localhost:{}", plain.port())))
        .start()
        .await;
    for (name, why) in [
        ("refused", "connection refused by 127.0.0.1"),
        ("nowhere", "no address for aaa"),
        ("closes", "closed the connection without an answer"),
        ("notls", "does not speak TLS"),
    ] {
        let problem = leeward.get(&format!("/proxy/{name}/x")).await.problem(502, "upstream_unreachable");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
}

#[tokio::test]
async fn what_is_no_answer() {
    let cases = [
        ("garbage", "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        ("binary", "\0\x01\x02\r\n\r\n"),
        ("cut", "HTTP/1.1 200 OK\r\nContent-Len"),
        ("status", "HTTP/1.1 20 OK\r\n\r\n"),
        ("lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        ("length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        ("line", "HTTP/1.1 200 OK\r\nX: a\r\n\tfolded\x01\r\n\r\n"),
        // A short answer to a read is taken whole, and this one never is.
        ("torn", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
    ];
    let mut files = Files::new();
    for (name, bytes) in cases {
        let vendor = answering(bytes).await;
        files = files.provider(name, &open(&format!("http://{vendor}")));
    }
    let leeward = files.start().await;
    for (name, _) in cases {
        let answer = leeward.get(&format!("/proxy/{name}/x")).await;
        answer.problem(502, "upstream_invalid");
        let attempts = if name == "torn" { "2" } else { "1" };
        assert_eq!(answer.header("leeward-attempts"), Some(attempts), "{name}");
    }
}

#[tokio::test]
async fn what_takes_too_long() {
    let hangs = vendor(|_: &Call| Reply::Hang).await;
    // It accepts, and never answers the handshake.
    let mute = connections(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let retry = "retry: {max_attempts: 1}";
    let leeward = Files::new()
        .provider("response", &format!("{}\ntimeout: {{response: 100ms}}\n{retry}", open(&hangs.url())))
        .provider("total", &format!("{}\ntimeout: {{total: 100ms}}", open(&hangs.url())))
        .provider("asked", &open(&hangs.url()))
        .provider("connect", &format!("{}\ntimeout: {{connect: 100ms}}\n{retry}", open(&format!("https://{mute}"))))
        .start()
        .await;
    for name in ["response", "total", "connect"] {
        leeward.get(&format!("/proxy/{name}/x")).await.problem(504, "upstream_timeout");
    }
    let answer = leeward.call(Method::GET, "/proxy/asked/x", &[("leeward-timeout", "100ms")], "").await;
    answer.problem(504, "upstream_timeout");
    // The header shortens and never lengthens.
    let answer = leeward.call(Method::GET, "/proxy/total/x", &[("leeward-timeout", "24h")], "").await;
    answer.problem(504, "upstream_timeout");
}

#[tokio::test]
async fn what_leeward_refuses_to_send() {
    let limits = vendor(turns(|turn, _| match turn {
        0 => json(429, json!({"why": "too fast"})).header("retry-after", http::HeaderValue::from(30)),
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
        .provider("broken", &format!("{}\nbreaker: {{consecutive_failures: 2}}", open(&breaks.url())))
        .provider("full", &format!("{}\nconcurrency: {{max_in_flight: 1, max_waiting: 0}}", open(&hangs.url())))
        .start()
        .await;
    let problem = leeward.get("/proxy/limited/x").await.problem(429, "rate_limited");
    assert_eq!(problem["retry_after"], 30);
    assert_eq!(problem["upstream_status"], 429);
    assert_eq!(problem["upstream_body"], json!({"why": "too fast"}));
    assert!(problem["scope"].is_string());
    let problem = leeward.get("/proxy/limited/x").await.problem(429, "rate_limited");
    assert_eq!(problem.get("upstream_status"), None);
    assert_eq!(limits.books().read(Entry::Requests), 1);

    for _ in 0..2 {
        // A vendor's own error passes through.
        let answer = leeward.get("/proxy/broken/x").await;
        assert_eq!((answer.status.as_u16(), answer.header("leeward-error")), (500, None));
    }
    let answer = leeward.get("/proxy/broken/x").await;
    answer.problem(503, "circuit_open");
    assert_eq!(answer.header("leeward-attempts"), Some("0"));
    assert_eq!(breaks.books().read(Entry::Requests), 2);

    let hanging = tokio::spawn({
        let (client, uri) = (leeward.client.clone(), format!("http://{}/proxy/full/hang", leeward.egress));
        async move { client.get(uri.parse().unwrap()).await }
    });
    let arrived = || async { hangs.books().read(Entry::Requests) == 1 };
    leeward.until("one is in flight", arrived).await;
    leeward.get("/proxy/full/x").await.problem(503, "overloaded");
    hanging.abort();
    let room = || async { leeward.get("/proxy/full/x").await.status == 200 };
    leeward.until("the place is free again", room).await;
}

#[tokio::test]
async fn a_body_that_must_be_held_and_is_too_large() {
    let vendor = vendor(|call: &Call| json(200, json!({"body": String::from_utf8_lossy(&call.body)}))).await;
    let leeward = Files::new()
        .provider(
            "held",
            &format!(
                "base_url: {}\nmax_buffer: 1KiB\nauth: {{type: api_key, apply: {{body: {{key: '{{{{credentials.api_key}}}}'}}}}}}",
                vendor.url()
            ),
        )
        .account("a", "provider: held\ncredentials: {api_key: one}")
        .start()
        .await;
    let json_type = [("content-type", "application/json")];
    let answer = leeward.call(Method::POST, "/proxy/held/x", &json_type, r#"{"x":1}"#).await;
    let body: Value = serde_json::from_str(answer.live().json()["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({"x": 1, "key": "one"}));
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(2000));
    let answer = leeward.call(Method::POST, "/proxy/held/x", &json_type, &large).await;
    answer.problem(413, "payload_too_large");
    assert_eq!(vendor.books().read(Entry::Requests), 1);
}

#[tokio::test]
async fn a_request_body_that_breaks_off_is_the_clients_fault() {
    let vendor = connections(|mut stream| async move {
        head(&mut stream).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    })
    .await;
    let leeward = Files::new()
        .provider("open", &format!("{}\nbreaker: {{consecutive_failures: 1}}", open(&format!("http://{vendor}"))))
        .start()
        .await;
    for _ in 0..3 {
        let mut socket = crate::harness::Socket::connect(&leeward.egress).await;
        socket
            .write("POST /proxy/open/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
            .await;
        let rest = String::from_utf8(socket.rest().await).unwrap();
        assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
    }
    // It said nothing of the vendor.
    let states = leeward.listed("breakers").await;
    assert!(states.iter().all(|circuit| circuit["state"] == "closed"), "{states:?}");
}

#[tokio::test]
async fn without_the_token_nobody_comes_in() {
    let vendor = vendor(well).await;
    let leeward = Files::new()
        .process("egress_token: let-me-in")
        .provider("open", &open(&vendor.url()))
        .start()
        .await;
    leeward.get("/proxy/open/x").await.problem(401, "unauthorized");
    for token in ["", "let-me-out", "let-me-in2"] {
        for path in ["/proxy/open/x", "/nothing", "/unified/a/b"] {
            let answer = leeward.call(Method::GET, path, &[("leeward-token", token)], "").await;
            answer.problem(401, "unauthorized");
        }
    }
    assert_eq!(vendor.books().read(Entry::Requests), 0);
    leeward.call(Method::GET, "/proxy/open/x", &[("leeward-token", "let-me-in")], "").await.live();
}
