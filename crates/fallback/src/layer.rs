//! How the layer is made.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::{Answers, Fallback, Observe};

/// Keeps good answers to reads, and serves them where a later call fails. See the
/// [crate's page](crate).
#[derive(Debug, Clone)]
pub struct FallbackLayer<P> {
    shared: Arc<Shared>,
    policy: P,
}

#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) answers: Answers,
    pub(crate) observe: Option<Arc<dyn Observe>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("answers", &self.answers)
            .finish_non_exhaustive()
    }
}

impl<P> FallbackLayer<P> {
    /// A layer over the answers of one provider.
    pub fn new(answers: Answers, policy: P) -> Self {
        let observe = None;
        Self {
            shared: Arc::new(Shared { answers, observe }),
            policy,
        }
    }

    /// Tells `observe` of each answer that is served.
    #[must_use]
    pub fn observe(mut self, observe: Arc<dyn Observe>) -> Self {
        Arc::make_mut(&mut self.shared).observe = Some(observe);
        self
    }
}

impl<S, P: Clone> Layer<S> for FallbackLayer<P> {
    type Service = Fallback<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Fallback::new(inner, Arc::clone(&self.shared), self.policy.clone())
    }
}
