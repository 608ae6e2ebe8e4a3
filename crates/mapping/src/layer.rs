//! How the layer is made.

use std::sync::Arc;

use tower_layer::Layer;

use crate::{Mapping, Resources};

/// Turns unified requests into a vendor's, and its answers back. See the [crate's page](crate).
#[derive(Debug, Clone)]
pub struct MappingLayer<C> {
    resources: Arc<Resources>,
    caller: C,
}

impl<C> MappingLayer<C> {
    /// A layer over one provider's resources.
    pub fn new(resources: Arc<Resources>, caller: C) -> Self {
        Self { resources, caller }
    }
}

impl<S, C: Clone> Layer<S> for MappingLayer<C> {
    type Service = Mapping<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Mapping::new(inner, Arc::clone(&self.resources), self.caller.clone())
    }
}
