//! Reads the vendor's answer once.

mod future;
mod layer;
mod look;
mod service;

pub use future::NormalizeFuture;
pub use layer::NormalizeLayer;
pub use service::NormalizeService;

use std::sync::Arc;

/// In the extensions of an answer that a rule with `outcome: not_limited` is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotLimited {
    /// The rule, if it has a name.
    pub rule: Option<Arc<str>>,
    /// Whether the request may be repeated; `None` if the rule does not say.
    pub retryable: Option<bool>,
}

#[cfg(test)]
mod tests;
