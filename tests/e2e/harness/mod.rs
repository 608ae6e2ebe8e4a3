//! Starting a Leeward, and speaking to it.

mod answer;
mod http;
mod leeward;
mod raw;
mod socket;
mod stream;
mod tls;
mod vendor;

pub use answer::Answer;
pub use http::{Client, send};
pub use leeward::{Files, Leeward, binary};
pub use raw::RawVendor;
pub use socket::{Socket, answering, connections, head, refused};
pub use stream::{channel, flowing, flowing_client, pieces, swallow};
pub use tls::{Ca, tls_vendor};
pub use vendor::{json, turns, vendor};
