//! Remembers the last good answer to a read, and serves it when the call inside fails.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use leeward_fallback::{Answers, FallbackLayer, Key, Policy, Served, Settings};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! #[derive(Clone)]
//! struct Reads;
//!
//! impl<B, RB, E> Policy<B, RB, E> for Reads {
//!     fn key(&self, request: &Request<B>) -> Option<Key> {
//!         Key::of("acme", &[http::header::ACCEPT], request)
//!     }
//!
//!     fn failed(&self, result: Result<&Response<RB>, &E>) -> bool {
//!         result.is_ok_and(|response| response.status().is_server_error()) || result.is_err()
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // A vendor that answers once, and is away from then on.
//! let mut calls = 0;
//! let vendor = tower::service_fn(move |_: Request<()>| {
//!     calls += 1;
//!     let mut response = Response::new(Full::new(Bytes::from_static(b"hello")));
//!     if calls > 1 {
//!         *response.status_mut() = StatusCode::BAD_GATEWAY;
//!     }
//!     async { Ok::<_, std::convert::Infallible>(response) }
//! });
//!
//! let mut service = ServiceBuilder::new()
//!     .layer(FallbackLayer::new(Answers::new(Settings::default()), Reads))
//!     .service(vendor);
//! for served in [false, true, true] {
//!     let response = service.ready().await.unwrap().call(Request::new(())).await.unwrap();
//!     assert_eq!(response.status(), StatusCode::OK);
//!     assert_eq!(response.extensions().get::<Served>().is_some(), served);
//!     assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
//! }
//! # });
//! ```
//!
//! # What is kept
//!
//! A 2xx answer to a request for which [`Policy::key`] gives a key, once its body has ended whole:
//! it is copied while it flows, up to [`Settings::max_entry`]. Never kept are a 206 or anything
//! with `Content-Range`, an answer with `Set-Cookie`, trailers, `Vary: *` or
//! `Cache-Control: no-store`, and every answer to a request with `Range`, `If-Range`, `If-Match`,
//! `If-Unmodified-Since` or `Cache-Control: no-store`. `private` answers are kept: the [`Key`]
//! keeps apart whom they belong to, so that this is no shared cache in the sense of RFC 9111
//! (for the same reason `s-maxage` and `proxy-revalidate` mean nothing here).
//!
//! # What is served
//!
//! Where [`Policy::failed`] says so, the newest kept answer takes the failed one's place, with its
//! `Age` (RFC 9111 4.2.3: the vendor's own, and the time since it came) and a [`Served`] in its
//! extensions. It is not served
//!
//! - older than [`Settings::fallback_for`];
//! - more than the vendor's `stale-if-error` past its freshness (RFC 5861 4);
//! - past its freshness at all if it says `must-revalidate`, and never if it says `no-cache`
//!   (RFC 9111 4.2.4), unless [`Settings::stale_despite_revalidate`] is set;
//! - to a request whose values of the fields in the answer's own `Vary` differ;
//! - to a request with `Cache-Control: no-cache`, or beyond its `max-age` (with its `max-stale`)
//!   or `stale-if-error`;
//! - after a live answer that says it is gone ([`Policy::gone`]), or a write to the same path, where
//!   [`Policy::changes`] tells of writes.
//!
//! A conditional request is answered with the whole answer, or with a 304 if its `If-None-Match`
//! (else its `If-Modified-Since`) says that the caller has it already.

mod answers;
mod body;
mod conditional;
mod config;
mod directives;
mod entry;
mod future;
mod key;
mod layer;
mod observe;
mod policy;
mod service;

pub use answers::Answers;
pub use body::FallbackBody;
pub use config::Settings;
pub use future::ResponseFuture;
pub use key::{Key, Read};
pub use layer::FallbackLayer;
pub use observe::{Observe, Served};
pub use policy::Policy;
pub use service::Fallback;
