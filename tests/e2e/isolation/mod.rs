//! One vendor's trouble stays its own: slots, deadlines, repeats, and the last good answer.

mod bulkhead;
mod deadlines;
mod fallback;
mod repeats;

use std::sync::Arc;

use leeward_vendors::{Entry, Server};

use crate::harness::{Answer, Files, Leeward};

fn provider(base_url: &str, lines: &str) -> Files {
    let lines = format!("base_url: {base_url}\nauth: {{type: none}}\n{lines}");
    Files::new().provider("p", &lines)
}

fn requests(vendor: &Server) -> u64 {
    vendor.books().read(Entry::Requests)
}

async fn in_flight(leeward: &Leeward, expected: f64) -> bool {
    (leeward.metric(r#"leeward_in_flight{provider="p"}"#).await - expected).abs() < f64::EPSILON
}

async fn retries(leeward: &Leeward, reason: &str) -> f64 {
    leeward
        .metric(&format!(
            r#"leeward_retries_total{{provider="p",reason="{reason}"}}"#
        ))
        .await
}

/// GET for an account, as a task of its own.
fn get(
    leeward: &Arc<Leeward>,
    account: &'static str,
    path: &'static str,
) -> tokio::task::JoinHandle<Answer> {
    let leeward = Arc::clone(leeward);
    tokio::spawn(async move { leeward.get_as(account, &format!("/proxy/p/{path}")).await })
}
