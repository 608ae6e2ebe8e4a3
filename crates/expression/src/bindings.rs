//! The variables beside an expression's input.

use serde_json::Value;

use crate::{engine, measure};

/// Names and the values that an expression reads as `$name`, beside the host functions, which are always there.
///
/// A clone shares the values. Bindings are made once and used for many evaluations.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    pub(crate) inner: engine::Variables,
    /// About the bytes of all values as JSON.
    pub(crate) size: usize,
}

/// A variable cannot take the name of a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`${0}` is a function's name and cannot be bound")]
pub struct ReservedName(pub String);

impl Bindings {
    /// No variable.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds `name`, given without its `$`; a later value takes the place of an earlier one.
    ///
    /// # Errors
    /// If `name` is that of a function of JSONata or of this crate.
    pub fn with(mut self, name: &str, value: Value) -> Result<Self, ReservedName> {
        if engine::is_function(name) {
            return Err(ReservedName(name.to_owned()));
        }
        let size = measure::measure(&value, usize::MAX).unwrap_or(usize::MAX);
        self.size = self.size.saturating_add(size).saturating_add(name.len());
        self.inner.set(name, value);
        Ok(self)
    }

    /// Fixes what `$now()` and `$millis()` tell, in milliseconds since 1970; otherwise the system's clock does.
    #[must_use]
    pub fn at(mut self, millis: i64) -> Self {
        self.inner.now = Some(millis);
        self
    }

    /// The value bound to `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.inner.get(name)
    }
}
