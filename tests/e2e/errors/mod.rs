//! Every code of the problems, produced at a real socket.

mod account;
mod panic;
mod refused;
mod request;
mod unified;
mod wire;

use leeward_vendors::{Call, Reply};
use serde_json::json;

use crate::harness::json;

/// A provider that needs no account.
fn open(url: &str) -> String {
    format!("base_url: {url}\nauth: {{type: none}}")
}

/// A vendor without a fault.
fn well(_: &Call) -> Reply {
    json(200, json!({}))
}
