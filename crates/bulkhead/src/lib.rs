//! A bulkhead with a waiting room, counted per account.
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::{Request, Response};
//! use http_body_util::Empty;
//! use leeward_bulkhead::{Bulkhead, BulkheadLayer, Overloaded, Settings};
//! use tower::{ServiceExt, service_fn};
//! use tower_layer::Layer;
//!
//! type BoxError = Box<dyn std::error::Error + Send + Sync>;
//! type Body = Empty<&'static [u8]>;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let client = service_fn(|_: Request<Body>| async {
//!     Ok::<_, BoxError>(Response::new(Body::new()))
//! });
//!
//! let bulkhead = Bulkhead::new(Settings { max_in_flight: 1, max_waiting: 0, ..Settings::default() });
//! let by_host = |request: &Request<Body>| request.uri().host().map(Arc::from);
//! let client = BulkheadLayer::new(bulkhead.clone(), by_host).layer(client);
//!
//! let answer = client.clone().oneshot(Request::new(Body::new())).await?;
//! assert_eq!(bulkhead.in_flight(), 0); // an empty answer is over at once
//! # drop(answer);
//! # Ok(())
//! # }
//! ```
//!
//! # What it holds
//!
//! At most [`max_in_flight`](Settings::max_in_flight) calls are on their way at once, at most
//! [`per_account`](Settings::per_account) of them for one account. A call counts until the body of its answer has ended
//! or was dropped, because that is how long it keeps its peer busy.
//!
//! # The waiting room
//!
//! A call that finds no slot waits in its future, never in `poll_ready`: at most
//! [`max_waiting`](Settings::max_waiting) of them, each for
//! [`max_wait`](Settings::max_wait) at most and never past its [`Deadline`](leeward_deadline::Deadline). They are let out in the order in which
//! they came, among those whose account may run: an account at its own limit holds up nobody
//! behind it. When the room is full, a call of an account that has fewer in it takes the place of
//! the newest of the account that has most, so that nobody can fill the room for all others.
//!
//! # Beside `tower::limit`
//!
//! tower's `ConcurrencyLimit` waits in `poll_ready`, where a layer outside cannot refuse, without an
//! end; it gives the slot back at the head of the answer; and it knows no accounts.

mod account;
mod body;
mod bulkhead;
mod config;
mod error;
mod future;
mod observe;
mod service;
mod state;

pub use account::Account;
pub use body::PermitBody;
pub use bulkhead::Bulkhead;
pub use config::Settings;
pub use error::{Overloaded, Reason};
pub use future::BulkheadFuture;
pub use observe::Observe;
pub use service::{BulkheadLayer, BulkheadService};
