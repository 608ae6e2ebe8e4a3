//! How a credential meets a request.

use http::{Request, Response, StatusCode};
use tokio::time::Instant;

use crate::{AccountId, Current, Incomplete};

/// What the layer asks about requests and answers.
pub trait Authenticate<B>: Clone + Send + Sync + 'static {
    /// The credential that is kept.
    type Credential: Clone + Send + Sync + 'static;

    /// Whose credential the request needs. `None`: it goes on as it is.
    fn account(&self, request: &Request<B>) -> Option<AccountId>;

    /// Until when the request may wait for a credential. Default: as long as the policy's
    /// `timeout` allows.
    fn deadline(&self, request: &Request<B>) -> Option<Instant> {
        let _ = request;
        None
    }

    /// Puts the credential on the request.
    ///
    /// # Errors
    /// The credential lacks what its place needs: the request is not sent.
    fn apply(
        &self,
        current: &Current<Self::Credential>,
        request: &mut Request<B>,
    ) -> Result<(), Incomplete>;

    /// The answer says that the credential is dead. Default: a 401.
    fn rejected<RB>(&self, response: &Response<RB>) -> bool {
        response.status() == StatusCode::UNAUTHORIZED
    }

    /// The answer says that the credential is good. Default: a 2xx. What is neither says nothing.
    fn accepted<RB>(&self, response: &Response<RB>) -> bool {
        response.status().is_success()
    }

    /// Whether a request that was rejected is worth repeating with a renewed credential. Asked of
    /// renewable ones alone. Default: yes.
    fn repeatable(&self, current: &Current<Self::Credential>) -> bool {
        let _ = current;
        true
    }

    /// A second request like this one, for the repeat, taken before the credential is put on.
    /// `None` (the default): it cannot be sent twice, and a rejected answer passes.
    fn copy(&self, request: &Request<B>) -> Option<Request<B>> {
        let _ = request;
        None
    }
}
