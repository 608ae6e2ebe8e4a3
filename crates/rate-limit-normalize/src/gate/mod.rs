//! What is known of limits that are in force.

mod closing;
mod entry;
mod layer;
mod memory;
mod service;
mod state;

pub use closing::{Closed, Closing, Shut, Ticket};
pub use layer::{GateLayer, OnLimit};
pub use service::{GateFuture, GateService};
pub use state::{Gate, MOST_ENTRIES};

#[cfg(test)]
mod layer_tests;
#[cfg(test)]
mod tests;
