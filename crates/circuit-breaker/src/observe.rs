//! What a breaker tells.

use crate::State;

/// Hears of changes. Every method has a default that does nothing.
pub trait Observe: Send + Sync + 'static {
    /// A circuit changed from one state to another. Called outside of all locks, once for each
    /// change.
    fn transition(&self, key: &str, from: State, to: State) {
        let _ = (key, from, to);
    }
}
