//! What the crate promises, tried from outside.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod adopt;
mod answers;
mod placements;
mod protocol;
mod requests;

use std::time::{Duration, SystemTime};

use leeward_auth_schemes::{Map, Secrets, TokenEndpoint};
use leeward_expression::{Expression, Template};
use serde_json::Value;

/// 2026-01-01T00:00:00Z
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn map(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn template(source: &str) -> Template {
    Template::parse(source).unwrap()
}

fn expression(source: &str) -> Expression {
    Expression::compile(source).unwrap()
}

fn given(credentials: Value) -> Secrets {
    Secrets::given(map(credentials), Map::new())
}

fn endpoint() -> TokenEndpoint {
    let mut endpoint = TokenEndpoint::new(template("https://login.example.com/token"));
    endpoint.client_id = Some(template("id"));
    endpoint.client_secret = Some(template("s/c"));
    endpoint
}
