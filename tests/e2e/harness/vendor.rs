//! Vendors made for one test.

use leeward_vendors::{Behaviour, Reply, Server};
use serde_json::Value;

/// Starts a vendor.
pub async fn vendor(behaviour: impl Behaviour) -> Server {
    Server::start(behaviour).await.unwrap()
}

/// A JSON answer.
pub fn json(status: u16, body: Value) -> Reply {
    Reply::json(status, &body)
}
