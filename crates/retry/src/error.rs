//! What can go wrong with a body that is kept.

use thiserror::Error;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a [`ReplayBody`](crate::ReplayBody) gives an error in place of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// More flowed than is kept: the beginning can no longer be given.
    #[error("the request body is over the size that is kept for a repeat")]
    Capped,
    /// A later copy has begun; two never flow at once.
    #[error("the request was repeated, and this copy of its body is over")]
    Superseded,
    /// The body under all copies broke off.
    #[error("the request body broke off earlier")]
    Broken,
}

/// Why [`ReplayBody::hold`](crate::ReplayBody::hold) has no bytes to give.
#[derive(Debug, Error)]
pub enum HoldError {
    /// The body is larger than the cap, in bytes.
    #[error("the request body is over {cap} bytes")]
    TooLarge {
        /// The cap that was asked for.
        cap: usize,
    },
    /// This copy has flowed in part already, or may no longer be given from its beginning.
    #[error("the request body has begun to flow")]
    Begun,
    /// The body broke off while it was read.
    #[error("the request body broke off")]
    Body(#[source] BoxError),
}

/// An answer of a known length that ended before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the answer's body ended after {got} of {expected} bytes")]
pub struct EndedShort {
    /// The length that was declared.
    pub expected: u64,
    /// The bytes that came.
    pub got: u64,
}
