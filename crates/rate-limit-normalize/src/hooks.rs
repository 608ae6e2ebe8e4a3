//! What the caller lends to the rules.

use std::sync::Arc;

use serde_json::Value;

/// A compiled expression: from `{status, headers, body, request: {method, path}}` and the account
/// `{id, vars}` to a value, or to nothing, also where it failed. It must bound its own time.
pub type Custom = Arc<dyn Fn(&Value, &Value) -> Option<Value> + Send + Sync>;

/// From the account `{id, vars}` to the name of its time zone.
pub type ZoneOf = Arc<dyn Fn(&Value) -> Option<String> + Send + Sync>;

/// Compiles what this crate has no engine for.
pub trait Hooks {
    /// Compiles a JSONata expression; the error is shown to the author of the rule.
    fn jsonata(&self, source: &str) -> Result<Custom, String>;

    /// Compiles a time zone that is a template, such as `{{account.vars.tz}}`.
    fn time_zone(&self, source: &str) -> Result<ZoneOf, String>;
}

/// No engine: a rule that needs one is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn jsonata(&self, _: &str) -> Result<Custom, String> {
        Err("no engine for expressions is at hand".to_owned())
    }

    fn time_zone(&self, _: &str) -> Result<ZoneOf, String> {
        Err("no engine for templates is at hand".to_owned())
    }
}
