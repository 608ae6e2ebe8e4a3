//! The layer as a user meets it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contract;
mod http;
mod repeats;
mod support;
