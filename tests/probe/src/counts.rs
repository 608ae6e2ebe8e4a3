//! What a probe has seen.

/// Totals over every clone of one probe's service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often `poll_ready` was called.
    pub polls: usize,
    /// How often `poll_ready` answered ready.
    pub ready: usize,
    /// How often `call` was called.
    pub calls: usize,
    /// Calls on an instance that had not been polled ready since its last call: each is a breach
    /// of tower's contract.
    pub calls_without_readiness: usize,
    /// How many clones of the service were made.
    pub clones: usize,
    /// Futures that have answered.
    pub answered: usize,
    /// Futures that were dropped before they answered.
    pub cancelled: usize,
    /// Calls that have begun and neither answered nor been dropped.
    pub in_flight: usize,
    /// The most calls that were in flight at once.
    pub most_in_flight: usize,
    /// Response bodies that were dropped, whether read to their end or not.
    pub bodies_dropped: usize,
}
