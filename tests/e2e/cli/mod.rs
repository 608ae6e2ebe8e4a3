//! The commands that start no server.

mod eval;
mod explain;
mod map;
mod usage;
