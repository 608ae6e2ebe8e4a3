//! A credential ready to be put on requests.

use std::fmt;

use bytes::Bytes;
use http::header::HeaderName;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri, request};
use serde_json::Value;

use crate::Map;
use crate::merge::{merge_form, merge_json, without};
use crate::params::{as_text, query_encode};

/// What goes on a request: made once per token, put on many. `Debug` shows names, never a value.
#[derive(Clone, Default)]
pub struct Prepared {
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Names as they are, with what stands in the query for them, encoded.
    query: Vec<(String, String)>,
    body: Map,
}

impl Prepared {
    pub(crate) fn set_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.push((name, value));
    }

    pub(crate) fn add_query(&mut self, name: &str, value: &Value) {
        let pair = format!("{}={}", query_encode(name), query_encode(&as_text(value)));
        self.query.push((name.to_owned(), pair));
    }

    pub(crate) fn set_body(&mut self, name: &str, value: Value) {
        self.body.insert(name.to_owned(), value);
    }

    /// Whether it puts nothing anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.query.is_empty() && self.body.is_empty()
    }

    /// The names of the headers that it sets.
    pub fn header_names(&self) -> impl Iterator<Item = &HeaderName> {
        self.headers.iter().map(|(name, _)| name)
    }

    /// Sets headers and parameters; what the caller had set under the same names gives way. All else of the URI stays as it
    /// is, byte for byte.
    pub fn apply_head(&self, head: &mut request::Parts) {
        for (name, value) in &self.headers {
            head.headers.insert(name.clone(), value.clone());
        }
        if !self.query.is_empty()
            && let Some(uri) = self.with_query(&head.uri)
        {
            head.uri = uri;
        }
    }

    /// Writes headers and query parameters onto a request in place.
    pub fn apply<B>(&self, request: &mut http::Request<B>) {
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        if !self.query.is_empty()
            && let Some(uri) = self.with_query(request.uri())
        {
            *request.uri_mut() = uri;
        }
    }

    fn with_query(&self, uri: &Uri) -> Option<Uri> {
        let names: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        let mut target = String::from(uri.path());
        let mut separator = '?';
        let kept = without(uri.query().unwrap_or_default(), &names);
        for pair in kept.chain(self.query.iter().map(|(_, pair)| pair.as_str())) {
            target.push(separator);
            target.push_str(pair);
            separator = '&';
        }
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::from(target)).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// Whether a body of this content type must be held, so that [`merge_body`](Self::merge_body) can change it.
    #[must_use]
    pub fn wants_body(&self, content_type: Option<&str>) -> bool {
        !self.body.is_empty() && (is_json(content_type) || is_form(content_type))
    }

    /// The body with the credential merged in: a member of a JSON object, a field of a form. What else is in it stays as it
    /// is. `None`: it passes unchanged. The caller sets `Content-Length`.
    #[must_use]
    pub fn merge_body(&self, content_type: Option<&str>, body: &Bytes) -> Option<Bytes> {
        if self.body.is_empty() {
            None
        } else if is_json(content_type) {
            merge_json(body, &self.body)
        } else if is_form(content_type) {
            merge_form(body, &self.body)
        } else {
            None
        }
    }
}

fn essence(content_type: Option<&str>) -> String {
    let full = content_type.unwrap_or_default();
    full.split(';')
        .next()
        .unwrap_or(full)
        .trim()
        .to_ascii_lowercase()
}

fn is_json(content_type: Option<&str>) -> bool {
    let essence = essence(content_type);
    essence == "application/json" || essence.ends_with("+json")
}

fn is_form(content_type: Option<&str>) -> bool {
    essence(content_type) == "application/x-www-form-urlencoded"
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("headers", &self.header_names().collect::<Vec<_>>())
            .field(
                "query",
                &self.query.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .field("body", &self.body.keys().collect::<Vec<_>>())
            .finish()
    }
}
