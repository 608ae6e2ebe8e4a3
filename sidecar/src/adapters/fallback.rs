//! Which answers are kept, and after which failures they are served.

use std::sync::Arc;

use http::header::{HeaderName, RANGE};
use http::{Method, Request, Response};
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

impl<B, RB> leeward_fallback::Policy<B, RB, Error> for FallbackPolicy {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let call = Call::of(request)?;
        let (on, method) = match &call.way {
            Way::Proxy { .. } => (self.inner.proxy, request.method()),
            Way::Unified(unified) if unified.is_read() => (self.inner.unified, &Method::GET),
            Way::Unified(_) => return None,
        };
        let reads = *method == Method::GET || *method == Method::HEAD;
        if !on || !reads || request.headers().contains_key(RANGE) {
            return None;
        }
        if let Some(paths) = &self.inner.paths
            && !paths.iter().any(|path| path.is_match(request.uri().path()))
        {
            return None;
        }
        let read = Read::of(method)?;
        let account = call.account_str();
        let (vary, headers) = (&self.inner.vary, request.headers());
        Some(match &call.way {
            Way::Unified(unified) => Key::new(account, read, unified.target(), vary, headers),
            Way::Proxy { base, .. } => {
                let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
                match base {
                    None => Key::new(account, read, target, vary, headers),
                    // A target begins with a slash, so that a base's name never reads as one.
                    Some(base) => {
                        Key::new(account, read, &format!("{base}:{target}"), vary, headers)
                    }
                }
            }
        })
    }

    fn keep(&self, response: &Response<RB>) -> bool {
        Outcome::of(Ok(response)).is_success()
    }

    fn failed(&self, result: Result<&Response<RB>, &Error>) -> bool {
        // A vendor's refusal is an answer on /proxy, and an error of the mapping on /unified.
        let (code, status) = match (result, Outcome::of(result)) {
            (_, Outcome::Answered(status)) => (None, Some(status)),
            (Err(error), _) if error.code() == Code::UpstreamError => (None, Some(error.status())),
            (Err(error), _) => (Some(error.code().as_str()), None),
            (Ok(_), _) => (None, None),
        };
        self.inner.serve_after.iter().any(|listed| match listed {
            ServeAfter::Code(listed) => code == Some(listed),
            ServeAfter::ServerErrors => status.is_some_and(|status| status.is_server_error()),
            ServeAfter::Status(listed) => status.is_some_and(|status| status == *listed),
        })
    }
}
