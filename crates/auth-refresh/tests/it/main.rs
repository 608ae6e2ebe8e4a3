//! The crate from outside: keeper, driver and layer in paused time.

mod contract;
mod keeper;
mod layer;
mod processes;
mod schedule;
mod support;
