//! The answer side: from the vendor's answer to what the application gets.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use leeward_expression::{Bindings, Expression};
use leeward_pagination::{Answer, CursorError, seal};
use serde_json::{Map, Value, json};

use crate::error::code;
use crate::evaluate::{Failed, Run, Stop};
use crate::failure::{Failure, answer_bindings, judge};
use crate::input::{self, List};
use crate::request::paging;
use crate::resources::Known;
use crate::{MappingError, OnItemError, Resources, Unified};

/// The most of a refusal's body that is passed on, in bytes.
pub(crate) const MAX_REFUSAL: usize = 64 << 10;

/// The vendor's answer.
#[derive(Debug, Clone)]
pub struct VendorAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body; null stands for an empty one.
    pub body: Value,
}

/// What the application gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// 200, 201 for create, 204 for delete.
    pub status: StatusCode,
    /// The envelope; null where there is no body. Its last member is `source`.
    pub body: Value,
}

impl Resources {
    /// The answer phase alone. `request` is the application's as expressions see it, `{id, query, headers, body,
    /// account}`: in a list, its `query.cursor` is the vendor's own position and its `query.limit` what the application
    /// wants at most.
    ///
    /// It evaluates expressions on the calling thread.
    ///
    /// # Errors
    /// A failure of the vendor's, an answer that the mapping cannot read, and pages that go in circles.
    pub fn response(
        &self,
        call: &Unified,
        vendor: &VendorAnswer,
        request: &Value,
        account: &Value,
    ) -> Result<Mapped, MappingError> {
        let known = self.find(call)?;
        let list = call
            .is_list()
            .then(|| List::at(call, account, &known.paging, request))
            .transpose()?;
        let body = Some(&vendor.body).filter(|body| !body.is_null());
        let told = Told {
            status: vendor.status,
            headers: &vendor.headers,
            raw: &body.map(ToString::to_string).unwrap_or_default().into(),
            failure: (!vendor.status.is_success()).then(|| Failure::of_status(vendor.status)),
        };
        let side = Side {
            resources: self,
            call,
            known,
            list: list.as_ref(),
            run: self.start(Stop::default()),
        };
        let bindings = input::bindings(request, account).map_err(|fault| told.failed(fault))?;
        side.map(&told, body, bindings)
    }
}

/// What came, beside the parsed body.
pub(crate) struct Told<'t> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'t HeaderMap,
    pub(crate) raw: &'t Bytes,
    /// What it is if the operation's `error` says nothing.
    pub(crate) failure: Option<Failure>,
}

impl Told<'_> {
    pub(crate) fn failed(&self, failed: Failed) -> MappingError {
        MappingError::ResponseFailed {
            code: failed.code,
            message: failed.message,
            vendor_status: self.status,
        }
    }

    pub(crate) fn refused(&self, failure: Failure) -> MappingError {
        MappingError::Upstream {
            status: failure.status,
            reason: failure.reason,
            message: failure.message,
            body: self.raw.slice(..self.raw.len().min(MAX_REFUSAL)),
            vendor_status: self.status,
            retry_after: self
                .headers
                .get(RETRY_AFTER)
                .and_then(|wait| Some(wait.to_str().ok()?.to_owned())),
        }
    }
}

/// The answer side of one call.
pub(crate) struct Side<'s> {
    pub(crate) resources: &'s Resources,
    pub(crate) call: &'s Unified,
    pub(crate) known: &'s Known,
    pub(crate) list: Option<&'s List>,
    pub(crate) run: Run,
}

