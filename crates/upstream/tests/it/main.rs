//! The client against real servers on loopback, well-behaved and not.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod broken;
mod http2;
mod plain;
mod policy;
mod support;
mod tls;
