//! Which header fields expressions see, set, and leave behind.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::MappingError;
use crate::encode::scalar;
use crate::error::code;
use crate::evaluate::Failed;

/// What a mapping cannot set: hop-by-hop fields (RFC 9110, 7.6.1), what frames the message or names its target, and what
/// auth applies.
fn is_forbidden(name: &HeaderName) -> bool {
    const FORBIDDEN: [&str; 13] = [
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    ];
    let name = name.as_str();
    FORBIDDEN.contains(&name) || name.starts_with("proxy-") || name.starts_with("leeward-")
}

/// What may hold a secret, and is shown to no expression.
fn is_secret(name: &HeaderName) -> bool {
    const SECRET: [HeaderName; 5] = [
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
        header::COOKIE,
        header::SET_COOKIE,
        header::PROXY_AUTHENTICATE,
    ];
    SECRET.contains(name) || name.as_str().starts_with("leeward-")
}

/// The fields as expressions see them: names in lower case, a repeated one a list.
pub(crate) fn to_json(headers: &HeaderMap) -> Value {
    let mut fields = Map::new();
    for name in headers.keys().filter(|name| !is_secret(name)) {
        let mut values: Vec<Value> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into())
            .collect();
        let value = match values.len() {
            1 => values.remove(0),
            _ => Value::Array(values),
        };
        fields.insert(name.as_str().to_owned(), value);
    }
    Value::Object(fields)
}

/// Sets what the mapping's `headers` gave.
pub(crate) fn set(headers: &mut HeaderMap, value: Value) -> Result<(), MappingError> {
    let failed = |failed: Failed| {
        let Failed { code, message } = failed.of("headers");
        MappingError::RequestFailed { code, message }
    };
    let Value::Object(fields) = value else {
        return Err(failed(Failed::new(
            code::TYPE,
            "the result is not an object",
        )));
    };
    for (name, value) in fields {
        let field = HeaderName::try_from(name.as_str()).map_err(|_| {
            failed(Failed::new(
                code::HEADER,
                format!("{name:?} is no field name"),
            ))
        })?;
        if is_forbidden(&field) {
            let message = format!("a mapping cannot set {name:?}");
            return Err(failed(Failed::new(code::HEADER, message)));
        }
        let values = match &value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        headers.remove(&field);
        for value in values {
            let Some(text) = scalar(&name, value).map_err(failed)? else {
                continue;
            };
            // Its text comes from the application, mostly.
            let value = HeaderValue::try_from(text).map_err(|_| {
                MappingError::InvalidRequest(format!(
                    "what the header {name:?} was to hold has a control character"
                ))
            })?;
            headers.append(&field, value);
        }
    }
    Ok(())
}

/// What of the vendor's head the application gets: how long the answer may be kept, how old it is, and what is left of a
/// quota. All else is about the vendor's own representation.
pub(crate) fn answered(from: &HeaderMap) -> HeaderMap {
    const KEPT: [HeaderName; 5] = [
        header::CACHE_CONTROL,
        header::AGE,
        header::DATE,
        HeaderName::from_static("ratelimit"),
        HeaderName::from_static("ratelimit-policy"),
    ];
    let mut headers = HeaderMap::new();
    for name in KEPT {
        for value in from.get_all(&name) {
            headers.append(&name, value.clone());
        }
    }
    headers
}
