//! One unified call, as the application's path says it.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::ParseError;

/// All but the unreserved characters of RFC 3986, 2.3.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What concerns the page and not the list: a cursor is bound to the rest of the query.
const PAGE_PARAMS: [&str; 3] = ["limit", "cursor", "source"];

/// One unified call: what is to be done to which resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Unified {
    resource: String,
    operation: String,
    /// Whether the operation is one at all, rather than a method that means nothing at this path.
    known: bool,
    id: Option<String>,
    query: Map<String, Value>,
}

impl Unified {
    /// From what follows `/unified/` in the target, still encoded (`crm/contacts/17?limit=2`), and the method.
    ///
    /// | method | `MODEL/RESOURCE` | `…/ID` | `…/ID/OPERATION` |
    /// | --- | --- | --- | --- |
    /// | GET, HEAD | list | get | |
    /// | POST | create | an operation named so | an operation named so |
    /// | PATCH | | update | |
    /// | DELETE | | delete | |
    ///
    /// Another method is parsed, too: no provider has an operation for it.
    ///
    /// # Errors
    /// A path that is no resource's, and broken encodings.
    pub fn parse(rest: &str, method: &Method) -> Result<Self, ParseError> {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, query),
            None => (rest, ""),
        };
        let segments = path
            .split('/')
            .map(segment)
            .collect::<Result<Vec<_>, _>>()?;
        let query = parse_query(query)?;
        let (model, name, behind) = match segments.as_slice() {
            [model, name, behind @ ..] if behind.len() <= 2 => (model, name, behind),
            _ => return Err(ParseError::Shape),
        };
        let named = match (method, behind) {
            (&Method::GET | &Method::HEAD, []) => Some(("list", None)),
            (&Method::GET | &Method::HEAD, [id]) => Some(("get", Some(id))),
            (&Method::POST, []) => Some(("create", None)),
            (&Method::POST, [operation]) => Some((operation.as_str(), None)),
            (&Method::POST, [id, operation]) => Some((operation.as_str(), Some(id))),
            (&Method::PATCH, [id]) => Some(("update", Some(id))),
            (&Method::DELETE, [id]) => Some(("delete", Some(id))),
            _ => None,
        };
        // `POST …/ID/get` is no second way to read.
        let named = named.filter(|(operation, _)| {
            *method != Method::POST || behind.is_empty() || !is_standard(operation)
        });
        let (operation, id) = named.unwrap_or((method.as_str(), behind.first()));
        Ok(Self {
            resource: format!("{model}/{name}"),
            known: named.is_some(),
            operation: operation.to_owned(),
            id: id.cloned(),
            query,
        })
    }

    /// A call that comes from no path: of a test of a mapping, or of a pass over a list.
    #[must_use]
    pub fn new(
        resource: &str,
        operation: &str,
        id: Option<&str>,
        query: Map<String, Value>,
    ) -> Self {
        Self {
            resource: resource.to_owned(),
            operation: operation.to_owned(),
            known: true,
            id: id.map(str::to_owned),
            query,
        }
    }

    /// `model/resource`.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// `list`, `get`, `create`, `update`, `delete`, or a name of the user's own; the method where it means nothing at
    /// this path.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The record's id, decoded.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The query, decoded; a repeated name holds a list.
    #[must_use]
    pub fn query(&self) -> &Map<String, Value> {
        &self.query
    }

    /// Path and query in one form, whatever the order of the query's names and the spelling of their encoding.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = self.resource.clone();
        if let Some(id) = &self.id {
            target.push('/');
            target.extend(utf8_percent_encode(id, RESERVED));
        }
        if !is_standard(&self.operation) {
            target.push('/');
            target.extend(utf8_percent_encode(&self.operation, RESERVED));
        }
        let query = self.canonical_query(&[]);
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        target
    }

    /// Whether it only reads: list and get.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.is_list() || self.operation == "get"
    }

    pub(crate) fn is_list(&self) -> bool {
        self.operation == "list"
    }

    /// Whether a resource may have such an operation.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    /// What a cursor of this list is bound to.
    pub(crate) fn list_query(&self) -> String {
        self.canonical_query(&PAGE_PARAMS)
    }

    fn canonical_query(&self, without: &[&str]) -> String {
        let mut names: Vec<_> = self
            .query
            .iter()
            .filter(|(name, _)| !without.contains(&name.as_str()))
            .collect();
        names.sort_by_key(|(name, _)| name.as_str());
        let mut out = String::new();
        for (name, value) in names {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                value => std::slice::from_ref(value),
            };
            for value in values {
                if !out.is_empty() {
                    out.push('&');
                }
                out.extend(utf8_percent_encode(name, RESERVED));
                out.push('=');
                match value {
                    Value::String(text) => out.extend(utf8_percent_encode(text, RESERVED)),
                    other => out.extend(utf8_percent_encode(&other.to_string(), RESERVED)),
                }
            }
        }
        out
    }
}

fn is_standard(operation: &str) -> bool {
    ["list", "get", "create", "update", "delete"].contains(&operation)
}

fn segment(raw: &str) -> Result<String, ParseError> {
    let text = decode(raw, "path")?;
    match text.split(';').next().unwrap_or_default() {
        _ if text.is_empty() => Err(ParseError::Empty),
        "." | ".." => Err(ParseError::Dots),
        _ => Ok(text),
    }
}

fn parse_query(raw: &str) -> Result<Map<String, Value>, ParseError> {
    let mut query = Map::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(&name.replace('+', " "), "query")?;
        let value = Value::String(decode(&value.replace('+', " "), "query")?);
        match query.entry(name) {
            serde_json::map::Entry::Vacant(entry) => {
                entry.insert(value);
            }
            serde_json::map::Entry::Occupied(mut entry) => match entry.get_mut() {
                Value::Array(values) => values.push(value),
                first => {
                    let first = first.take();
                    entry.insert(Value::Array(vec![first, value]));
                }
            },
        }
    }
    Ok(query)
}

fn decode(raw: &str, of: &'static str) -> Result<String, ParseError> {
    let bytes = raw.as_bytes();
    let broken = bytes.iter().enumerate().any(|(at, byte)| {
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        *byte == b'%' && !(digit(at + 1) && digit(at + 2))
    });
    if broken {
        return Err(ParseError::Encoding(of));
    }
    let text = percent_decode_str(raw).decode_utf8();
    Ok(text.map_err(|_| ParseError::Encoding(of))?.into_owned())
}
