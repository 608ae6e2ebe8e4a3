//! What the layers tell.

use std::time::Duration;

use crate::error::By;

/// Told of what happens; every method does nothing by default. They are called on the path of a
/// request: count, do not wait.
pub trait Observe: Send + Sync + 'static {
    /// A request was refused, or the vendor refused it.
    fn limited(&self, scope: &str, by: By, retry_after: Duration) {
        let _ = (scope, by, retry_after);
    }

    /// A request was held back for a gate, and went on or was refused after this long.
    fn waited(&self, waited: Duration) {
        let _ = waited;
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Silent;

impl Observe for Silent {}
