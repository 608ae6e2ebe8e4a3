//! How large and how deep a value is, found without recursion deeper than the limit.

use serde_json::Value;

use crate::fault::{Fault, TOO_LARGE};

/// The deepest nesting of an input. JSON readers stop at 128.
const MAX_NESTING: usize = 512;

/// About how many bytes `value` takes as compact JSON, or a fault once that passes `limit`.
pub(crate) fn measure(value: &Value, limit: usize) -> Result<usize, Fault> {
    let mut left = limit;
    spend(value, &mut left, 0).map_err(|passed| {
        Fault::new(
            TOO_LARGE,
            match passed {
                Passed::Size => format!("the input is larger than the limit of {limit} bytes"),
                Passed::Depth => {
                    format!("the input is nested more than {MAX_NESTING} levels deep")
                }
            },
        )
    })?;
    Ok(limit - left)
}

enum Passed {
    Size,
    Depth,
}

fn spend(value: &Value, left: &mut usize, depth: usize) -> Result<(), Passed> {
    let own = match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.len() + 2,
        Value::Object(members) => members.len() + 2,
    };
    *left = left.checked_sub(own).ok_or(Passed::Size)?;
    if depth >= MAX_NESTING {
        return match value {
            Value::Array(_) | Value::Object(_) => Err(Passed::Depth),
            _ => Ok(()),
        };
    }
    match value {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| spend(item, left, depth + 1)),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            *left = left.checked_sub(key.len() + 3).ok_or(Passed::Size)?;
            spend(member, left, depth + 1)
        }),
        _ => Ok(()),
    }
}
