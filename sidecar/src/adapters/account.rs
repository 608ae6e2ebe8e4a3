//! Whose call it is.

use std::sync::Arc;

use http::Request;

use crate::call::Call;

/// The account's id, where the call has one.
pub fn account_key<B>(request: &Request<B>) -> Option<Arc<str>> {
    let account = Call::of(request)?.account()?;
    Some(account.as_str().into())
}
