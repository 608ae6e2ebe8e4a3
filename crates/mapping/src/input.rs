//! What the expressions of a call see, and which page of a list it is for.

use http::HeaderMap;
use leeward_expression::Bindings;
use leeward_pagination::{Ask, Binding, CursorKeys, Paging, Position, open};
use serde_json::{Map, Value};

use crate::error::code;
use crate::evaluate::Failed;
use crate::{MappingError, Unified, headers};

/// Which page of which list.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) ask: Ask,
    provider: String,
    account: String,
    resource: String,
    query: String,
}

impl List {
    pub(crate) fn new(call: &Unified, provider: &str, account: &Value, ask: Ask) -> Self {
        let account = account.get("id").and_then(Value::as_str);
        Self {
            ask,
            provider: provider.to_owned(),
            account: account.unwrap_or_default().to_owned(),
            resource: call.resource().to_owned(),
            query: call.list_query(),
        }
    }

    /// Opens the call's cursor.
    pub(crate) fn opened(
        call: &Unified,
        provider: &str,
        account: &Value,
        paging: &Paging,
        keys: &CursorKeys,
    ) -> Result<Self, MappingError> {
        let limit = limit(call.query().get("limit"))?;
        let mut list = Self::new(call, provider, account, paging.ask(None, limit));
        if let Some(cursor) = call.query().get("cursor") {
            let foreign = || {
                MappingError::InvalidRequest(
                    "`cursor` is not one that this list gave for this account and query".to_owned(),
                )
            };
            let text = cursor.as_str().ok_or_else(foreign)?;
            let position = open(keys, text, &list.binding()).map_err(|_| foreign())?;
            list.ask = paging.ask(Some(&position), limit);
        }
        Ok(list)
    }

    /// The page that begins at the vendor's own position, as an input's `query` names it.
    pub(crate) fn at(
        call: &Unified,
        account: &Value,
        paging: &Paging,
        input: &Value,
    ) -> Result<Self, MappingError> {
        let query = input.get("query");
        let limit = limit(query.and_then(|query| query.get("limit")))?;
        let cursor = query.and_then(|query| query.get("cursor"));
        let position = cursor
            .filter(|cursor| !cursor.is_null())
            .map(|cursor| Position::at(Some(cursor.clone())));
        Ok(Self::new(
            call,
            "",
            account,
            paging.ask(position.as_ref(), limit),
        ))
    }

    pub(crate) fn binding(&self) -> Binding<'_> {
        Binding {
            provider: &self.provider,
            account: &self.account,
            resource: &self.resource,
            query: &self.query,
        }
    }
}

/// The application's limit: 1 or more.
fn limit(value: Option<&Value>) -> Result<Option<u32>, MappingError> {
    let parsed = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().ok()
        }
        Some(Value::Number(number)) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        Some(_) => None,
    };
    match parsed {
        Some(limit) if limit > 0 => Ok(Some(limit)),
        _ => Err(MappingError::InvalidRequest(format!(
            "`limit` is a whole number from 1 to {}",
            u32::MAX
        ))),
    }
}

/// `{id, query, headers, body, account}`: what has no value is left out. In a list `query.cursor` and `query.limit` are
/// the vendor's own position and size.
pub(crate) fn input(
    call: &Unified,
    list: Option<&List>,
    fields: &HeaderMap,
    body: Option<Value>,
    account: &Value,
) -> Value {
    let mut query = call.query().clone();
    if let Some(list) = list {
        query.shift_remove("cursor");
        query.shift_remove("limit");
        if let Some(position) = &list.ask.position {
            query.insert("cursor".to_owned(), position.clone());
        }
        if let Some(size) = list.ask.size {
            query.insert("limit".to_owned(), size.into());
        }
    }
    let mut input = Map::new();
    if let Some(id) = call.id() {
        input.insert("id".to_owned(), id.into());
    }
    input.insert("query".to_owned(), Value::Object(query));
    input.insert("headers".to_owned(), headers::to_json(fields));
    if let Some(body) = body {
        input.insert("body".to_owned(), body);
    }
    input.insert("account".to_owned(), account.clone());
    Value::Object(input)
}

/// `$request`, `$account`, `$steps`.
pub(crate) fn bindings(request: &Value, account: &Value) -> Result<Bindings, Failed> {
    Bindings::new()
        .with("request", request.clone())
        .and_then(|bindings| bindings.with("account", account.clone()))
        .and_then(|bindings| bindings.with("steps", Value::Object(Map::new())))
        .map_err(|error| Failed::new(code::INTERNAL, error.to_string()))
}
