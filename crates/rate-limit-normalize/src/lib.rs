//! The vendor's dialect of "slow down" read into one verdict, and the gate that it closes.
//!
//! Vendors say it in forty ways: a 403 with a code in its body, a 200 with an error inside, an
//! epoch in a header that is named like a delay, milliseconds without a unit, prose. Rules, which
//! are data, turn all of them into one error, [`RateLimited`], and close a gate that keeps further
//! requests of that account and scope from the vendor until the time that it named.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use leeward_rate_limit_normalize::{
//!     By, Gate, GateLayer, Limited, NoHooks, NoInspect, NormalizeLayer, OneAccount, RuleSpec,
//!     Rules, Settings,
//! };
//! use tower::{BoxError, Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // The rules are data: a file, a row, or, as here, a text.
//! let rules: Vec<RuleSpec> = serde_json::from_str(r#"[{
//!     "id": "burst",
//!     "when": {"status": 403, "body": {"/errors/*/code": "SLOW_DOWN"}},
//!     "scope": "burst",
//!     "wait": [{"header": "X-Reset-After-Ms", "format": "millis"}],
//!     "fallback": {"seconds": 10}
//! }]"#).unwrap();
//! let rules = Arc::new(Rules::compile(&rules, &NoHooks).unwrap());
//!
//! // In place of a real client: a vendor that always says "slow down", in its own way.
//! let vendor = service_fn(|_: Request<Full<Bytes>>| async {
//!     let body = Full::new(Bytes::from(r#"{"errors": [{"code": "SLOW_DOWN"}]}"#));
//!     let response = Response::builder().status(403).header("x-reset-after-ms", "1500");
//!     Ok::<_, BoxError>(response.body(body).unwrap())
//! });
//!
//! let gate = Gate::new(Settings::default());
//! let caller = OneAccount::new("acme");
//! let normalize = NormalizeLayer::new(rules, gate.clone(), caller.clone(), NoInspect);
//! let client = GateLayer::reject(gate, caller).layer(normalize.layer(vendor));
//!
//! let refused = client.clone().oneshot(Request::default()).await.unwrap_err();
//! let limited = refused.limited().unwrap();
//! assert_eq!((limited.by, limited.retry_after), (By::Vendor, Duration::from_millis(1500)));
//!
//! // The vendor is not asked again before its time.
//! let refused = client.oneshot(Request::default()).await.unwrap_err();
//! assert_eq!(refused.limited().unwrap().by, By::Gate);
//! # }
//! ```
//!
//! # The parts
//!
//! - [`spec`]: the rule language as plain types (serde with the feature `serde`, JSON Schema with
//!   `schema`).
//! - [`Rules`]: the language compiled once; [`Rules::judge`] is pure, and [`Rules::explain`] also
//!   says what was tried. [`Test`] is the language of `when` alone.
//! - [`Gate`]: what is closed, for whom, until when; backoff where the vendor names no time.
//! - [`NormalizeLayer`], around the client: reads each answer once and closes the gate.
//! - [`GateLayer`], further out: refuses what meets a closed gate, or holds it if it fits.
//!
//! # What hostile answers cost
//!
//! Times are read from at most 128 bytes, in exact integers that saturate. Regular expressions run
//! in linear time over at most 64 KiB. A body is looked at only where a rule asks for it by status,
//! header, path and content type; at most `look` bytes of it, decompressed to at most 16 times
//! that, for at most a second, nested at most 128 deep; it then goes on from its first byte. A gate
//! remembers at most [`MOST_ENTRIES`] limits.

mod answer;
mod body;
mod calendar;
mod caller;
mod decode;
mod error;
mod fault;
mod format;
mod gate;
mod generic;
mod hooks;
mod inspect;
mod judgement;
mod look;
mod media;
mod normalize;
mod observe;
mod pointer;
mod rule;
mod rules;
mod settings;
pub mod spec;
mod structured;
mod test_language;
mod value;
mod wait;

pub use answer::{AccountFacts, Answer};
pub use body::LookedBody;
pub use caller::{Caller, OneAccount};
pub use error::{By, Limited, RateLimited};
pub use fault::RuleFault;
pub use gate::{
    Closed, Closing, Gate, GateFuture, GateLayer, GateService, MOST_ENTRIES, OnLimit, Shut, Ticket,
};
pub use hooks::{Custom, Hooks, NoHooks, ZoneOf};
pub use inspect::{Inspect, NoInspect};
pub use judgement::{
    DEFAULT_SCOPE, Explanation, Judgement, PathScope, Tried, TriedWait, retry_after,
};
pub use look::Look;
pub use normalize::{NormalizeFuture, NormalizeLayer, NormalizeService, NotLimited};
pub use observe::Observe;
pub use rules::Rules;
pub use settings::{Backoff, Settings};
pub use spec::RuleSpec;
pub use test_language::Test;
