//! Which answers are kept, and after which failures they are served.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{HeaderName, RANGE};
use http::{Method, Request, Response, StatusCode};
use leeward_config::types::ServeAfter;
use leeward_fallback::{Key, Read};
use regex::Regex;

use super::Outcome;
use crate::call::{Call, Way};
use crate::code::Code;
use crate::error::Error;

/// A provider's `cache` section, as the layer asks it.
#[derive(Debug, Clone)]
pub struct FallbackPolicy {
    inner: Arc<FallbackSettings>,
}

/// What the policy is made of.
#[derive(Debug)]
pub struct FallbackSettings {
    /// Whether what is passed through is kept.
    pub proxy: bool,
    /// Whether unified answers are kept.
    pub unified: bool,
    /// Narrow what is kept; none: everything.
    pub paths: Option<Vec<Regex>>,
    /// Codes and classes after which a kept answer is served.
    pub serve_after: Vec<ServeAfter>,
    /// Request headers whose values tell answers apart.
    pub vary: Vec<HeaderName>,
}

impl FallbackPolicy {
    /// See [`FallbackSettings`].
    pub fn new(inner: FallbackSettings) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl FallbackPolicy {
    fn is_on(&self, call: &Call) -> bool {
        match &call.way {
            Way::Proxy { .. } => self.inner.proxy,
            Way::Unified(_) => self.inner.unified,
        }
    }

    fn key_of<B>(&self, call: &Call, read: Read, request: &Request<B>) -> Key {
        let account = call.account_str();
        let (vary, headers) = (&self.inner.vary, request.headers());
        match &call.way {
            Way::Unified(unified) => Key::new(account, read, unified.target(), vary, headers),
            Way::Proxy { base, .. } => {
                let target = request
                    .uri()
                    .path_and_query()
                    .map_or("/", |target| target.as_str());
                match base {
                    None => Key::new(account, read, target, vary, headers),
                    // A target begins with a slash, so that a base's name never reads as one.
                    Some(base) => {
                        Key::new(account, read, &format!("{base}:{target}"), vary, headers)
                    }
                }
            }
        }
    }
}

impl<B, RB> leeward_fallback::Policy<B, RB, Error> for FallbackPolicy {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let call = Call::of(request)?;
        let method = match &call.way {
            Way::Proxy { .. } => request.method(),
            Way::Unified(unified) if unified.is_read() => &Method::GET,
            Way::Unified(_) => return None,
        };
        let read = Read::of(method)?;
        if !self.is_on(call) || request.headers().contains_key(RANGE) {
            return None;
        }
        if let Some(paths) = &self.inner.paths {
            let path = match &call.way {
                Way::Proxy { .. } => Cow::Borrowed(request.uri().path()),
                // As the application writes it: the vendor's is not known yet.
                Way::Unified(unified) => {
                    let target = unified.target();
                    let path = target.split_once('?').map_or(target, |(path, _)| path);
                    format!("/unified/{path}").into()
                }
            };
            if !paths.iter().any(|narrow| narrow.is_match(&path)) {
                return None;
            }
        }
        Some(self.key_of(call, read, request))
    }

    // After a write that went well the record is no longer what it was (RFC 9111 4.4).
    fn changes(&self, request: &Request<B>) -> Option<Key> {
        let call = Call::of(request)?;
        let writes = match &call.way {
            Way::Proxy { .. } => !request.method().is_safe(),
            Way::Unified(unified) => !unified.is_read(),
        };
        (writes && self.is_on(call)).then(|| self.key_of(call, Read::Get, request))
    }

    fn keep(&self, response: &Response<RB>) -> bool {
        Outcome::of(Ok(response)).is_success()
    }

    fn failed(&self, result: Result<&Response<RB>, &Error>) -> bool {
        let status = status_told(result);
        let code = match result {
            Err(error) if status.is_none() => Some(error.code().as_str()),
            _ => None,
        };
        self.inner.serve_after.iter().any(|listed| match listed {
            ServeAfter::Code(listed) => code == Some(listed),
            ServeAfter::ServerErrors => status.is_some_and(|status| status.is_server_error()),
            ServeAfter::Status(listed) => status.is_some_and(|status| status == *listed),
        })
    }

    fn gone(&self, result: Result<&Response<RB>, &Error>) -> bool {
        use StatusCode as S;
        let gone = [S::UNAUTHORIZED, S::FORBIDDEN, S::NOT_FOUND, S::GONE];
        status_told(result).is_some_and(|status| gone.contains(&status))
    }
}

/// What the vendor said: an answer's status on /proxy, on /unified that of the mapping's error.
fn status_told<RB>(result: Result<&Response<RB>, &Error>) -> Option<StatusCode> {
    match (result, Outcome::of(result)) {
        (_, Outcome::Answered(status)) => Some(status),
        (Err(error), _) if error.code() == Code::UpstreamError => Some(error.status()),
        _ => None,
    }
}
