//! The request side: from a unified request to the vendor's.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use leeward_expression::{Place, RenderFault, Rendered, Scope};
use leeward_pagination::PagingError;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::error::code;
use crate::evaluate::{Failed, Run, Stop};
use crate::input::{self, List};
use crate::resources::Known;
use crate::{BodyFormat, MappingError, Resources, Unified, encode, headers};

/// What a path's literal text may hold and a URI may not.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The vendor's request, as a mapping made it.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedRequest {
    /// The method.
    pub method: Method,
    /// The path below the provider's base, encoded.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The header fields that the mapping sets, and those of the body.
    pub headers: HeaderMap,
    /// The body; `None` is none.
    pub body: Option<Value>,
    /// How the body is written.
    pub body_format: BodyFormat,
    /// The body as it is sent.
    encoded: Bytes,
}

impl MappedRequest {
    /// Path and query as they are sent.
    #[must_use]
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, encode::query(&self.query))
    }

    /// The body as it is sent; empty if there is none.
    #[must_use]
    pub fn encoded_body(&self) -> Bytes {
        self.encoded.clone()
    }

    /// `{method, path, query, headers, body}`: a repeated name of the query holds a list.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut query = serde_json::Map::new();
        for (name, value) in &self.query {
            match query.get_mut(name) {
                None => {
                    query.insert(name.clone(), value.clone().into());
                }
                Some(Value::Array(values)) => values.push(value.clone().into()),
                Some(first) => *first = json!([first.take(), value]),
            }
        }
        json!({
            "method": self.method.as_str(),
            "path": self.path,
            "query": query,
            "headers": headers::to_json(&self.headers),
            "body": self.body,
        })
    }
}

impl Resources {
    /// The request phase alone: the vendor's request for a unified one. `call`'s cursor must be one that
    /// [`response`](Self::response) made; to give the vendor's own, use [`request_of`](Self::request_of).
    ///
    /// It evaluates expressions on the calling thread.
    ///
    /// # Errors
    /// A call for which there is no operation, a foreign cursor, a limit of 0, and what the mapping refuses.
    pub fn request(
        &self,
        call: &Unified,
        body: Option<Value>,
        headers: &HeaderMap,
        account: &Value,
    ) -> Result<MappedRequest, MappingError> {
        let known = self.find(call)?;
        let keys = &self.settings().cursor_keys;
        let list = call
            .is_list()
            .then(|| List::opened(call, "", account, &known.paging, keys))
            .transpose()?;
        let input = input::input(call, list.as_ref(), headers, body, account);
        self.fill(known, list.as_ref(), &input, account, Stop::default())
    }

    /// The request phase over an input as expressions see it, `{id, query, headers, body, account}`: in a list,
    /// `query.cursor` is the vendor's own position.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn request_of(&self, call: &Unified, input: &Value) -> Result<MappedRequest, MappingError> {
        let known = self.find(call)?;
        let account = input.get("account").unwrap_or(&Value::Null);
        let list = call
            .is_list()
            .then(|| List::at(call, account, &known.paging, input))
            .transpose()?;
        self.fill(known, list.as_ref(), input, account, Stop::default())
    }

    /// Evaluates the request side.
    pub(crate) fn fill(
        &self,
        known: &Known,
        list: Option<&List>,
        input: &Value,
        account: &Value,
        stop: Stop,
    ) -> Result<MappedRequest, MappingError> {
        let side = Side {
            run: self.start(stop),
            known,
            input,
            bindings: input::bindings(input, account).map_err(failed)?,
        };
        let mut query = side.query()?;
        if let Some(list) = list {
            let params = list.ask.params(&known.paging);
            for (name, value) in params.map_err(paging)? {
                query.retain(|(known, _)| known != name);
                query.push((name.to_owned(), value));
            }
        }
        let (body, encoded) = side.body()?;
        Ok(MappedRequest {
            method: known.method.clone(),
            path: side.path()?,
            query,
            headers: side.headers(body.is_some())?,
            body,
            body_format: known.operation.body_format,
            encoded,
        })
    }
}

pub(crate) fn failed(failed: Failed) -> MappingError {
    MappingError::RequestFailed {
        code: failed.code,
        message: failed.message,
    }
}

