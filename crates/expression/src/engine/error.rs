//! The engine's errors as faults.

use jlens_core::Error;

use crate::Fault;

/// The fault, placed in the source that stands `before` bytes into what was compiled.
pub(super) fn fault(error: &Error, before: usize) -> Fault {
    let mut message = error.message();
    truncate(&mut message, 500);
    Fault {
        code: error.code().to_owned(),
        message,
        position: error.position().unwrap_or(0).saturating_sub(before),
        span: span(error, before),
    }
}

/// The same, with a message that quotes the expression, but no value.
pub(super) fn fault_without_values(error: &Error, before: usize) -> Fault {
    Fault {
        message: fault(&without_values(error), before).message,
        ..fault(error, before)
    }
}

fn without_values(error: &Error) -> Error {
    let mut plain = Error::new(error.code());
    for key in ["token", "index", "functionName", "type", "message"] {
        if let Some(detail) = error.detail(key) {
            plain = plain.with(key, detail.clone());
        }
    }
    for key in ["value", "value2", "exp"] {
        if error.detail(key).is_some() {
            plain = plain.with(key, "…");
        }
    }
    plain
}

fn span(error: &Error, before: usize) -> Option<(usize, usize)> {
    let span = error.span().filter(|span| span.start >= before)?;
    Some((span.start - before, span.end - before))
}

/// A message may quote a whole value of the input.
fn truncate(message: &mut String, limit: usize) {
    if message.len() > limit {
        let end = (0..=limit)
            .rev()
            .find(|end| message.is_char_boundary(*end))
            .unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
}