impl Side<'_> {
    /// Judges an answer, and maps it. `body` is `None` for an empty one.
    pub(crate) fn map(
        &self,
        told: &Told<'_>,
        body: Option<&Value>,
        bindings: Bindings,
    ) -> Result<Mapped, MappingError> {
        let bindings = answer_bindings(bindings, self.known, told.status, told.headers, body)
            .map_err(|fault| told.failed(fault))?;
        let failure = judge(&self.run, self.known, told.status, body, &bindings)
            .map_err(|fault| told.failed(fault))?;
        if let Some(failure) = failure.or_else(|| told.failure.clone()) {
            return Err(told.refused(failure));
        }
        match (self.call.operation(), self.list) {
            (_, Some(list)) => self.page(told, body, &bindings, list),
            ("delete", _) => Ok(Mapped {
                status: StatusCode::NO_CONTENT,
                body: Value::Null,
            }),
            ("get", _) if body.is_none() => Err(told.refused(Failure {
                status: StatusCode::NOT_FOUND,
                reason: Some("not_found".to_owned()),
                message: Some("the vendor's answer is empty".to_owned()),
            })),
            (operation, _) => Ok(Mapped {
                status: match operation {
                    "create" => StatusCode::CREATED,
                    _ => StatusCode::OK,
                },
                body: json!({
                    "data": self.one(body, &bindings).map_err(|fault| told.failed(fault))?,
                    "source": "live",
                }),
            }),
        }
    }

    fn evaluate(
        &self,
        part: &str,
        expression: &Expression,
        input: Option<&Value>,
        bindings: &Bindings,
    ) -> Result<Option<Value>, Failed> {
        self.run
            .evaluate(expression, input, bindings)
            .map_err(|fault| fault.of(part))
    }

    /// A single record's answer.
    fn one(&self, body: Option<&Value>, bindings: &Bindings) -> Result<Value, Failed> {
        let operation = &self.known.operation;
        // A write may be answered by nothing; a read that finds nothing must not look like a record.
        let needed = |part: &str, value: Option<Value>| match value {
            Some(value) if !value.is_null() => Ok(value),
            _ if body.is_none() => Ok(Value::Null),
            _ => Err(Failed::new(code::NOTHING, "the result is nothing").of(part)),
        };
        if let Some(response) = &operation.response {
            let value = self.evaluate("response", response, body, bindings)?;
            return needed("response", value);
        }
        let picked = match &operation.record {
            Some(record) => Some(needed(
                "record",
                self.evaluate("record", record, body, bindings)?,
            )?),
            None => None,
        };
        let record = picked.as_ref().or(body);
        match &operation.item {
            Some(item) => needed("item", self.evaluate("item", item, record, bindings)?),
            None => Ok(record.cloned().unwrap_or_default()),
        }
    }

    /// A page of a list.
    fn page(
        &self,
        told: &Told<'_>,
        body: Option<&Value>,
        bindings: &Bindings,
        list: &List,
    ) -> Result<Mapped, MappingError> {
        let failed = |fault| told.failed(fault);
        let came = match body {
            Some(body) => self.came(body, bindings).map_err(failed)?,
            None => Came::default(),
        };
        let answer = Answer {
            count: came.records.len(),
            next: came.next,
            more: came.more,
        };
        let page = self.known.paging.read(&list.ask, answer).map_err(paging)?;
        let (data, errors) = self
            .items(came.records, page.records, bindings)
            .map_err(failed)?;
        let next = match &page.next {
            None => Value::Null,
            Some(next) => {
                let keys = &self.resources.settings().cursor_keys;
                seal(keys, next, &list.binding()).map_err(unsealed)?.into()
            }
        };
        let mut envelope = Map::new();
        envelope.insert("data".to_owned(), data.into());
        if !errors.is_empty() {
            envelope.insert("errors".to_owned(), errors.into());
        }
        envelope.insert("next_cursor".to_owned(), next);
        envelope.insert("source".to_owned(), "live".into());
        Ok(Mapped {
            status: StatusCode::OK,
            body: Value::Object(envelope),
        })
    }

    /// The vendor's records, and where its next page begins.
    fn came(&self, body: &Value, bindings: &Bindings) -> Result<Came, Failed> {
        let operation = &self.known.operation;
        let of_page = |part: &str, expression: Option<&Expression>| match expression {
            None => Ok(None),
            Some(expression) => self.evaluate(part, expression, Some(body), bindings),
        };
        let (part, expression) = match &operation.response {
            Some(response) => ("response", Some(response)),
            None => {
                let items = operation.items.as_ref();
                ("items", items.or_else(|| self.known.paging.items()))
            }
        };
        let found = match expression {
            Some(_) => of_page(part, expression)?,
            None => Some(body.clone()),
        };
        let records = match found {
            Some(Value::Array(records)) => records,
            Some(record @ Value::Object(_)) => vec![record],
            Some(Value::Null) => Vec::new(),
            // A renamed member must not look like an empty list.
            None => return Err(Failed::new(code::NOTHING, "the result is nothing").of(part)),
            Some(_) => {
                let message = "the result is neither a list nor an object nor null";
                return Err(Failed::new(code::TYPE, message).of(part));
            }
        };
        Ok(Came {
            records,
            next: of_page("next", self.known.paging.next())?,
            more: of_page("more", self.known.paging.more())?,
        })
    }

    /// Those of the vendor's records that belong to the page, as ours; and which could not be mapped.
    fn items(
        &self,
        records: Vec<Value>,
        page: std::ops::Range<usize>,
        bindings: &Bindings,
    ) -> Result<(Vec<Value>, Vec<Value>), Failed> {
        let operation = &self.known.operation;
        let (first, length) = (page.start, page.len());
        let records = records.into_iter().enumerate().skip(first).take(length);
        let item = match (&operation.item, &operation.response) {
            (Some(item), None) => item,
            _ => return Ok((records.map(|(_, record)| record).collect(), Vec::new())),
        };
        let (mut data, mut errors) = (Vec::with_capacity(length), Vec::new());
        for (index, record) in records {
            let mapped = match self.evaluate("item", item, Some(&record), bindings) {
                Ok(Some(mapped)) if !mapped.is_null() => Ok(mapped),
                Ok(_) => Err(Failed::new(code::NOTHING, "the result is nothing").of("item")),
                Err(failed) => Err(failed),
            };
            match mapped {
                Ok(mapped) => data.push(mapped),
                Err(failed)
                    if operation.on_item_error == OnItemError::Fail || failed.ends_page() =>
                {
                    return Err(failed);
                }
                Err(Failed { code, message }) => {
                    errors.push(json!({"index": index, "code": code, "message": message}));
                }
            }
        }
        Ok((data, errors))
    }
}

/// What a page's answer holds.
#[derive(Default)]
struct Came {
    records: Vec<Value>,
    next: Option<Value>,
    more: Option<Value>,
}

fn unsealed(error: CursorError) -> MappingError {
    MappingError::Pagination(error.to_string())
}
