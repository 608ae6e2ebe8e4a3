//! What comes back from the vendor, or does not.

use http::Method;
use leeward_vendors::{Call, Reply};
use tokio::io::AsyncWriteExt;

use super::open;
use crate::harness::{Files, answering, connections, head, refused, vendor};

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
        .provider(
            "notls",
            &open(&format!("https://localhost:{}", plain.port())),
        )
        .start()
        .await;
    for (name, why) in [
        ("refused", "connection refused by 127.0.0.1"),
        ("nowhere", "no address for aaa"),
        ("closes", "closed the connection without an answer"),
        ("notls", "does not speak TLS"),
    ] {
        let problem = leeward
            .get(&format!("/proxy/{name}/x"))
            .await
            .problem(502, "upstream_unreachable");
        assert!(
            problem["detail"].as_str().unwrap().contains(why),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn what_is_no_answer() {
    let cases = [
        ("garbage", "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        ("binary", "\0\x01\x02\r\n\r\n"),
        ("cut", "HTTP/1.1 200 OK\r\nContent-Len"),
        ("status", "HTTP/1.1 20 OK\r\n\r\n"),
        (
            "lengths",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        ),
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
        .provider(
            "response",
            &format!(
                "{}\ntimeout: {{response: 100ms}}\n{retry}",
                open(&hangs.url())
            ),
        )
        .provider(
            "total",
            &format!("{}\ntimeout: {{total: 100ms}}", open(&hangs.url())),
        )
        .provider("asked", &open(&hangs.url()))
        .provider(
            "connect",
            &format!(
                "{}\ntimeout: {{connect: 100ms}}\n{retry}",
                open(&format!("https://{mute}"))
            ),
        )
        .start()
        .await;
    for name in ["response", "total", "connect"] {
        leeward
            .get(&format!("/proxy/{name}/x"))
            .await
            .problem(504, "upstream_timeout");
    }
    let answer = leeward
        .call(
            Method::GET,
            "/proxy/asked/x",
            &[("leeward-timeout", "100ms")],
            "",
        )
        .await;
    answer.problem(504, "upstream_timeout");
    // The header shortens and never lengthens.
    let answer = leeward
        .call(
            Method::GET,
            "/proxy/total/x",
            &[("leeward-timeout", "24h")],
            "",
        )
        .await;
    answer.problem(504, "upstream_timeout");
}