pub(crate) fn paging(error: PagingError) -> MappingError {
    MappingError::Pagination(error.to_string())
}

/// The request side of one call.
struct Side<'s> {
    run: Run,
    known: &'s Known,
    input: &'s Value,
    bindings: leeward_expression::Bindings,
}

impl Side<'_> {
    fn evaluate(
        &self,
        part: &str,
        expression: Option<&leeward_expression::Expression>,
    ) -> Result<Option<Value>, MappingError> {
        let Some(expression) = expression else {
            return Ok(None);
        };
        self.run
            .evaluate(expression, Some(self.input), &self.bindings)
            .map_err(|fault| failed(fault.of(part)))
    }

    fn path(&self) -> Result<String, MappingError> {
        let scope = Scope::of(self.input);
        let template = &self.known.operation.path;
        let text = match template.render(&scope, Place::PathSegment) {
            Ok(Rendered::Text(text)) => text,
            Ok(Rendered::Nothing { missing }) => return Err(lacking(&missing)),
            Err(RenderFault::Evaluation { fault, .. }) => {
                return Err(failed(Failed::from(fault).of("path")));
            }
            Err(fault @ RenderFault::Refused { .. }) => {
                return Err(unfit(fault.names()));
            }
        };
        let refused = |character: char| "?#\\".contains(character) || character.is_control();
        if !text.starts_with('/') || text.contains(refused) {
            let message = "it must begin with `/` and hold no `?`, `#`, `\\` or control character";
            return Err(failed(Failed::new(code::PATH, message).of("path")));
        }
        Ok(utf8_percent_encode(&text, NOT_IN_PATH).to_string())
    }

    fn query(&self) -> Result<Vec<(String, String)>, MappingError> {
        let operation = &self.known.operation;
        match self.evaluate("query", operation.query.as_ref())? {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(value) => encode::pairs(value, operation.list_style)
                .map_err(|fault| failed(fault.of("query"))),
        }
    }

    fn headers(&self, has_body: bool) -> Result<HeaderMap, MappingError> {
        let mut fields = HeaderMap::new();
        fields.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if has_body {
            let kind = match self.known.operation.body_format {
                BodyFormat::Json => "application/json",
                BodyFormat::Form => "application/x-www-form-urlencoded",
            };
            fields.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        match self.evaluate("headers", self.known.operation.headers.as_ref())? {
            None | Some(Value::Null) => {}
            Some(value) => headers::set(&mut fields, value)?,
        }
        Ok(fields)
    }

    fn body(&self) -> Result<(Option<Value>, Bytes), MappingError> {
        let operation = &self.known.operation;
        let Some(value) = self.evaluate("body", operation.body.as_ref())? else {
            return Ok((None, Bytes::new()));
        };
        let encoded = match operation.body_format {
            BodyFormat::Json => serde_json::to_vec(&value)
                .map_err(|error| failed(Failed::new(code::INTERNAL, error.to_string())))?,
            BodyFormat::Form => {
                let pairs = encode::pairs(value.clone(), operation.list_style)
                    .map_err(|fault| failed(fault.of("body")))?;
                encode::query(&pairs).into_bytes()
            }
        };
        Ok((Some(value), encoded.into()))
    }
}

/// Names that have no value: the account's fault where one of them is the account's, else the request's.
fn lacking(names: &[String]) -> MappingError {
    let missing: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(of_account)
        .collect();
    if missing.is_empty() {
        return MappingError::InvalidRequest(format!("the path needs {}", names.join(", ")));
    }
    MappingError::AccountIncomplete {
        missing: missing.join(", "),
    }
}

/// Names of which one has a value that cannot stand in the path: the account's fault if only the account is asked.
fn unfit(names: &[String]) -> MappingError {
    let names_or = names.join(" or ");
    if !names.is_empty()
        && names
            .iter()
            .map(String::as_str)
            .all(|name| of_account(&name))
    {
        return MappingError::AccountIncomplete {
            missing: format!("a {names_or} that can stand in a path"),
        };
    }
    MappingError::InvalidRequest(format!("{names_or} cannot stand in the path"))
}

fn of_account(name: &&str) -> bool {
    name.strip_prefix("account")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
