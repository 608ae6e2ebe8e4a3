//! A tower service that counts what is done to it, and answers when it is told to.
//!
//! Contract tests wrap a layer around a [`Probe`] and look at its [`Counts`]: was the very clone
//! that was polled ready the one that was called, how many clones were made, how many futures and
//! bodies were dropped unfinished. Nothing here sleeps or reads a clock.
//!
//! ```
//! use leeward_probe::Probe;
//! use tower_service::Service;
//!
//! type Request = http::Request<leeward_probe::ProbeBody>;
//! let probe = Probe::answering(200);
//! let mut service = probe.service();
//! # let waker = std::task::Waker::noop();
//! # let mut cx = std::task::Context::from_waker(waker);
//! assert!(Service::<Request>::poll_ready(&mut service, &mut cx).is_ready());
//! let _future = service.call(Request::new(leeward_probe::ProbeBody::empty()));
//! assert_eq!(probe.counts().calls, 1);
//! assert_eq!(probe.counts().calls_without_readiness, 0);
//! ```

mod body;
mod counts;
mod service;

pub use body::{ProbeBody, TornBody};
pub use counts::Counts;
pub use service::{Answer, Probe, ProbeError, ProbeFuture, ProbeService};
