//! What can go wrong, told apart by what an answer to the application needs.

use bytes::Bytes;
use http::StatusCode;
use thiserror::Error;

/// An error of a body, or any other.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a request's path is no unified call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// There are not both a model and a resource, or there is more than an id and an operation behind them.
    #[error("the path is not MODEL/RESOURCE[/ID][/OPERATION]")]
    Shape,
    /// A segment is empty: an empty id must not turn a `get` into a `list`.
    #[error("the path holds an empty segment")]
    Empty,
    /// A segment is `.` or `..` once it is decoded.
    #[error("the path holds a segment `.` or `..`")]
    Dots,
    /// A percent-encoding is broken, or gives no UTF-8.
    #[error("the {0} is not percent-encoded UTF-8")]
    Encoding(&'static str),
}

/// Why a unified call was not answered by the vendor's own words in our shape.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MappingError {
    /// No resource has this name.
    #[error("no resource {0:?}")]
    UnknownResource(String),
    /// The resource has no such operation.
    #[error("{resource} has no operation {operation:?}")]
    UnsupportedOperation {
        /// The resource.
        resource: String,
        /// What was asked for.
        operation: String,
        /// The HTTP methods that the resource has at this path, for `Allow`.
        allow: Vec<String>,
    },
    /// The application's request is malformed: its cursor, its limit, its body, or what a path or header was to hold.
    #[error("{0}")]
    InvalidRequest(String),
    /// The application's body is larger than `max_buffer`.
    #[error("the request's body is larger than {limit} bytes")]
    RequestTooLarge {
        /// `max_buffer`, in bytes.
        limit: usize,
    },
    /// The vendor's body is larger than `max_buffer`.
    #[error("the vendor's answer is larger than {limit} bytes")]
    ResponseTooLarge {
        /// `max_buffer`, in bytes.
        limit: usize,
        /// The vendor's status.
        vendor_status: StatusCode,
    },
    /// The application's body broke off.
    #[error("the request's body broke off")]
    RequestBody {
        /// What the body said.
        source: BoxError,
    },
    /// The vendor's body broke off.
    #[error("the vendor's answer broke off")]
    ResponseBody {
        /// The vendor's status.
        vendor_status: StatusCode,
        /// What the body said.
        source: BoxError,
    },
    /// The request side of the mapping failed.
    #[error("the mapping of the request failed: {message} ({code})")]
    RequestFailed {
        /// JSONata's code, or one of ours (`wrong_type`, `nothing`, `header`, `path`, …).
        code: String,
        /// What failed, in words. It may quote a value of the request.
        message: String,
    },
    /// The answer side of the mapping failed.
    #[error("the mapping of the answer failed: {message} ({code})")]
    ResponseFailed {
        /// JSONata's code, or one of ours (`wrong_type`, `nothing`, `not_json`, `page_time`, …).
        code: String,
        /// What failed, in words. It may quote a value of the answer.
        message: String,
        /// The vendor's status.
        vendor_status: StatusCode,
    },
    /// The vendor refused, be it in a 200.
    #[error("the vendor refused with {status}{}", message.as_deref().map(|m| format!(": {m}")).unwrap_or_default())]
    Upstream {
        /// What it counts as: 400 to 599.
        status: StatusCode,
        /// Why, in a word that does not depend on the vendor (`not_found`, `conflict`, …).
        reason: Option<String>,
        /// What the vendor says, for people.
        message: Option<String>,
        /// The vendor's body, up to 64 KiB of it.
        body: Bytes,
        /// The vendor's own status.
        vendor_status: StatusCode,
        /// The vendor's own `Retry-After`, as it came.
        retry_after: Option<String>,
    },
    /// The pages cannot be followed.
    #[error("{0}")]
    Pagination(String),
    /// The path needs a variable that the account lacks, or has in a form that cannot stand there.
    #[error("the account lacks {missing}")]
    AccountIncomplete {
        /// What is missing.
        missing: String,
    },
}

/// Codes beside JSONata's: what an expression gave is not what its place needs.
pub(crate) mod code {
    /// A result of the wrong type.
    pub(crate) const TYPE: &str = "wrong_type";
    /// No result where one is needed.
    pub(crate) const NOTHING: &str = "nothing";
    /// A header that a mapping cannot set, or no header at all.
    pub(crate) const HEADER: &str = "header";
    /// The answer is not JSON.
    pub(crate) const NOT_JSON: &str = "not_json";
    /// The path that came of the template is none.
    pub(crate) const PATH: &str = "path";
    /// All evaluations of one page took too long.
    pub(crate) const PAGE_TIME: &str = "page_time";
    /// The evaluation ended without a word.
    pub(crate) const INTERNAL: &str = "internal";
}
