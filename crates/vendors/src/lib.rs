//! Simulated vendors on loopback that misbehave like real ones, for tests and for `leeward demo`.
//!
//! A vendor is a [`Behaviour`] behind a real HTTP server: it reads a request and decides on a
//! [`Reply`], which may be an answer, a torn answer, a closed connection or silence. Everything
//! random comes from a seed, and everything timed from the moment at which the vendor was started.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use leeward_vendors::{Server, Torn};
//!
//! let server = Server::start(Torn::new(7, 20)).await?;
//! println!("a vendor that breaks off one answer in twenty: {}", server.url());
//! # Ok(())
//! # }
//! ```
//!
//! | vendor | what it does to its callers |
//! | --- | --- |
//! | [`Rotating`] | access tokens of a few seconds; each refresh token works once, and its reuse revokes the grant |
//! | [`SlowDown`] | allows so many requests and then none for a while: a 403 whose body says so, or a 429 with an epoch in a header of its own |
//! | [`Outage`] | refuses everything for some seconds, and later answers very slowly for some |
//! | [`Torn`] | closes the connection in the middle of one answer in so many |
//! | [`Stumbling`] | answers one read in so many with a 500 |
//! | [`Fragile`] | collapses for a moment when more than a few calls are under way |
//! | [`CursorContacts`], [`OffsetContacts`] | the same contacts in two shapes, paged in two ways |

mod books;
mod contacts;
mod draw;
mod fragile;
mod grants;
mod outage;
mod records;
mod rotating;
mod server;
mod slow_down;
mod stumbling;
mod torn;

pub use books::{Books, Entry};
pub use contacts::{CursorContacts, OffsetContacts};
pub use fragile::Fragile;
pub use grants::{Grant, Grants};
pub use outage::{Outage, Period};
pub use records::{record, record_id};
pub use rotating::Rotating;
pub use server::{Behaviour, Call, Reply, Server};
pub use slow_down::{Dialect, SlowDown};
pub use stumbling::Stumbling;
pub use torn::Torn;
