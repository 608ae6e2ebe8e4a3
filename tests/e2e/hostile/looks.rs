//! Bodies that grow when somebody looks at them.

use std::io::Write as _;

use leeward_vendors::{Call, Reply};
use serde_json::json;

use super::open;
use crate::harness::{Files, json, vendor};

/// Rules that look at every answer.
const LOOKS: &str = "rate_limit: {rules: [{id: look, when: {status: [200, 429], body: {/limited: true}}, fallback: {seconds: 9}}]}";

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
    let bomb = gzip(64);
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = format!(
        "{}1{}",
        "{\"limited\":".repeat(100_000),
        "}".repeat(100_000)
    );
    let wide = format!("[{}1]", "1,".repeat(30_000));
    let twice = gzip(1);
    let bodies: [(&'static str, &'static str, Vec<u8>); 7] = [
        ("bomb", "gzip", bomb),
        ("nested", "identity", nested.into_bytes()),
        ("objects", "identity", deep_object.into_bytes()),
        ("wide", "identity", wide.into_bytes()),
        ("liar", "gzip", b"not gzip at all".to_vec()),
        (
            "layers",
            "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip",
            twice,
        ),
        ("unknown", "rot13", b"{\"limited\": true}".to_vec()),
    ];
    let mut files = Files::new();
    let mut vendors = Vec::new();
    for (name, coding, body) in &bodies {
        let (coding, body) = (*coding, bytes::Bytes::from(body.clone()));
        let server = vendor(move |call: &Call| {
            let status = if call.head.uri.path() == "/limit" {
                429
            } else {
                200
            };
            let mut reply = json(status, json!(null))
                .header("content-encoding", http::HeaderValue::from_static(coding));
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
    assert!(grown < 32, "it grew by {grown} MiB");
    // A limit is one all the same, though its body cannot be read; a retry is not wanted.
    let problem = leeward
        .get("/proxy/nested/limit")
        .await
        .problem(429, "rate_limited");
    assert_eq!(problem["upstream_status"], 429);
}
