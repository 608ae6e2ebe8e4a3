//! Starting a Leeward, and speaking to it.

mod answer;
mod http;
mod leeward;
mod vendor;

pub use answer::Answer;
pub use http::{Client, send};
pub use leeward::{Files, Leeward, binary};
pub use vendor::{json, vendor};
