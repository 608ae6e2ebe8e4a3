//! What can be done to a resource, as data.

use http::Method;
use leeward_expression::{Expression, Template};
use leeward_pagination::Paging;

/// One operation: one call to the vendor, with a mapping on each side.
///
/// The request side (`path`, `query`, `headers`, `body`) sees `{id, query, headers, body, account}`, also as `$request`,
/// and `$account`. The answer side (`items`, `item`, `response`, `record`, the paging's and the error's expressions)
/// sees the vendor's body (`item` one record of it), `$request`, `$response` (`{status, headers, body}`) and
/// `$account`. `$steps` is an empty object in this version.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The vendor's method; by default GET for list and get, PATCH for update, DELETE for delete, else POST.
    pub method: Option<Method>,
    /// The vendor's path, a template over the request.
    pub path: Template,
    /// The provider's base that the path is appended to, if not its first.
    pub base: Option<String>,
    /// Gives the vendor's query, an object.
    pub query: Option<Expression>,
    /// Gives further header fields, an object.
    pub headers: Option<Expression>,
    /// Gives the vendor's body. Left out: no body.
    pub body: Option<Expression>,
    /// How that body is written.
    pub body_format: BodyFormat,
    /// How a list in the query, or in a form, is written.
    pub list_style: ListStyle,
    /// The records of a page, in place of the paging's own.
    pub items: Option<Expression>,
    /// One of our records of one of the vendor's.
    pub item: Option<Expression>,
    /// The records, or the answer itself; then `item`, `items` and `record` are not looked at.
    pub response: Option<Expression>,
    /// Of a single record's answer: what `item` sees.
    pub record: Option<Expression>,
    /// What becomes of a page of which one record cannot be mapped.
    pub on_item_error: OnItemError,
    /// How a list is paged; left out: all comes at once, and is cut into pages here.
    pub paging: Option<Paging>,
    /// The vendor's failures.
    pub error: ErrorTest,
    /// Whether it may be sent twice; by default: list, get, and what has an idempotent method otherwise.
    pub idempotent: Option<bool>,
}

impl Operation {
    /// An operation at this path, all else left out.
    #[must_use]
    pub fn new(path: Template) -> Self {
        Self {
            method: None,
            path,
            base: None,
            query: None,
            headers: None,
            body: None,
            body_format: BodyFormat::default(),
            list_style: ListStyle::default(),
            items: None,
            item: None,
            response: None,
            record: None,
            on_item_error: OnItemError::default(),
            paging: None,
            error: ErrorTest::default(),
            idempotent: None,
        }
    }

    /// The answer side's expressions.
    fn answer_side(&self) -> impl Iterator<Item = &Expression> {
        let paging = self.paging.as_ref();
        [
            self.items.as_ref(),
            self.item.as_ref(),
            self.response.as_ref(),
            self.record.as_ref(),
            paging.and_then(Paging::items),
            paging.and_then(Paging::next),
            paging.and_then(Paging::more),
            self.error.when.as_ref(),
            self.error.status.as_ref(),
            self.error.reason.as_ref(),
            self.error.message.as_ref(),
        ]
        .into_iter()
        .flatten()
    }

    /// Whether the answer side may read `$response`, which holds a copy of the whole answer.
    pub(crate) fn reads_response(&self) -> bool {
        self.answer_side().any(|expression| {
            let source = expression.source();
            source.contains("$response") || source.contains("$eval")
        })
    }
}

/// How a body is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BodyFormat {
    /// `application/json`.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// How a list in a query is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListStyle {
    /// `a=1&a=2`.
    #[default]
    Repeat,
    /// `a=1,2`.
    Comma,
    /// `a[]=1&a[]=2`.
    Brackets,
}

/// What becomes of a page of which one record cannot be mapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnItemError {
    /// It fails whole.
    #[default]
    Fail,
    /// The record is reported in `errors`, beside the good ones.
    Skip,
}

/// How the vendor's failures are told, and what they mean.
#[derive(Debug, Clone, Default)]
pub struct ErrorTest {
    /// true on a 2xx makes it a failure.
    pub when: Option<Expression>,
    /// The status, 400 to 599; by default 502 for a failure in a 2xx, else the vendor's own.
    pub status: Option<Expression>,
    /// Why, in a word.
    pub reason: Option<Expression>,
    /// What the vendor says, for people.
    pub message: Option<Expression>,
}

impl ErrorTest {
    /// Whether it reads an answer's body at all.
    pub(crate) fn reads(&self) -> bool {
        [&self.when, &self.status, &self.reason, &self.message]
            .iter()
            .any(|expression| expression.is_some())
    }
}
