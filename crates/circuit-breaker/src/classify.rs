//! What counts.

use http::{Response, StatusCode};

/// What a call says about the peer's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The peer works.
    Success,
    /// The peer does not.
    Failure,
    /// Neither; a probe's slot is given back and nothing is decided.
    Ignored,
}

/// Reads a [`Verdict`] from the head of an answer, or from the error that came in its place.
///
/// Any `Fn(Result<&Response<RB>, &E>) -> Verdict` is one.
pub trait Classify<RB, E>: Clone + Send + Sync + 'static {
    /// The verdict.
    fn classify(&self, result: Result<&Response<RB>, &E>) -> Verdict;
}

impl<RB, E, F> Classify<RB, E> for F
where
    F: Fn(Result<&Response<RB>, &E>) -> Verdict + Clone + Send + Sync + 'static,
{
    fn classify(&self, result: Result<&Response<RB>, &E>) -> Verdict {
        self(result)
    }
}

/// Any error and any 5xx is a failure; 408, 429 and other 4xx say nothing; all else is a success.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerErrors;

impl<RB, E> Classify<RB, E> for ServerErrors {
    fn classify(&self, result: Result<&Response<RB>, &E>) -> Verdict {
        match result.map(Response::status) {
            Err(_) => Verdict::Failure,
            Ok(status) if status.is_server_error() => Verdict::Failure,
            Ok(status) if StatusCode::is_client_error(&status) => Verdict::Ignored,
            Ok(_) => Verdict::Success,
        }
    }
}
