//! Vendors made for one test.

use std::sync::atomic::{AtomicUsize, Ordering};

use leeward_vendors::{Behaviour, Call, Reply, Server};
use serde_json::Value;

/// Starts a vendor.
pub async fn vendor(behaviour: impl Behaviour) -> Server {
    Server::start(behaviour).await.unwrap()
}

/// A JSON answer.
pub fn json(status: u16, body: Value) -> Reply {
    Reply::json(status, &body)
}

/// A behaviour that knows how many requests came before this one.
pub fn turns(
    reply: impl Fn(usize, &Call) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Call) -> Reply + Send + Sync + 'static {
    let turn = AtomicUsize::new(0);
    move |call| reply(turn.fetch_add(1, Ordering::SeqCst), call)
}
