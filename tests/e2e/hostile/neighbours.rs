//! One provider does not suffer from another.

use http::Method;
use leeward_vendors::{Call, Reply};

use super::{open, well};
use crate::harness::{Answer, Files, channel, flowing, vendor};

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
        let (client, uri) = (
            leeward.client.clone(),
            format!("http://{}/proxy/hangs/x", leeward.egress),
        );
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
    leeward
        .until("all slots of the one that hangs are taken", full)
        .await;
    leeward
        .get("/proxy/hangs/x")
        .await
        .problem(503, "overloaded");
    for _ in 0..50 {
        leeward.get("/proxy/good/x").await.live();
    }
    drop((hanging, flooding));
    let empty = || async {
        leeward
            .metric("leeward_in_flight{provider=\"hangs\"}")
            .await
            == 0.0
    };
    leeward
        .until("who hangs up leaves nothing behind", empty)
        .await;
    let answer: Answer = leeward.get("/proxy/good/x").await;
    answer.live();
}
