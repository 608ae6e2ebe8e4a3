//! TLS to the vendor: which protocol is spoken, who is trusted.

use http::Method;

use crate::harness::{Ca, Files, Leeward, tls_vendor};

/// A Leeward that trusts `ca`, given as a file, in front of this address.
async fn trusting(ca: Option<&Ca>, vendor: std::net::SocketAddr) -> Leeward {
    let files = Files::new();
    let path = files.dir().join("ca.pem");
    let tls = ca.map(|ca| {
        std::fs::write(&path, ca.pem()).unwrap();
        format!("tls: {{ca: '${{file:{}}}'}}", path.display())
    });
    let port = vendor.port();
    let lines = format!(
        "base_url: https://localhost:{port}/v1\nauth: {{type: none}}\n{}",
        tls.unwrap_or_default()
    );
    files.provider("tls", &lines).start().await
}

#[tokio::test]
async fn the_protocol_is_agreed_upon() {
    let ca = Ca::new();
    let versions: [(&[&str], &str); 3] = [
        (&["h2", "http/1.1"], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ];
    for (alpn, version) in versions {
        let vendor = tls_vendor(ca.issue("localhost", |_| {}), alpn).await;
        let leeward = trusting(Some(&ca), vendor).await;
        for _ in 0..2 {
            let answer = leeward
                .call(
                    Method::PUT,
                    "/proxy/tls/a%2Fb?x=%20",
                    &[
                        ("x-one", "1"),
                        ("x-one", "2"),
                        ("connection", "x-hop"),
                        ("x-hop", "1"),
                    ],
                    "hello",
                )
                .await;
            answer.live();
            let told = answer.json();
            assert_eq!(told["version"], version);
            assert_eq!(told["method"], "PUT");
            assert_eq!(told["target"], "/v1/a%2Fb?x=%20");
            assert_eq!(told["x-one"], serde_json::json!(["1", "2"]));
            assert_eq!(told["connection"], serde_json::json!([]));
            assert_eq!(told["body"], "hello");
            let twice: Vec<_> = answer.headers.get_all("x-vendor").iter().collect();
            assert_eq!(twice, ["1", "2"]);
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_a_502_that_says_why() {
    let (ca, other) = (Ca::new(), Ca::new());
    let cases = [
        (ca.issue("localhost", |_| {}), None, "unknown issuer"),
        (other.issue("localhost", |_| {}), Some(&ca), "not trusted"),
        (
            ca.issue("elsewhere.example", |_| {}),
            Some(&ca),
            "not valid for name",
        ),
        (
            ca.issue("localhost", |params| {
                params.not_after = rcgen::date_time_ymd(2020, 1, 1)
            }),
            Some(&ca),
            "expired",
        ),
    ];
    for (identity, trusted, why) in cases {
        let vendor = tls_vendor(identity, &["h2", "http/1.1"]).await;
        let leeward = trusting(trusted, vendor).await;
        let problem = leeward
            .get("/proxy/tls/x")
            .await
            .problem(502, "upstream_unreachable");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("localhost") && detail.contains(why),
            "{detail}"
        );
    }
}
