//! From JSON to the pairs of a query or a form.

use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde_json::Value;

use crate::ListStyle;
use crate::error::code;
use crate::evaluate::Failed;
use crate::unified::RESERVED;

/// A comma may stand in a query as it is, which is how most vendors want a list.
const QUERY: &AsciiSet = &RESERVED.remove(b',');

/// The pairs of an object: null is left out, a list written as `style` says.
pub(crate) fn pairs(value: Value, style: ListStyle) -> Result<Vec<(String, String)>, Failed> {
    let Value::Object(members) = value else {
        return Err(Failed::new(code::TYPE, "the result is not an object"));
    };
    let mut pairs = Vec::with_capacity(members.len());
    for (name, value) in members {
        let Value::Array(items) = &value else {
            if let Some(text) = scalar(&name, &value)? {
                pairs.push((name, text));
            }
            continue;
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            texts.extend(scalar(&name, item)?);
        }
        match style {
            _ if texts.is_empty() => {}
            ListStyle::Comma => pairs.push((name, texts.join(","))),
            ListStyle::Repeat => pairs.extend(texts.into_iter().map(|text| (name.clone(), text))),
            ListStyle::Brackets => {
                let name = format!("{name}[]");
                pairs.extend(texts.into_iter().map(|text| (name.clone(), text)));
            }
        }
    }
    Ok(pairs)
}

/// A text, number or boolean as text; null is none.
pub(crate) fn scalar(name: &str, value: &Value) -> Result<Option<String>, Failed> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(Failed::new(
            code::TYPE,
            format!("{name:?} is neither text nor number nor boolean"),
        )),
    }
}

/// The pairs as a query.
pub(crate) fn query(pairs: &[(String, String)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.extend(utf8_percent_encode(name, QUERY));
        out.push('=');
        out.extend(utf8_percent_encode(value, QUERY));
    }
    out
}
