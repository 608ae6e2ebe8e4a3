//! Fields put into bodies and queries, with the rest left as it is.

use bytes::Bytes;
use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use crate::Map;
use crate::params::{encode_fields, form_encode};

/// Sets members of a JSON object; `None` if the body is none. Other members keep their bytes.
pub(crate) fn merge_json(body: &Bytes, fields: &Map) -> Option<Bytes> {
    let mut members: IndexMap<String, Box<RawValue>> = serde_json::from_slice(body).ok()?;
    for (name, value) in fields {
        members.insert(name.clone(), serde_json::value::to_raw_value(value).ok()?);
    }
    serde_json::to_vec(&members).ok().map(Bytes::from)
}

/// Sets fields of a form; `None` if the body is not text.
pub(crate) fn merge_form(body: &Bytes, fields: &Map) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    let mut pairs: Vec<&str> = without(text, &names).collect();
    let added = encode_fields(fields, form_encode);
    pairs.push(&added);
    Some(pairs.join("&").into())
}

/// The pairs of a query or form but for those of the given names.
pub(crate) fn without<'q>(query: &'q str, names: &[&str]) -> impl Iterator<Item = &'q str> {
    query.split('&').filter(move |pair| {
        let name = pair.split('=').next().unwrap_or(pair).replace('+', " ");
        let name = percent_decode_str(&name).decode_utf8_lossy();
        !pair.is_empty() && !names.contains(&&*name)
    })
}
