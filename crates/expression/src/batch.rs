//! One line in, one line out: the form in which many expressions are tried.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::fault::{Fault, NOT_JSON, TOO_LARGE};
use crate::{Bindings, Expression, Limits};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    expr: String,
    // A null input is null, one left out is nothing.
    #[serde(default, deserialize_with = "present")]
    input: Option<Value>,
    #[serde(default)]
    bindings: Option<Map<String, Value>>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Evaluates the JSON line `{"expr", "input", "bindings"}` and gives the JSON line `{"result": …}`, without that member
/// if the result is nothing, or `{"error": {"code", "message", "position"}}`.
///
/// A line that is longer than `limits.input`, or is no such JSON, is an error, too.
#[must_use]
pub fn evaluate_line(line: &str, limits: &Limits) -> String {
    match evaluate(line, limits) {
        Ok(Some(result)) => json!({ "result": result }),
        Ok(None) => json!({}),
        Err(fault) => json!({ "error": fault }),
    }
    .to_string()
}

fn evaluate(line: &str, limits: &Limits) -> Result<Option<Value>, Fault> {
    if line.len() > limits.input {
        let message = format!(
            "the line is longer than the limit of {} bytes",
            limits.input
        );
        return Err(Fault::new(TOO_LARGE, message));
    }
    let line: Line = serde_json::from_str(line).map_err(|fault| {
        Fault::new(
            NOT_JSON,
            format!("the line is not the JSON expected: {fault}"),
        )
    })?;
    let mut bindings = Bindings::new();
    for (name, value) in line.bindings.unwrap_or_default() {
        bindings = bindings
            .with(&name, value)
            .map_err(|reserved| Fault::new(NOT_JSON, reserved.to_string()))?;
    }
    Expression::compile(&line.expr)?.evaluate(line.input.as_ref(), &bindings, limits)
}
