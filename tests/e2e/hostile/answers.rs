//! Answers without bounds, and answers that lie.

use http::Method;

use super::{open, well};
use crate::harness::{Files, Leeward, Socket, answering, connections, head};

/// The bytes of an answer, whole or not: what no client library gives.
async fn raw(leeward: &Leeward, path: &str) -> String {
    let mut socket = Socket::connect(&leeward.egress).await;
    socket
        .write(format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
        .await;
    String::from_utf8_lossy(&socket.rest().await).into_owned()
}

#[tokio::test]
async fn heads_without_bounds_are_no_answers() {
    let many = "X-Filler: 0123456789abcdef0123456789abcdef\r\n".repeat(1024 * 1024 / 42);
    let one = format!("X-Filler: {}\r\n", "y".repeat(1024 * 1024));
    let long_reason = "z".repeat(1024 * 1024);
    let cases = [
        (
            "many",
            format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 0\r\n\r\n"),
        ),
        (
            "one",
            format!("HTTP/1.1 200 OK\r\n{one}Content-Length: 0\r\n\r\n"),
        ),
        (
            "reason",
            format!("HTTP/1.1 200 {long_reason}\r\nContent-Length: 0\r\n\r\n"),
        ),
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
        while stream
            .write_all(b"X-Filler: more and more and more\r\n")
            .await
            .is_ok()
        {}
    })
    .await;
    let leeward = files
        .provider("endless", &open(format!("http://{endless}")))
        .start()
        .await;
    let before = leeward.peak_memory();
    for name in ["many", "one", "reason", "endless"] {
        leeward
            .get(&format!("/proxy/{name}/x"))
            .await
            .problem(502, "upstream_invalid");
        leeward.get("/proxy/good/x").await.live();
    }
    assert!(leeward.peak_memory() - before < 16);
}

#[tokio::test]
async fn lengths_that_lie_cost_their_own_answer() {
    let cases = [
        (
            "short",
            "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello",
        ),
        (
            "chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        ),
        (
            "huge",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello",
        ),
        (
            "overflow",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
        ),
        (
            "unended",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ),
        (
            "extension",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;\x01\r\nhello\r\n",
        ),
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
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 200 "),
            "{name}: {answer}"
        );
        assert!(!answer.ends_with("0\r\n\r\n"), "{name}: {answer}");
        let whole = answer
            .to_ascii_lowercase()
            .contains("content-length: 5\r\n");
        assert!(!whole, "{name}: {answer}");
        leeward.get("/proxy/good/x").await.live();
    }
    // More than was announced is no answer to anybody: it does not reach the next request.
    let more = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil").await;
    leeward.write(
        "providers/more.yaml",
        &format!("provider: more\n{}", open(format!("http://{more}"))),
    );
    leeward.admin(Method::POST, "/reload", None).await;
    for _ in 0..3 {
        assert_eq!(leeward.get("/proxy/more/x").await.live().text(), "ok");
    }
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
        while stream
            .write_all(b"HTTP/1.1 102 Processing\r\n\r\n")
            .await
            .is_ok()
        {}
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
    }
    // Nobody asked to switch.
    leeward
        .get("/proxy/switch/x")
        .await
        .problem(502, "upstream_invalid");
    leeward
        .get("/proxy/switch/x")
        .await
        .problem(502, "upstream_invalid");
    leeward
        .get("/proxy/endless/x")
        .await
        .problem(504, "upstream_timeout");
    assert!(leeward.peak_memory() < 200);
}
