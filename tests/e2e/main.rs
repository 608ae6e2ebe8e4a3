//! The real binary over real sockets: started with files in a temporary folder, spoken to by a
//! plain HTTP client, in front of vendors that misbehave on demand.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod harness;

mod accounts;
mod auth;
mod cli;
mod config;
mod breaker;
mod demo;
mod isolation;
mod limits;
mod order;
mod proxy;
mod bodies;
mod templates;
mod tls;
mod unified;
mod errors;
mod hostile;
mod life;
mod listeners;
mod secrets;
mod telemetry;
