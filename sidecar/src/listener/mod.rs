//! Sockets that take requests: bound, accepted, served, ended.

mod bind;
mod connection;
mod patience;

pub use bind::{BindError, Bound};
pub use connection::{Limits, Listener, serve};
