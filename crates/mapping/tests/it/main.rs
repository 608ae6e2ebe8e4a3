//! The layer over real HTTP and over a probe, and both phases alone.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod answers;
mod contract;
mod errors;
mod limits;
mod pages;
mod passing;
mod requests;
mod support;
mod unified;
mod vendors;
