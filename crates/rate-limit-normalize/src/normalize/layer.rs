//! How it is made.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::NormalizeService;
use crate::gate::Gate;
use crate::inspect::NoInspect;
use crate::rules::Rules;

/// Turns a vendor's dialect of "slow down" into one error, [`RateLimited`](crate::RateLimited), and
/// closes the gate. Whatever is none passes through byte for byte.
///
/// The inner half of the pair; the outer one is [`GateLayer`](crate::GateLayer).
#[derive(Debug, Clone)]
pub struct NormalizeLayer<C, I = NoInspect> {
    pub(super) rules: Arc<Rules>,
    pub(super) gate: Gate,
    pub(super) look: usize,
    pub(super) caller: C,
    pub(super) inspect: I,
}

impl<C, I> NormalizeLayer<C, I> {
    /// `look` is taken from the gate's settings.
    pub fn new(rules: Arc<Rules>, gate: Gate, caller: C, inspect: I) -> Self {
        Self {
            rules,
            look: gate.settings().look,
            gate,
            caller,
            inspect,
        }
    }

    /// The most bytes of a body, as sent, that are looked at.
    #[must_use]
    pub fn look(mut self, bytes: usize) -> Self {
        self.look = bytes;
        self
    }
}

impl<S, C: Clone, I: Clone> Layer<S> for NormalizeLayer<C, I> {
    type Service = NormalizeService<S, C, I>;

    fn layer(&self, inner: S) -> Self::Service {
        NormalizeService {
            inner,
            layer: Arc::new(self.clone()),
        }
    }
}
