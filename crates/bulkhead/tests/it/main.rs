//! Contract and behaviour of the bulkhead.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contract;
mod support;
mod waiting;
