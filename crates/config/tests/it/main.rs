//! What the crate promises, seen from outside.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

mod contract;
mod directory;
mod docs;
mod faults;
mod hostile;
mod interpolation;
mod places;
mod redaction;
mod support;
