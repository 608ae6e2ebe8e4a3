//! What the client tells.

/// Told of what a client does; every method does nothing unless it is given.
pub trait Observe: Send + Sync + 'static {
    /// An attempt to connect ended: `ok`, or the label of the [`Kind`](crate::Kind) of its error,
    /// such as `name`, `connect`, `tls`, `timeout`, `denied`.
    fn connected(&self, result: &'static str) {
        let _ = result;
    }
}

/// Tells nobody.
pub(crate) struct Nobody;

impl Observe for Nobody {}
