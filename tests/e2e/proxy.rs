//! `/proxy`: what passes, and what stops here.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Files, RawVendor, Socket, answering, json, vendor};

/// A vendor that tells what it was asked.
fn echo(call: &leeward_vendors::Call) -> leeward_vendors::Reply {
    let headers: Vec<(String, String)> = call
        .head
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect();
    json(
        200,
        json!({
            "method": call.head.method.as_str(),
            "target": call.head.uri.to_string(),
            "headers": headers,
            "body": String::from_utf8_lossy(&call.body),
        }),
    )
    .header("leeward-source", http::HeaderValue::from_static("forged"))
    .header("x-vendor", http::HeaderValue::from_static("yes"))
}

/// The values of a header that the vendor was asked with.
fn named<'a>(seen: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = seen["headers"].as_array().unwrap();
    let of = |pair: &&Value| pair[0] == name;
    headers
        .iter()
        .filter(of)
        .filter_map(|pair| pair[1].as_str())
        .collect()
}

fn open(url: &str) -> Files {
    Files::new().provider(
        "echo",
        &format!("base_url: {url}/base\nauth: {{type: none}}\nbases: {{upload: '{url}/up/'}}"),
    )
}

#[tokio::test]
async fn method_path_query_headers_and_body_pass_as_they_are() {
    let vendor = vendor(echo).await;
    let leeward = open(&vendor.url()).start().await;
    let answer = leeward
        .call(
            Method::PATCH,
            "/proxy/echo/a%2fb//c;d=1/%C3%A9?x=1+2&y=%20&z=",
            &[
                ("x-one", "1"),
                ("x-one", "2"),
                ("leeward-debug", "true"),
                ("te", "gzip"),
            ],
            "hello",
        )
        .await;
    answer.live();
    assert_eq!(answer.header("x-vendor"), Some("yes"));
    assert_eq!(answer.header("leeward-provider"), Some("echo"));
    assert_eq!(answer.header("leeward-attempts"), Some("1"));
    let seen = answer.json();
    assert_eq!(seen["method"], "PATCH");
    assert_eq!(seen["target"], "/base/a%2fb//c;d=1/%C3%A9?x=1+2&y=%20&z=");
    assert_eq!(seen["body"], "hello");
    assert_eq!(named(&seen, "x-one"), ["1", "2"]);
    assert_eq!(named(&seen, "host"), [vendor.address().to_string()]);
    assert!(named(&seen, "te").is_empty());
    let headers = seen["headers"].as_array().unwrap();
    let ours = |pair: &&Value| pair[0].as_str().unwrap().starts_with("leeward-");
    assert_eq!(headers.iter().find(ours), None);
}

#[tokio::test]
async fn every_method_and_every_base_reach_the_vendor() {
    let vendor = vendor(echo).await;
    let leeward = open(&vendor.url()).start().await;
    for method in [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = leeward
            .call(method.clone(), "/proxy/echo:upload/x?y", &[], "")
            .await;
        let seen = answer.live().json();
        assert_eq!(seen["method"], method.as_str());
        assert_eq!(seen["target"], "/up/x?y");
    }
    let head = leeward.call(Method::HEAD, "/proxy/echo/x", &[], "").await;
    let get = leeward.get("/proxy/echo/x").await;
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty());
    // HEAD tells the length that GET would have; only the method in it differs, by one letter.
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert_eq!(length, get.body.len() + 1);
}

