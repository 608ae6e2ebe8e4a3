//! A circuit breaker with two faces: refuse early, admit at the wire.
//!
//! # Which failures it sees
//!
//! Only what the peer did. The breaker asks a [`Classify`] about each call that reached the wire
//! and got a head or an error: [`Verdict::Success`], [`Verdict::Failure`], or
//! [`Verdict::Ignored`] for what says nothing about the peer's health: a rate limit, a caller's own
//! mistake, a call that never went out. A call whose caller hung up is ignored as well. A success
//! that took longer than [`SlowCall::threshold`], measured at the wire and not in anybody's queue,
//! counts as slow. A body that dies after its head turns that head's success into a failure.
//!
//! # Trip
//!
//! A closed circuit lets everything through and opens when one of these holds:
//!
//! - [`consecutive_failures`](Settings::consecutive_failures) came in a row, no success among them;
//! - at least [`failure_ratio`](Settings::failure_ratio) of the calls in the last
//!   [`sampling_duration`](Settings::sampling_duration) failed;
//! - at least [`SlowCall::ratio`] of them were slow.
//!
//! The window is a ring of ten slices, so that it forgets in steps of a tenth of its length.
//!
//! # Cold start
//!
//! A circuit that nobody has called is closed. The ratios say nothing until the window holds
//! [`minimum_calls`](Settings::minimum_calls): one failure out of one is not an outage. The
//! consecutive count holds from the first call on, so that a peer that is down when the process
//! starts opens its circuit after that many calls. A circuit that has just been closed by a probe
//! begins as empty as a new one.
//!
//! # Recovery
//!
//! An open circuit refuses everything for [`open_for`](Settings::open_for), and says how long that
//! still takes. The first call after that time makes it half-open and is its first probe;
//! [`half_open_requests`](Settings::half_open_requests) may be on their way at once, all others are
//! refused. [`success_threshold`](Settings::success_threshold) successes close the circuit. One
//! failure, or one slow call where those count, opens it again, for twice as long as the last
//! time, up to [`max_open_for`](Settings::max_open_for). Up to a tenth is drawn by lot on each of these
//! times, so that many processes do not come back as one; it never takes less than `open_for` nor
//! more than `max_open_for`.
//!
//! # Leases and cycles
//!
//! A probe is a lease on one of the half-open slots. It ends with the head of the answer: a
//! success counts there and then, because a body that streams for minutes must not keep a healthy
//! peer shut. It ends after [`lease`](Settings::lease) at the latest, so that a probe that nobody
//! polls any more cannot do so either. A neutral end (an ignored verdict, a future that was
//! dropped, a panic) gives the slot back and decides nothing.
//!
//! Each change of state begins a new cycle, and each call carries the cycle that admitted it. What
//! comes back from an older cycle is dropped: a call that was sent before the outage cannot close
//! the circuit that it opened, nor open the one that recovered since. One thing outlives its
//! cycle: the body of a probe that dies when its head has already closed the circuit counts as a
//! failure against the closed one.
//!
//! # Two faces
//!
//! [`RefuseLayer`] stands far outside, before tokens are bought and slots are taken: it looks at
//! the state, takes nothing and refuses while the circuit is open. [`AdmitLayer`] stands at the
//! wire, takes the lease without waiting for anything, and records what came of the call. Both
//! read one [`Breakers`]; only the inner one ever changes it. Either can be used without the other.
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::{Request, Response};
//! use http_body_util::Empty;
//! use leeward_circuit_breaker::{
//!     AdmitLayer, Breakers, CircuitOpen, RefuseLayer, ServerErrors, Settings,
//! };
//! use tower::{ServiceExt, service_fn};
//! use tower_layer::Layer;
//!
//! type BoxError = Box<dyn std::error::Error + Send + Sync>;
//! type Body = Empty<&'static [u8]>;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let client = service_fn(|_: Request<Body>| async {
//!     let mut down = Response::new(Body::new());
//!     *down.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
//!     Ok::<_, BoxError>(down)
//! });
//!
//! let breakers = Breakers::new(Settings::default());
//! let by_host = |request: &Request<Body>| Arc::from(request.uri().host().unwrap_or_default());
//! let client = AdmitLayer::new(breakers.clone(), by_host, ServerErrors).layer(client);
//! // queues, tokens, … stand here
//! let client = RefuseLayer::new(breakers.clone(), by_host).layer(client);
//!
//! for _ in 0..5 {
//!     let request = Request::get("http://peer.test/").body(Body::new())?;
//!     assert_eq!(client.clone().oneshot(request).await?.status(), 503);
//! }
//! let request = Request::get("http://peer.test/").body(Body::new())?;
//! let refused = client.oneshot(request).await.unwrap_err();
//! let open = refused.downcast_ref::<CircuitOpen>().unwrap();
//! assert_eq!(&*open.key, "peer.test");
//! assert!(open.retry_after.as_secs() >= 29);
//! # Ok(())
//! # }
//! ```

mod admit;
mod body;
mod breaker;
mod breakers;
mod classify;
mod config;
mod error;
mod key;
mod observe;
mod refuse;
mod state;
mod window;

pub use admit::{Admit, AdmitFuture, AdmitLayer};
pub use body::AdmitBody;
pub use breakers::{Breakers, CircuitSnapshot};
pub use classify::{Classify, ServerErrors, Verdict};
pub use config::{Ratio, Settings, SlowCall};
pub use error::CircuitOpen;
pub use key::{Circuit, Single};
pub use observe::Observe;
pub use refuse::{Refuse, RefuseFuture, RefuseLayer};
pub use state::State;
