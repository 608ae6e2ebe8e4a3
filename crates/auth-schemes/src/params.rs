//! The fields of a token request.

use std::borrow::Cow;

use indexmap::IndexMap;
use leeward_expression::{RenderFault, Scope, Template};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::Map;

/// Fields by name. `None` takes away a field that the type would send.
pub type Params = IndexMap<String, Option<Tree>>;

/// A value with templates in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A text; one that is a single template keeps the value's type.
    Template(Template),
    /// A number, a truth value or null.
    Value(Value),
    /// A list; an item without a value falls away.
    List(Vec<Tree>),
    /// An object; a member without a value falls away.
    Object(IndexMap<String, Tree>),
}

impl Tree {
    /// The value; `None` if it is a template without one.
    ///
    /// # Errors
    /// An expression that fails.
    pub fn resolve(&self, scope: &Scope<'_>) -> Result<Option<Value>, RenderFault> {
        Ok(Some(match self {
            Self::Template(template) => return template.value(scope),
            Self::Value(value) => value.clone(),
            Self::List(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| item.resolve(scope)).collect();
                items?.into_iter().flatten().collect()
            }
            Self::Object(members) => {
                let mut object = Map::new();
                for (name, member) in members {
                    if let Some(value) = member.resolve(scope)? {
                        object.insert(name.clone(), value);
                    }
                }
                Value::Object(object)
            }
        }))
    }

    /// All templates in it.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Template(template) => vec![template],
            Self::Value(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members.values().flat_map(Self::templates).collect(),
        }
    }
}

/// What the form serializer of the URL standard leaves as it is, with the space that becomes `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b' ');
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes for `application/x-www-form-urlencoded`.
pub(crate) fn form_encode(text: &str) -> String {
    utf8_percent_encode(text, FORM)
        .to_string()
        .replace(' ', "+")
}

/// Encodes for a query.
pub(crate) fn query_encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// `a=1&b=2`; a list is a field for each of its items, null is none.
pub(crate) fn encode_fields(fields: &Map, encode: fn(&str) -> String) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        for item in items.iter().filter(|item| !item.is_null()) {
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(&encode(name));
            out.push('=');
            out.push_str(&encode(&as_text(item)));
        }
    }
    out
}

/// A string itself, anything else as compact JSON.
pub(crate) fn as_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}
