//! Configuration: checked before, and changed while it runs.

mod check;
mod reload;
mod schema;
mod standing;
mod state;
