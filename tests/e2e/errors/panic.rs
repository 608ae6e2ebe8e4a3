//! A panic inside a request is a 500 and a metric, never the end of the process, and whatever the
//! request held comes back. No binary panics on demand: here Leeward runs inside the test, with a
//! wall clock that panics; it is read while the vendor's answer is judged, where the request holds
//! a place of the bulkhead and the probe of a half-open circuit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::Request;
use http_body_util::Full;
use leeward::clock::Clock;
use leeward::run::{Options, start};
use serde_json::json;

use crate::harness::{Answer, Client, Files, client, json, send, turns, vendor};

async fn get(client: &Client, address: &serde_json::Value, path: &str) -> Answer {
    let uri = format!("http://{}{path}", address.as_str().unwrap());
    send(client, Request::get(uri).body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let armed = Arc::new(AtomicBool::new(false));
    let clock = Clock::movable().telling({
        let armed = Arc::clone(&armed);
        move || {
            assert!(!armed.load(Ordering::SeqCst), "the clock panics");
            SystemTime::now()
        }
    });
    let fuse = Arc::clone(&armed);
    let vendor = vendor(turns(move |turn, _| match turn {
        0 => json(500, json!({})),
        1 => {
            fuse.store(true, Ordering::SeqCst);
            json(200, json!({}))
        }
        _ => json(200, json!({})),
    }))
    .await;
    let files = Files::new().provider(
        "panics",
        &format!(
            "base_url: {}\nauth: {{type: none}}\nbreaker: {{consecutive_failures: 1}}\nconcurrency: {{max_in_flight: 1, max_waiting: 0}}",
            vendor.url()
        ),
    );
    let options = Options {
        dir: files.dir().to_owned(),
        clock: clock.clone(),
        ..Options::default()
    };
    let running = start(options).await.unwrap();
    let (client, egress) = (client(), &running.addresses["egress"]);
    assert_eq!(get(&client, egress, "/proxy/panics/x").await.status, 500);
    get(&client, egress, "/proxy/panics/x")
        .await
        .problem(503, "circuit_open");
    // Half-open: the one probe panics.
    clock.advance(Duration::from_secs(60));
    let problem = get(&client, egress, "/proxy/panics/x")
        .await
        .problem(500, "internal");
    armed.store(false, Ordering::SeqCst);
    assert!(
        !problem.to_string().contains("the clock panics"),
        "{problem}"
    );
    // Place and probe have come back, and the probe that goes well closes the circuit.
    for _ in 0..2 {
        get(&client, egress, "/proxy/panics/x").await.live();
    }
    let page = get(&client, &running.addresses["telemetry"], "/metrics")
        .await
        .text();
    for line in [
        "leeward_panics_total 1",
        "leeward_in_flight{provider=\"panics\"} 0",
        "leeward_breakers{provider=\"panics\",state=\"closed\"} 1",
        "leeward_requests_total{operation=\"proxy\",outcome=\"internal\",provider=\"panics\",source=\"live\"} 1",
    ] {
        assert!(
            page.lines().any(|seen| seen == line),
            "no {line} in\n{page}"
        );
    }
    running.end().await;
}
