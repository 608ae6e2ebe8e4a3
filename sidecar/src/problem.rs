//! Refusals as `application/problem+json` (RFC 9457), made here and nowhere else.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use crate::body::Body;
use crate::code::Code;
use crate::error::{Error, Kind};
use crate::headers;

/// Where the refused request stood: what the problem tells beside the error itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    /// The provider, if it was known.
    pub provider: Option<&'a str>,
    /// The account, if it was known.
    pub account: Option<&'a str>,
    /// The request's id.
    pub request_id: &'a str,
    /// `Leeward-Debug: true` was asked for.
    pub debug: bool,
}

/// How much of a vendor's answer a problem shows.
const SHOWN: usize = 4 * 1024;

/// All that a problem says.
pub fn problem(error: &Error, place: Place<'_>) -> Map<String, Value> {
    let mut members = members(error.code(), error.status(), &detail(error), place);
    if let Some(seconds) = error.retry_after() {
        members.insert("retry_after".into(), seconds.into());
    }
    describe(error, place, &mut members);
    members
}

/// The answer that an application gets in place of the vendor's.
pub fn respond(error: &Error, place: Place<'_>) -> Response<Body> {
    let code = error.code();
    let status = error.status();
    let retry_after = error.retry_after();
    let mut response = write(status, &Value::Object(problem(error, place)));
    let headers = response.headers_mut();
    headers.insert(headers::ERROR, HeaderValue::from_static(code.as_str()));
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        let challenge = match code {
            Code::Unauthorized => "Leeward-Token",
            _ => "Leeward error=\"needs_reauth\"",
        };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Kind::Refused(refused) = error.kind()
        && let Some(allow) = &refused.allow
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        headers.insert(ALLOW, allow);
    }
    response
}

/// The members that every problem has.
pub fn members(
    code: Code,
    status: StatusCode,
    detail: &str,
    place: Place<'_>,
) -> Map<String, Value> {
    let mut members = Map::new();
    let kind = format!("urn:leeward:error:{code}");
    members.insert("type".into(), kind.into());
    members.insert("title".into(), code.title().into());
    members.insert("status".into(), status.as_u16().into());
    members.insert("detail".into(), detail.into());
    members.insert("code".into(), code.as_str().into());
    members.insert("provider".into(), place.provider.into());
    members.insert("account".into(), place.account.into());
    members.insert("request_id".into(), place.request_id.into());
    members
}

fn describe(error: &Error, place: Place<'_>, members: &mut Map<String, Value>) {
    match error.kind() {
        Kind::RateLimited(limit) => {
            members.insert("scope".into(), limit.scope.as_ref().into());
            if let Some(status) = limit.upstream_status {
                members.insert("upstream_status".into(), status.as_u16().into());
            }
            if let Some(body) = &limit.upstream_body {
                members.insert("upstream_body".into(), shown(body));
            }
        }
        Kind::Refused(refused) => {
            if let Some(status) = refused.upstream_status {
                members.insert("upstream_status".into(), status.as_u16().into());
            }
            if let Some(reason) = &refused.reason {
                members.insert("reason".into(), reason.as_str().into());
            }
            if let Some(body) = &refused.upstream_body
                && (place.debug || refused.code == Code::UpstreamError)
            {
                let whole = refused.code == Code::UpstreamError;
                let body = if whole { body } else { first(body) };
                members.insert("upstream_body".into(), shown(body));
            }
        }
        _ => {}
    }
}

/// JSON where it is JSON, else its text.
fn shown(body: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return value;
    }
    String::from_utf8_lossy(first(body)).into_owned().into()
}

fn first(body: &[u8]) -> &[u8] {
    body.get(..SHOWN).unwrap_or(body)
}

/// The sentence, with the causes that say more than it does.
fn detail(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error.kind());
    while let Some(source) = cause {
        let said = source.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = source.source();
    }
    text
}

/// A JSON answer with a problem's content type.
pub fn write(status: StatusCode, problem: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(problem.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
