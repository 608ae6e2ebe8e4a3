//! Heads as the values that expressions see.

use http::HeaderMap;
use http::header::SET_COOKIE;
use serde_json::Value;

use crate::Map;

/// Header names in lower case with their values; a repeated name gives a list. What is not UTF-8 is replaced.
#[must_use]
pub fn headers(headers: &HeaderMap) -> Value {
    let mut map = Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        push(&mut map, name.as_str(), value);
    }
    Value::Object(map)
}

/// The cookies that an answer sets, names with values alone (RFC 6265, 5.2); a repeated name gives a list.
#[must_use]
pub fn cookies(headers: &HeaderMap) -> Value {
    let mut map = Map::new();
    for value in headers.get_all(SET_COOKIE) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let pair = text.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            push(&mut map, name.trim(), value.trim().to_owned());
        }
    }
    Value::Object(map)
}

fn push(map: &mut Map, name: &str, value: String) {
    match map.get_mut(name) {
        None => {
            map.insert(name.to_owned(), value.into());
        }
        Some(Value::Array(values)) => values.push(value.into()),
        Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
    }
}
