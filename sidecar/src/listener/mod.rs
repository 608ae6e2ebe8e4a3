//! Sockets that take requests: bound, accepted, served, ended.

mod bind;
mod busy;
mod connection;
mod patience;
mod sockets;

pub use bind::{BindError, Bound};
pub use connection::{Limits, Listener, serve};
pub use sockets::Sockets;
