//! The vendor's failures: told by a status, or inside a 200.

use http::{HeaderMap, StatusCode};
use leeward_expression::{Bindings, Expression};
use serde_json::{Value, json};

use crate::error::code;
use crate::evaluate::{Failed, Run, Stop};
use crate::resources::Known;
use crate::{Resources, Unified, headers, input};

/// A failure of the vendor's, be it in a 200. As an extension of an answer it tells the layer what was found out before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it counts as, 400 to 599.
    pub status: StatusCode,
    /// Why, in a word.
    pub reason: Option<String>,
    /// What the vendor says, for people.
    pub message: Option<String>,
}

impl Failure {
    /// One of which only the status is known.
    pub(crate) fn of_status(vendor: StatusCode) -> Self {
        Self {
            status: own_status(vendor),
            reason: None,
            message: None,
        }
    }
}

/// The vendor's own status where it tells a failure, else 502.
fn own_status(vendor: StatusCode) -> StatusCode {
    if vendor.is_client_error() || vendor.is_server_error() {
        vendor
    } else {
        StatusCode::BAD_GATEWAY
    }
}

impl Resources {
    /// What the operation's `error` makes of an answer: `None` if it is no failure, or if the operation has no `error`.
    /// `request` is the application's, as expressions see it, where they may need it.
    ///
    /// It evaluates expressions on the calling thread. A test that fails is no failure of the vendor's: the layer, which
    /// runs it again, says what is wrong.
    #[must_use]
    pub fn failure(
        &self,
        call: &Unified,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Value,
        request: Option<&Value>,
        account: &Value,
    ) -> Option<Failure> {
        let known = self.known(call)?;
        if !known.operation.error.reads() {
            return None;
        }
        let request = request.unwrap_or(&Value::Null);
        let bindings = input::bindings(request, account).ok()?;
        let bindings = answer_bindings(bindings, known, status, headers, Some(body)).ok()?;
        let run = self.start(Stop::default());
        judge(&run, known, status, Some(body), &bindings).ok()?
    }
}

/// `$response` beside what the request side has, where an expression may read it.
pub(crate) fn answer_bindings(
    bindings: Bindings,
    known: &Known,
    status: StatusCode,
    fields: &HeaderMap,
    body: Option<&Value>,
) -> Result<Bindings, Failed> {
    if !known.reads_response {
        return Ok(bindings);
    }
    let mut response = json!({"status": status.as_u16(), "headers": headers::to_json(fields)});
    if let (Some(response), Some(body)) = (response.as_object_mut(), body) {
        response.insert("body".to_owned(), body.clone());
    }
    bindings
        .with("response", response)
        .map_err(|error| Failed::new(code::INTERNAL, error.to_string()))
}

/// Applies an operation's `error`.
pub(crate) fn judge(
    run: &Run,
    known: &Known,
    status: StatusCode,
    body: Option<&Value>,
    bindings: &Bindings,
) -> Result<Option<Failure>, Failed> {
    let test = &known.operation.error;
    let evaluate = |part: &str, expression: &Option<Expression>| match expression {
        None => Ok(None),
        Some(expression) => run
            .evaluate(expression, body, bindings)
            .map_err(|failed| failed.of(part)),
    };
    if status.is_success() {
        if evaluate("error.when", &test.when)? != Some(Value::Bool(true)) {
            return Ok(None);
        }
    } else if !status.is_client_error() && !status.is_server_error() {
        return Ok(None);
    }
    // A failure is one even where it cannot be told how it is called.
    let told = |part, expression| evaluate(part, expression).ok().flatten();
    Ok(Some(Failure {
        status: told("error.status", &test.status)
            .and_then(|value| failure_status(&value))
            .unwrap_or_else(|| own_status(status)),
        reason: told("error.reason", &test.reason).and_then(text),
        message: told("error.message", &test.message).and_then(text),
    }))
}

/// 400 to 599, as a number or a text.
fn failure_status(value: &Value) -> Option<StatusCode> {
    let status = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let status = status.parse().ok()?;
    (400..=599)
        .contains(&status)
        .then(|| StatusCode::from_u16(status).ok())
        .flatten()
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.is_empty()).then_some(text),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}
