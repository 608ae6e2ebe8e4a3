//! What the layer tells.

/// Told of each repeat. Every method does nothing by default.
pub trait Observe: Send + Sync + 'static {
    /// A request is about to be repeated, for the reason that the policy gave, or `"torn"`.
    fn retry(&self, reason: &'static str) {
        let _ = reason;
    }
}
