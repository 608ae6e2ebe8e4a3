//! Hostile vendors and hostile clients: each costs that request alone, and the next is served.

mod answers;
mod looks;
mod neighbours;
mod requests;

use leeward_vendors::Call;
use serde_json::json;

use crate::harness::{json, vendor};

/// A provider that needs no account.
fn open(url: impl std::fmt::Display) -> String {
    format!("base_url: {url}\nauth: {{type: none}}")
}

/// A vendor without a fault.
async fn well() -> leeward_vendors::Server {
    vendor(|_: &Call| json(200, json!({}))).await
}
