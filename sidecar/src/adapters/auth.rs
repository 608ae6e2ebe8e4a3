//! What auth-refresh asks: whose credential, how it is put on, and whether it was rejected.

use std::sync::Arc;

use http::{Request, Response};
use leeward_auth_refresh::{AccountId, Authenticate, Current, Incomplete};
use leeward_auth_schemes::Secrets;
use leeward_deadline::Deadline;
use leeward_retry::ReplayBody;
use tokio::time::Instant;

use super::{Outcome, Rejected};
use crate::call::Call;
use crate::provider::{Provider, PutFault, copy_request};

/// One provider's credentials, as the layer asks for them.
#[derive(Debug, Clone)]
pub struct ProviderCredential {
    provider: Arc<Provider>,
}

impl ProviderCredential {
    /// Of this provider.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }
}

impl<B: Send + 'static> Authenticate<ReplayBody<B>> for ProviderCredential {
    type Credential = Secrets;

    fn account(&self, request: &Request<ReplayBody<B>>) -> Option<AccountId> {
        let account = Call::of(request)?.account().cloned();
        account.or_else(|| self.provider.own_account())
    }

    fn deadline(&self, request: &Request<ReplayBody<B>>) -> Option<Instant> {
        Deadline::of(request).map(|deadline| deadline.at())
    }

    fn apply(
        &self,
        current: &Current<Secrets>,
        request: &mut Request<ReplayBody<B>>,
    ) -> Result<(), Incomplete> {
        let ready = self.provider.ready(current)?;
        match self.provider.put_on(&ready, request) {
            Ok(()) => Ok(()),
            Err(PutFault::Missing(missing)) => Err(missing),
            // The target was checked when the call was resolved; what is refused here comes of
            // the account's own values.
            Err(PutFault::Refused(error)) => Err(Incomplete {
                missing: error.to_string(),
            }),
        }
    }

    fn rejected<RB>(&self, response: &Response<RB>) -> bool {
        response.extensions().get::<Rejected>().is_some()
    }

    fn accepted<RB>(&self, response: &Response<RB>) -> bool {
        let rejected = response.extensions().get::<Rejected>().is_some();
        Outcome::of(Ok(response)).is_success() && !rejected
    }

    fn copy(&self, request: &Request<ReplayBody<B>>) -> Option<Request<ReplayBody<B>>> {
        if self.provider.buys_tokens() {
            copy_request(request)
        } else {
            None
        }
    }
}
