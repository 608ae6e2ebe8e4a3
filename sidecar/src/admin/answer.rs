//! What the admin API answers.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::body::Body;
use crate::call::RequestId;
use crate::code::Code;
use crate::error::Error;
use crate::headers;
use crate::problem::{self, Place};

/// An answer in the making.
pub(super) enum AdminAnswer {
    /// JSON.
    Json(StatusCode, Value),
    /// Nothing to say.
    Empty(StatusCode),
    /// A problem.
    Problem(Box<Response<Body>>),
}

impl AdminAnswer {
    pub(super) fn json(status: StatusCode, value: Value) -> Self {
        Self::Json(status, value)
    }

    pub(super) fn refused(status: StatusCode, code: Code, why: &str) -> Self {
        Self::Problem(Box::new(refuse(status, code, why)))
    }

    /// A body that is refused, with every fault at its JSON pointer.
    pub(super) fn invalid(faults: &[(String, String)]) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let detail = faults
            .first()
            .map_or_else(String::new, |(pointer, message)| {
                format!("{pointer}: {message}")
            });
        let id = RequestId::random();
        let place = Place {
            request_id: id.as_str(),
            ..Place::default()
        };
        let mut members = problem::members(Code::InvalidRequest, status, &detail, place);
        let errors = faults
            .iter()
            .map(|(pointer, message)| json!({ "pointer": pointer, "message": message }));
        members.insert("errors".into(), errors.collect());
        Self::Problem(Box::new(marked(
            problem::write(status, &Value::Object(members)),
            Code::InvalidRequest,
            &id,
        )))
    }

    /// The problem of a layer's error.
    pub(super) fn error(error: &Error, account: &str) -> Self {
        let id = RequestId::random();
        let place = Place {
            account: Some(account),
            request_id: id.as_str(),
            ..Place::default()
        };
        Self::Problem(Box::new(marked(
            problem::respond(error, place),
            error.code(),
            &id,
        )))
    }

    pub(super) fn unknown_account() -> Self {
        let why = "no account has this id";
        Self::refused(StatusCode::NOT_FOUND, Code::UnknownAccount, why)
    }

    /// The store did not do it.
    pub(super) fn store(error: &impl std::fmt::Display) -> Self {
        let why = format!("the store does not answer: {error}");
        let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, Code::Internal, &why);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        Self::Problem(Box::new(response))
    }

    pub(super) fn not_allowed(allow: &'static str) -> Self {
        let why = "this path has other methods";
        let mut response = refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::UnsupportedOperation,
            why,
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allow));
        Self::Problem(Box::new(response))
    }

    pub(super) fn into_response(self) -> Response<Body> {
        match self {
            Self::Json(status, value) => {
                let mut response = Response::new(Body::from(value.to_string()));
                *response.status_mut() = status;
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, json);
                response
            }
            Self::Empty(status) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = status;
                response
            }
            Self::Problem(response) => *response,
        }
    }
}

/// A problem with a status of its own.
pub(super) fn refuse(status: StatusCode, code: Code, why: &str) -> Response<Body> {
    let id = RequestId::random();
    let place = Place {
        request_id: id.as_str(),
        ..Place::default()
    };
    let members = problem::members(code, status, why, place);
    let mut response = marked(problem::write(status, &Value::Object(members)), code, &id);
    if status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    response
}

fn marked(mut response: Response<Body>, code: Code, id: &RequestId) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(headers::ERROR, HeaderValue::from_static(code.as_str()));
    headers.insert(headers::REQUEST_ID, id.header());
    response
}
