//! What is judged, and whose it is.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::format::{Moment, http_date, nanos, readable};
use crate::look::Look;

/// A vendor's answer, with what is known of the request that it answers.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The vendor's status.
    pub status: StatusCode,
    /// The vendor's header fields.
    pub headers: &'a HeaderMap,
    /// What was read of the body; `None` if nothing was.
    pub body: Option<&'a Look>,
    /// The method of the request.
    pub method: &'a Method,
    /// The path of the request, without its query.
    pub path: &'a str,
}

/// What an expression or a time zone may ask of the account that a request is for.
///
/// Asked only when a rule needs it. `()` is no account; a `Value` is `{id, vars}` itself.
pub trait AccountFacts: Send + Sync {
    /// `{"id": …, "vars": {…}}`, without any secret: what an expression sees as `$account`.
    fn account(&self) -> Value;
}

impl AccountFacts for () {
    fn account(&self) -> Value {
        Value::Null
    }
}

impl AccountFacts for Value {
    fn account(&self) -> Value {
        self.clone()
    }
}

impl<T: AccountFacts + ?Sized> AccountFacts for Arc<T> {
    fn account(&self) -> Value {
        (**self).account()
    }
}

/// The vendor's clock counts if it is no further off than this.
const MOST_SKEW: i128 = 24 * 60 * 60 * 1_000_000_000;

/// An answer under judgement: what is costly is made once, and only if asked for.
pub(crate) struct Context<'a> {
    pub(crate) answer: &'a Answer<'a>,
    facts: &'a dyn AccountFacts,
    pub(crate) now: SystemTime,
    account: OnceCell<Value>,
    input: OnceCell<Value>,
    vendor_now: OnceCell<i128>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        answer: &'a Answer<'a>,
        facts: &'a dyn AccountFacts,
        now: SystemTime,
    ) -> Self {
        Self {
            answer,
            facts,
            now,
            account: OnceCell::new(),
            input: OnceCell::new(),
            vendor_now: OnceCell::new(),
        }
    }

    pub(crate) fn account(&self) -> &Value {
        self.account.get_or_init(|| self.facts.account())
    }

    /// `{status, headers, body, request: {method, path}}`.
    pub(crate) fn input(&self) -> &Value {
        self.input.get_or_init(|| {
            let answer = self.answer;
            let mut input = json!({
                "status": answer.status.as_u16(),
                "headers": headers(answer.headers),
                "request": {"method": answer.method.as_str(), "path": answer.path},
            });
            let body = answer.body.and_then(Look::value);
            if let (Some(body), Value::Object(input)) = (body, &mut input) {
                input.insert("body".to_owned(), body.into_owned());
            }
            input
        })
    }

    /// Nanoseconds since 1970 by the vendor's `Date`, so that a skewed clock costs nothing; by
    /// ours where that is absent or more than 24 h away.
    pub(crate) fn vendor_now(&self) -> i128 {
        *self.vendor_now.get_or_init(|| {
            let ours = nanos(self.now);
            let date = self.answer.headers.get(http::header::DATE);
            match date.and_then(|date| http_date(readable(date.as_bytes())?)) {
                Some(Moment::At(date)) if (date.saturating_sub(ours)).abs() <= MOST_SKEW => date,
                _ => ours,
            }
        })
    }
}

/// Names in lower case, a repeated name a list.
fn headers(headers: &HeaderMap) -> Value {
    let text = |value: &http::HeaderValue| {
        Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let fields = headers.keys().map(|name| {
        let mut values: Vec<_> = headers.get_all(name).iter().map(text).collect();
        let value = match (values.pop(), values.is_empty()) {
            (Some(one), true) => one,
            (last, _) => {
                values.extend(last);
                Value::Array(values)
            }
        };
        (name.as_str().to_owned(), value)
    });
    Value::Object(fields.collect::<Map<_, _>>())
}
