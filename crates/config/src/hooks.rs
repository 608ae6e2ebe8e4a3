//! Expressions and templates of rate-limit rules, as functions.

use std::sync::Arc;

use leeward_expression::{Bindings, Expression, Limits, Place, Rendered, Scope, Template};
use leeward_rate_limit_normalize::{Custom, Hooks, ZoneOf};
use serde_json::Value;

/// Compiles the JSONata of rate-limit rules and of `auth.rejected`. An expression that fails, or
/// passes its limits, yields nothing.
#[derive(Debug, Clone, Default)]
pub struct ExpressionHooks {
    /// The limits of one evaluation.
    pub limits: Limits,
}

impl Hooks for ExpressionHooks {
    fn jsonata(&self, source: &str) -> Result<Custom, String> {
        let expression = Expression::compile(source).map_err(|fault| fault.to_string())?;
        let limits = self.limits;
        Ok(Arc::new(move |answer: &Value, account: &Value| {
            let bindings = Bindings::new().with("account", account.clone()).ok()?;
            expression
                .evaluate(answer, &bindings, &limits)
                .ok()
                .flatten()
        }))
    }

    fn time_zone(&self, source: &str) -> Result<ZoneOf, String> {
        let template = Template::parse(source)
            .map_err(|fault| fault.message)?
            .with_limits(self.limits);
        Ok(Arc::new(move |account: &Value| {
            let scope = Scope::new().with("account", account);
            match template.render(&scope, Place::Raw) {
                Ok(Rendered::Text(zone)) => Some(zone),
                _ => None,
            }
        }))
    }
}
