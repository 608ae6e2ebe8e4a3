//! How the service is made.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::Keeper;
use crate::service::{AuthService, Parts};

/// Puts a fresh credential on each request, and renews and repeats once when the API rejects one.
pub struct AuthLayer<A, C> {
    parts: Arc<Parts<A, C>>,
}

impl<A, C> AuthLayer<A, C> {
    /// A layer that takes its credentials from this keeper.
    /// `authenticate` implements [`Authenticate`](crate::Authenticate) for the requests' body.
    pub fn new(keeper: Keeper<C>, authenticate: A) -> Self {
        Self {
            parts: Arc::new(Parts {
                keeper,
                authenticate,
            }),
        }
    }
}

impl<A, C> Clone for AuthLayer<A, C> {
    fn clone(&self) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
        }
    }
}

impl<A, C> fmt::Debug for AuthLayer<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").finish_non_exhaustive()
    }
}

impl<S, A, C> Layer<S> for AuthLayer<A, C> {
    type Service = AuthService<S, A, C>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService::new(inner, Arc::clone(&self.parts))
    }
}
