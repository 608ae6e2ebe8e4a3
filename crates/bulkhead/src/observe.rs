//! What a bulkhead tells.

use std::time::Duration;

/// Hears of waits and refusals. Every method has a default that does nothing; none is called for a
/// call that finds a slot at once. Called outside of all locks.
pub trait Observe: Send + Sync + 'static {
    /// A call has waited this long, and then got its slot or was refused.
    fn waited(&self, span: Duration) {
        let _ = span;
    }

    /// A call was refused.
    fn refused(&self) {}
}
