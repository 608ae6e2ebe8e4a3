//! Between the layers, which know nothing of each other, and one call: each adapter answers the
//! narrow question that one layer asks.

mod account;
mod answers;
mod auth;
mod circuit;
mod fallback;
mod limits;
mod mapping;
mod observe;
mod outcome;
mod retry;

pub use account::account_key;
pub use answers::{AnswerTests, DisguisedFailure, Rejected};
pub use auth::ProviderCredential;
pub use circuit::{circuit_key, verdict};
pub use fallback::{FallbackPolicy, FallbackSettings};
pub use limits::{Facts, LimitedCaller};
pub use mapping::UnifiedCaller;
pub use observe::Observer;
pub use outcome::Outcome;
pub use retry::RetryPolicy;
