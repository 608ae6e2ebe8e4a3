//! How the gate's layer is made.

use std::time::Duration;

use http::Request;
use tower_layer::Layer;

use super::service::GateService;
use super::state::Gate;

/// What becomes of a request that meets a closed gate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnLimit {
    /// It is refused at once.
    #[default]
    Reject,
    /// It is held if the gate opens within this time and the caller's deadline, else refused at
    /// once. So is a request that met the limit itself, if it can be copied.
    Wait(Duration),
}

/// Keeps requests from a vendor that has asked to slow down.
///
/// The outer half of the pair: a [`NormalizeLayer`](crate::NormalizeLayer) further inside, with a
/// clone of the same [`Gate`], closes what this layer keeps shut. `B` is the request's body.
pub struct GateLayer<C, B> {
    gate: Gate,
    caller: C,
    on_limit: OnLimit,
    copy: fn(&Request<B>) -> Option<Request<B>>,
}

impl<C, B> GateLayer<C, B> {
    /// `copy` makes a second copy of a request that may be repeated; asked only with
    /// [`OnLimit::Wait`].
    pub fn new(
        gate: Gate,
        caller: C,
        on_limit: OnLimit,
        copy: fn(&Request<B>) -> Option<Request<B>>,
    ) -> Self {
        Self {
            gate,
            caller,
            on_limit,
            copy,
        }
    }

    /// Refuses at once whatever meets a closed gate.
    pub fn reject(gate: Gate, caller: C) -> Self {
        Self::new(gate, caller, OnLimit::Reject, |_| None)
    }
}

impl<C: Clone, B> Clone for GateLayer<C, B> {
    fn clone(&self) -> Self {
        Self {
            gate: self.gate.clone(),
            caller: self.caller.clone(),
            on_limit: self.on_limit,
            copy: self.copy,
        }
    }
}

impl<C, B> std::fmt::Debug for GateLayer<C, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GateLayer")
            .field("on_limit", &self.on_limit)
            .finish_non_exhaustive()
    }
}

impl<S, C: Clone, B> Layer<S> for GateLayer<C, B> {
    type Service = GateService<S, C, B>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService {
            inner,
            ready: false,
            layer: self.clone(),
        }
    }
}

impl<C, B> GateLayer<C, B> {
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(super) fn caller(&self) -> &C {
        &self.caller
    }

    pub(super) fn on_limit(&self) -> OnLimit {
        self.on_limit
    }

    pub(super) fn copy(&self, request: &Request<B>) -> Option<Request<B>> {
        (self.copy)(request)
    }
}