#[tokio::test]
async fn targets_pass_byte_for_byte() {
    let vendor = vendor(echo).await;
    let leeward = open(&vendor.url()).start().await;
    let tails = [
        ("", "/base"),
        ("?x=1", "/base?x=1"),
        ("/", "/base/"),
        ("/?", "/base/?"),
        ("//", "/base//"),
        ("/a/./b", ""),
        ("/.a/..b/...", "/base/.a/..b/..."),
        ("/a%2Fb%2fc%5cd", "/base/a%2Fb%2fc%5cd"),
        ("/%25%zz%", "/base/%25%zz%"),
        ("/~!$&'()*+,;=:@-_.", "/base/~!$&'()*+,;=:@-_."),
        // A fragment is no part of a target, and ends before it is one.
        ("/x?a=/../b&c=?d=#f", "/base/x?a=/../b&c=?d="),
        (
            "/x?a=../..&b=[1]&c=a|b&d='{}\\^`",
            "/base/x?a=../..&b=[1]&c=a|b&d='{}\\^`",
        ),
        ("/caf\u{e9}", "/base/caf\u{e9}"),
    ];
    for (tail, expected) in tails {
        let mut socket = Socket::connect(&leeward.egress).await;
        socket
            .write(format!(
                "GET /proxy/echo{tail} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            ))
            .await;
        let (head, body) = socket.answer().await;
        if expected.is_empty() {
            assert!(head.starts_with("HTTP/1.1 400 "), "{tail}: {head}");
            continue;
        }
        assert!(
            head.starts_with("HTTP/1.1 200 "),
            "{tail}: {}",
            String::from_utf8_lossy(&body)
        );
        let seen: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(seen["target"], expected, "{tail}");
    }
}

#[tokio::test]
async fn nothing_leaves_the_base_path() {
    let vendor = vendor(echo).await;
    let leeward = open(&vendor.url()).start().await;
    for path in [
        "/../x",
        "/%2e%2e/x",
        "/a/%2E./x",
        "/..%2fx",
        "/..%5cx",
        "/..;a/x",
        "/.",
        "/a/..",
        "/a/.%2e;x=1/b",
    ] {
        for name in ["echo", "echo:upload"] {
            let answer = leeward.get(&format!("/proxy/{name}{path}")).await;
            answer.problem(400, "invalid_request");
        }
    }
    // What a client library would never send.
    for target in [
        "/proxy/echo/a\\..\\b",
        "/proxy/echo/x HTTP/1.1\r\nx: y",
        "http://evil.example/proxy/echo/../x",
    ] {
        let mut socket = Socket::connect(&leeward.egress).await;
        socket
            .write(format!(
                "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            ))
            .await;
        let head = socket.head().await;
        assert!(
            !head.starts_with("HTTP/1.1 200 ") || target.contains("x: y"),
            "{target}: {head}"
        );
    }
    let calls = vendor.books().read(leeward_vendors::Entry::Requests);
    assert!(calls <= 1, "the vendor was called {calls} times");
    leeward.get("/proxy/echo/still/here").await.live();
}

#[tokio::test]
async fn an_absolute_form_counts_as_origin_form() {
    let vendor = vendor(echo).await;
    let leeward = open(&vendor.url()).start().await;
    let mut socket = Socket::connect(&leeward.egress).await;
    let egress = &leeward.egress;
    socket
        .write(format!(
            "GET http://{egress}/proxy/echo/x HTTP/1.1\r\nHost: {egress}\r\n\r\n"
        ))
        .await;
    let (_, body) = socket.answer().await;
    let seen: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(seen["target"], "/base/x");
    assert_eq!(named(&seen, "host"), [vendor.address().to_string()]);
}

#[tokio::test]
async fn hop_by_hop_and_our_own_headers_stop_here_on_the_way_out() {
    let vendor = RawVendor::start().await;
    let leeward = open(&vendor.url()).start().await;
    let mut socket = Socket::connect(&leeward.egress).await;
    socket
        .write(
            "POST /proxy/echo/x HTTP/1.1\r\nHost: app\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n\
             Keep-Alive: timeout=5\r\nProxy-Authorization: Bearer x\r\nProxy-Connection: keep-alive\r\n\
             TE: trailers\r\nUpgrade: websocket\r\nLeeward-Token: t\r\nLeeward-Anything: x\r\nExpect: 100-continue\r\n\
             Authorization: Bearer of-the-caller\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 5\r\n\r\nhello",
        )
        .await;
    let call = vendor.call().await;
    let head = call.head.to_ascii_lowercase();
    let mut names: Vec<&str> = head
        .lines()
        .skip(1)
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["authorization", "content-length", "host", "x-one", "x-one"],
        "{head}"
    );
    assert_eq!(call.body, "hello");
    call.answer(200, &json!({})).await;
    let answer = socket.head().await;
    // `Expect` is answered here.
    assert!(
        answer.starts_with("HTTP/1.1 100 ") || answer.starts_with("HTTP/1.1 200 "),
        "{answer}"
    );
}

#[tokio::test]
async fn hop_by_hop_and_leeward_headers_stop_here_on_the_way_back() {
    let vendor = answering(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nLeeward-Error: forged\r\nLeeward-Account: forged\r\nAge: 7\r\n\
         Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Kept: \xe9\r\n\r\nok"
            .as_slice(),
    )
    .await;
    let leeward = open(&format!("http://{vendor}")).start().await;
    let answer = leeward.get("/proxy/echo/x").await;
    answer.live();
    for gone in [
        "x-hop",
        "keep-alive",
        "proxy-authenticate",
        "upgrade",
        "leeward-error",
        "leeward-account",
    ] {
        assert_eq!(answer.headers.get(gone), None, "{gone}");
    }
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(answer.header("age"), Some("7"));
    assert!(answer.headers.contains_key("x-kept"));
    assert_eq!(answer.text(), "ok");
}

#[tokio::test]
async fn a_location_inside_the_base_leads_back_through_leeward() {
    let vendor = vendor(|call: &leeward_vendors::Call| {
        let status = call.query("status").unwrap().parse().unwrap();
        let location = call.query("to").unwrap();
        json(status, json!({})).header("location", http::HeaderValue::try_from(location).unwrap())
    })
    .await;
    let url = vendor.url();
    let leeward = open(&url).start().await;
    let inside = format!("{url}/base/deep/er?x=1#f");
    let at_upload = format!("{url}/up/y");
    let cases = [
        (302, "echo", &*inside, "/proxy/echo/deep/er?x=1#f"),
        (201, "echo", &inside, "/proxy/echo/deep/er?x=1#f"),
        (307, "echo", "/base/other", "/proxy/echo/other"),
        (302, "echo", "sibling", "/proxy/echo/here/sibling"),
        (302, "echo:upload", &at_upload, "/proxy/echo:upload/y"),
        (
            302,
            "echo",
            "https://elsewhere.example/base/x",
            "https://elsewhere.example/base/x",
        ),
        // Not a redirect: what it says is the vendor's business.
        (200, "echo", &inside, &inside),
    ];
    for (status, name, to, expected) in cases {
        let to: String = to.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = leeward
            .get(&format!("/proxy/{name}/here/x?status={status}&to={to}"))
            .await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("location"), Some(expected));
    }
    // A relative one that leads outside becomes the vendor's own address.
    let answer = leeward
        .get("/proxy/echo/here/x?status=302&to=%2foutside")
        .await;
    assert_eq!(answer.header("location"), Some(&*format!("{url}/outside")));
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_the_call() {
    let vendor = RawVendor::start().await;
    let leeward = open(&vendor.url()).start().await;
    // Before the head of the answer, for a read and for a write.
    for request in [
        "GET /proxy/echo/x HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /proxy/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
    ] {
        let mut socket = Socket::connect(&leeward.egress).await;
        socket.write(request).await;
        let call = vendor.call().await;
        drop(socket);
        call.hung_up().await;
    }
    // Inside the body of the answer.
    let mut socket = Socket::connect(&leeward.egress).await;
    socket
        .write("GET /proxy/echo/x HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let mut call = vendor.call().await;
    call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        .await;
    socket.head().await;
    drop(socket);
    call.hung_up().await;
    let counted = || async {
        let series = "leeward_requests_total{operation=\"proxy\",outcome=\"client_aborted\",provider=\"echo\",source=\"live\"}";
        leeward.metric(series).await >= 2.0
            && leeward.metric("leeward_in_flight{provider=\"echo\"}").await == 0.0
    };
    leeward
        .until(
            "the hang-ups are counted, and nothing is in flight",
            counted,
        )
        .await;
}
