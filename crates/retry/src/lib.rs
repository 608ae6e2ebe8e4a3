//! Repeats what failed and may be repeated: within a deadline, from a budget, and only with a body
//! that can be given again.
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Method, Request, Response, StatusCode};
//! use http_body_util::Full;
//! use leeward_retry::{Advice, BoxError, Policy, ReplayBody, RetryBudget, RetryLayer, Settings};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! #[derive(Clone)]
//! struct Idempotent;
//!
//! impl<RB> Policy<RB, BoxError> for Idempotent {
//!     fn may_repeat<B>(&self, request: &Request<B>) -> bool {
//!         request.method().is_idempotent()
//!     }
//!
//!     fn advise(&self, repeatable: bool, result: Result<&Response<RB>, &BoxError>) -> Advice {
//!         match result {
//!             Ok(response) if repeatable && response.status() == StatusCode::BAD_GATEWAY => {
//!                 Advice::Repeat { reason: "502", not_before: None, never_sent: false }
//!             }
//!             Err(_) if repeatable => {
//!                 Advice::Repeat { reason: "reset", not_before: None, never_sent: false }
//!             }
//!             _ => Advice::Done,
//!         }
//!     }
//!
//!     fn torn(&self, source: BoxError) -> BoxError {
//!         source
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // A vendor that fails every first call.
//! let calls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
//! let vendor = tower::service_fn(move |_: Request<ReplayBody<Full<Bytes>>>| {
//!     let first = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
//!     async move {
//!         let mut response = Response::new(Full::new(Bytes::from_static(b"hello")));
//!         if first {
//!             *response.status_mut() = StatusCode::BAD_GATEWAY;
//!         }
//!         Ok::<_, BoxError>(response)
//!     }
//! });
//!
//! let service = ServiceBuilder::new()
//!     .layer(RetryLayer::new(Settings::default(), Idempotent, RetryBudget::default()))
//!     .service(vendor);
//! let request = Request::put("/contacts/1").body(Full::new(Bytes::from_static(b"{}"))).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::OK);
//! # });
//! ```
//!
//! # What is repeated
//!
//! [`Policy`] says whether a request may reach the vendor twice, and whether a result calls for a
//! repeat. The layer then looks at what is left: attempts, the
//! [`Deadline`](leeward_deadline::Deadline) in the request's extensions (a wait that does not end
//! before it is not begun), the body, and the [`RetryBudget`]. If anything is missing, the last
//! result goes out as it is. What was never sent ([`Advice::Repeat`]'s `never_sent`) is repeated
//! whatever its method: its body comes back untouched.
//!
//! # Bodies
//!
//! The service inside is given a [`ReplayBody`]. A short answer of a known length to a request
//! that may be repeated is taken whole before it is passed on ([`HeldBody`]), so that one that
//! breaks off is repeated, too; every other answer flows.

mod attempt;
mod budget;
mod config;
mod error;
mod future;
mod held;
mod layer;
mod observe;
mod policy;
mod replay;
mod service;

pub use attempt::Attempt;
pub use budget::RetryBudget;
pub use config::{Backoff, Settings};
pub use error::{BoxError, EndedShort, HoldError, ReplayError};
pub use future::ResponseFuture;
pub use held::HeldBody;
pub use layer::RetryLayer;
pub use observe::Observe;
pub use policy::{Advice, Policy};
pub use replay::{ReplayBody, Unsent};
pub use service::Retry;
