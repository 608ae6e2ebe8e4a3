//! The JSONata engine. No other module names it, so that it can be exchanged.

mod error;
mod input;
mod variables;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jlens_core::Options;
use jlens_core::reads::Read;
use serde_json::Value;

use crate::fault::{Fault, INTERNAL, TOO_LARGE};
use crate::measure::measure;
use crate::{Bindings, Limits, Scope};
use error::{fault, fault_without_values};
use input::Whole;
use variables::FUNCTIONS;
pub(crate) use variables::{Variables, is_function};

/// The longest source, in bytes. Its nesting is limited to 1,000 levels by the parser.
const MAX_SOURCE: usize = 64 << 10;

/// The engine's `$distinct` and `$keys` take quadratic time in one step, past every limit. Where a source may call them,
/// it runs inside these definitions, which leave the engine's own to short lists.
const BEFORE: &str = "($leeward_distinct_few := $distinct; $leeward_keys_few := $keys; \
    $distinct := function($a)<x:x>{$leeward_distinct($a) ?? $leeward_distinct_few($a)}; \
    $keys := function($o)<x-:a<s>>{$count($spread($o)) < 1000 ? $leeward_keys_few($o) \
    : ($leeward_keys($o) ?? $leeward_keys_few($o))};\n";
const AFTER: &str = "\n)";

/// A compiled JSONata expression. A clone shares the compiled form.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    compiled: jlens_core::Expression,
    /// The bytes, all ASCII, that stand before the source in the compiled form.
    before: usize,
}

impl Expression {
    /// Parses and compiles an expression.
    ///
    /// # Errors
    /// A syntax fault, or a source longer than 64 KiB or nested deeper than 1,000 levels.
    pub fn compile(source: &str) -> Result<Self, Fault> {
        if source.len() > MAX_SOURCE {
            let message = format!("the expression is longer than the limit of {MAX_SOURCE} bytes");
            return Err(Fault::new(TOO_LARGE, message));
        }
        guarded(|| {
            let plain = jlens_core::Expression::compile(source).map_err(|e| fault(&e, 0))?;
            // Without their names in it, only `$eval` reaches the two.
            let slow = ["distinct", "keys", "eval"];
            let wrapped = slow
                .iter()
                .any(|name| source.contains(name))
                .then(|| jlens_core::Expression::compile(&format!("{BEFORE}{source}{AFTER}")))
                // Two levels from the deepest nesting it does not fit; then the plain form runs.
                .and_then(Result::ok);
            let before = if wrapped.is_some() { BEFORE.len() } else { 0 };
            Ok(Self {
                source: source.into(),
                compiled: wrapped.unwrap_or(plain),
                before,
            })
        })
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates against `input`, `None` being no input at all. A result of `None` is JSONata's nothing.
    ///
    /// # Errors
    /// What JSONata says is wrong, or the limit that was passed.
    pub fn evaluate<'i>(
        &self,
        input: impl Into<Option<&'i Value>>,
        bindings: &Bindings,
        limits: &Limits,
    ) -> Result<Option<Value>, Fault> {
        let input = input.into();
        let left = limits.input.checked_sub(bindings.size).ok_or_else(|| {
            let message = format!(
                "the bindings are larger than the limit of {} bytes",
                limits.input
            );
            Fault::new(TOO_LARGE, message)
        })?;
        if let Some(input) = input {
            measure(input, left)?;
        }
        guarded(|| {
            let options = options(limits, bindings.inner.now);
            self.compiled
                .evaluate_with(input, &bindings.inner.known, &options)
                .map_err(|e| fault(&e, self.before))
        })
    }

    /// Evaluates with the names of `scope` as the members of its input, which are read only as far as needed. A scope
    /// holds secrets: the message of a fault quotes no value, but for what the expression itself gives to `$error`.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_scope(
        &self,
        scope: &Scope<'_>,
        limits: &Limits,
    ) -> Result<Option<Value>, Fault> {
        let mut left = limits.input;
        for (_, value) in scope.iter() {
            left -= measure(value, left)?;
        }
        guarded(|| {
            let options = options(limits, scope.clock());
            self.compiled
                .evaluate_source(&Whole(scope), &FUNCTIONS, &options)
                .map_err(|e| fault_without_values(&e, self.before))
        })
    }

    /// The paths of members that it may read of its input (`account.vars.host`); `None` if it may read all of it.
    pub(crate) fn paths(&self) -> Option<Vec<String>> {
        let reads = guarded(|| {
            let plain = jlens_core::Expression::compile(&self.source).map_err(|e| fault(&e, 0))?;
            Ok(plain.reads_with(&FUNCTIONS))
        })
        .ok()?;
        let mut paths = Vec::new();
        match reads.input() {
            None => {}
            Some(read) => leaves(read.fields()?, &mut String::new(), &mut paths),
        }
        Some(paths)
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

fn leaves(fields: &BTreeMap<String, Read>, path: &mut String, paths: &mut Vec<String>) {
    for (name, read) in fields {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(name);
        match read.fields() {
            Some(inner) if !inner.is_empty() => leaves(inner, path, paths),
            _ => paths.push(path.clone()),
        }
        path.truncate(length);
    }
}

/// Runs what the engine does; a panic of its becomes a fault.
fn guarded<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    // Each call builds its own state in the engine, so that nothing half-done is seen afterwards.
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Fault::new(INTERNAL, "the expression engine failed")))
}

fn options(limits: &Limits, now: Option<i64>) -> Options {
    let options = Options::new()
        .timeout(limits.time)
        .max_steps(limits.steps)
        .max_depth(limits.depth)
        .max_string_length(limits.text)
        .max_array_length(limits.list)
        .max_result_size(limits.result);
    match now {
        Some(millis) => options.now(millis),
        None => options,
    }
}
