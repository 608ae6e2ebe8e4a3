#![doc = include_str!("../README.md")]

mod check;
mod fault;
mod hooks;
mod load;
mod redact;
mod reference;
mod schema;
mod tree;
pub mod types;
mod units;

pub use fault::Fault;
pub use hooks::ExpressionHooks;
pub use load::{Loaded, Source, digest, load, parse_provider};
pub use redact::{Redact, Redacted, redacted};
pub use reference::reference;
pub use schema::schema;
#[doc(inline)]
pub use types::{Account, Destination, Model, Process, Provider};
pub use units::{Percent, Period, Size};
