//! What the layer tells.

use std::time::Duration;

/// Told of each answer that is served in place of a failure. Does nothing by default.
pub trait Observe: Send + Sync + 'static {
    /// An answer of this age was served.
    fn served(&self, age: Duration) {
        let _ = age;
    }
}

/// In the extensions of an answer that was served in place of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// How old it is, as its `Age` field says in whole seconds (RFC 9111 5.1).
    pub age: Duration,
}
