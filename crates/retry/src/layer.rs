//! How the layer is made.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;
use tower_layer::Layer;

use crate::{Observe, Retry, RetryBudget, Settings};

/// Repeats what failed and may be repeated. See the [crate's page](crate).
#[derive(Debug, Clone)]
pub struct RetryLayer<P> {
    shared: Arc<Shared>,
    policy: P,
}

#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) budget: RetryBudget,
    pub(crate) observe: Option<Arc<dyn Observe>>,
    clock: Option<Arc<dyn Fn() -> Instant + Send + Sync>>,
}

impl Shared {
    pub(crate) fn now(&self) -> Instant {
        self.clock.as_ref().map_or_else(Instant::now, |now| now())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("settings", &self.settings)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

impl<P> RetryLayer<P> {
    /// A layer that draws on `budget`, which it sets to the share in `settings`. Give the same
    /// budget to the layer that takes this one's place after a change of the configuration.
    pub fn new(settings: Settings, policy: P, budget: RetryBudget) -> Self {
        budget.set_share(settings.budget);
        Self {
            shared: Arc::new(Shared {
                settings,
                budget,
                observe: None,
                clock: None,
            }),
            policy,
        }
    }

    /// Tells `observe` of each repeat.
    #[must_use]
    pub fn observe(mut self, observe: Arc<dyn Observe>) -> Self {
        Arc::make_mut(&mut self.shared).observe = Some(observe);
        self
    }

    /// Another clock than [`Instant::now`]. It is read only when something failed.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.shared).clock = Some(Arc::new(now));
        self
    }
}

impl<S, P: Clone> Layer<S> for RetryLayer<P> {
    type Service = Retry<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, Arc::clone(&self.shared), self.policy.clone())
    }
}
