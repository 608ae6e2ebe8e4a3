//! Whose call it is.

use std::sync::Arc;

use http::Request;

use crate::call::Call;

/// The account's id, where the call has one.
pub fn account_key<B>(request: &Request<B>) -> Option<Arc<str>> {
    Some(Call::of(request)?.account()?.shared())
}
