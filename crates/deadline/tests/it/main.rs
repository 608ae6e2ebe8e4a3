//! Contract and behaviour of the timeouts.

mod contract;
mod idle_body;
mod limits;
mod support;
mod upload;
