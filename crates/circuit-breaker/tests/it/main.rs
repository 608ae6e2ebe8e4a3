//! Contract and behaviour of the breaker's two layers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod behaviour;
mod bodies;
mod circuits;
mod contract;
mod support;
