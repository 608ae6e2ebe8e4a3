//! What the crate promises, tried from outside.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod batch;
mod escaping;
mod functions;
mod limits;
mod suite;
mod templates;
