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
mod bodies;
mod breaker;
mod cli;
mod config;
mod demo;
mod errors;
mod hostile;
mod isolation;
mod life;
mod limits;
mod listeners;
mod order;
mod proxy;
mod secrets;
mod telemetry;
mod templates;
mod tls;
mod unified;
