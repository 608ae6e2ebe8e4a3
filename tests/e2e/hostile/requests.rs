//! Requests without bounds, and requests that two servers could read in two ways.

use super::{open, well};
use crate::harness::{Files, Socket};

#[tokio::test]
async fn requests_without_bounds_cost_their_connection() {
    let good = well().await;
    let leeward = Files::new()
        .provider("good", &open(good.url()))
        .start()
        .await;
    let line = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n");
    let many: String = (0..1000)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect();
    let cases = [
        (
            line(&format!("/proxy/good/{}", "a".repeat(64 * 1024)), ""),
            &["414 ", "431 ", "400 "][..],
        ),
        (
            line(&format!("/proxy/good/{}", "%2e%2e%2f".repeat(4000)), ""),
            &["400 "],
        ),
        (line("/proxy/good/x", &many), &["431 ", "200 "]),
        (
            line(
                "/proxy/good/x",
                &format!("X: {}\r\n", "y".repeat(1024 * 1024)),
            ),
            &["431 "],
        ),
        (line("/proxy/good/x", "X : y\r\n"), &["400 "]),
        (line("/proxy/good/x", "X: a\rb\r\n"), &["400 "]),
        (line("/proxy/good/x", "X: a\0b\r\n"), &["400 "]),
        (
            line(
                "/proxy/good/x",
                "Content-Length: 5\r\nContent-Length: 6\r\n",
            ),
            &["400 "],
        ),
        (line("/proxy/good/x", "Content-Length: nine\r\n"), &["400 "]),
        (
            line("/proxy/good/x", "Content-Length: 18446744073709551616\r\n"),
            &["400 "],
        ),
        (
            line("/proxy/good/x", "Transfer-Encoding: gzip\r\n"),
            &["400 "],
        ),
        ("GET /proxy/good/x HTTP/3.7\r\n\r\n".to_owned(), &["400 "]),
        ("\x16\x03\x01\x02\0\x01\0\x01\x03\x03".to_owned(), &["400 "]),
        (
            "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n".to_owned(),
            &["404 "],
        ),
        (
            "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(),
            &["404 "],
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            &["404 "],
        ),
    ];
    for (bytes, expected) in cases {
        let mut socket = Socket::connect(&leeward.egress).await;
        socket.offer(&bytes).await;
        let head = socket.head().await;
        let status = head.strip_prefix("HTTP/1.1 ").unwrap_or(&head);
        let shown: String = bytes.chars().take(80).collect();
        // What was not read when the connection ends may take the answer with it.
        let reset = bytes.len() > 32 * 1024 && head.is_empty();
        assert!(
            reset || expected.iter().any(|code| status.starts_with(code)),
            "{shown:?}: {head}"
        );
        leeward.get("/proxy/good/x").await.live();
    }
    let counted = leeward
        .metric("leeward_listener_refused_total{listener=\"egress\",reason=\"malformed\"}")
        .await;
    assert!(counted >= 8.0, "{counted}");
    // HTTP/1.1 framing that two servers could read in two ways goes out with one length, or not at all.
    let mut socket = Socket::connect(&leeward.egress).await;
    socket
        .write("POST /proxy/good/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /proxy/nobody/smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let head = socket.head().await;
    assert!(
        head.starts_with("HTTP/1.1 400 ") || head.starts_with("HTTP/1.1 200 "),
        "{head}"
    );
}

#[tokio::test]
async fn the_admin_listener_bears_bombs_too() {
    let leeward = Files::new()
        .provider("open", "base_url: http://127.0.0.1:9\nauth: {type: none}")
        .start()
        .await;
    let put = async |id: &str, body: String| {
        let mut socket = Socket::connect(&leeward.admin).await;
        socket
            .offer(format!(
                "PUT /accounts/{id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-admin-token\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        socket
            .head()
            .await
            .chars()
            .skip(9)
            .take(3)
            .collect::<String>()
    };
    let nested = format!(
        "{{\"provider\":\"open\",\"vars\":{}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(put("it", nested).await, "422");
    assert_eq!(put("it", "x".repeat(900 * 1024)).await, "422");
    let large = put("it", "x".repeat(2 * 1024 * 1024)).await;
    assert!(large == "413" || large.is_empty(), "{large}");
    let good = r#"{"provider":"open","credentials":{}}"#;
    for id in [
        "a%2Fb",
        "%00",
        "a b",
        "caf%C3%A9",
        &"x".repeat(201),
        "open%2F",
    ] {
        assert!(
            ["422", "404", "400"].contains(&&*put(id, good.to_owned()).await),
            "{id}"
        );
    }
    assert_eq!(put("a:b@c._-1", good.to_owned()).await, "201");
}
