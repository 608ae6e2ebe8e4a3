//! Further tests that read the vendor's answer where the rate-limit rules do: is the token dead,
//! is there a failure inside a 200.

use std::sync::Arc;

use http::response::Parts;
use http::{Method, Request, StatusCode};
use leeward_auth_refresh::AccountId;
use leeward_mapping::{Failure, Resources};
use leeward_rate_limit_normalize::{Answer, Inspect, Look, Test};

use crate::call::{Call, Way};
use crate::provider::AccountValues;

/// An answer's extension: the credential was rejected.
#[derive(Debug, Clone, Copy)]
pub struct Rejected;

/// An answer's extension: it is a failure, whatever its status.
#[derive(Debug, Clone)]
pub struct DisguisedFailure {
    /// What it counts as.
    pub status: StatusCode,
}

/// A provider's `auth.rejected` and its operations' `error`.
#[derive(Debug, Clone)]
pub struct AnswerTests {
    inner: Arc<Inner>,
}

struct Inner {
    rejected: Vec<Test>,
    reads_path: bool,
    resources: Arc<Resources>,
    accounts: AccountValues,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("rejected", &self.rejected.len())
            .finish_non_exhaustive()
    }
}

impl AnswerTests {
    /// The tests of one provider.
    pub fn new(rejected: Vec<Test>, resources: Arc<Resources>, accounts: AccountValues) -> Self {
        Self {
            inner: Arc::new(Inner {
                reads_path: rejected.iter().any(Test::reads_request),
                rejected,
                resources,
                accounts,
            }),
        }
    }
}

/// What is kept of a request until its answer comes.
#[derive(Debug)]
pub struct Asked {
    call: Option<Arc<Call>>,
    method: Method,
    // Only where a test reads it.
    path: Option<String>,
}

impl<B> Inspect<B> for AnswerTests {
    type Facts = Asked;

    fn facts(&self, request: &Request<B>) -> Asked {
        Asked {
            call: Call::of(request).cloned(),
            method: request.method().clone(),
            path: self
                .inner
                .reads_path
                .then(|| request.uri().path().to_owned()),
        }
    }

    fn wants_body(&self, asked: &Asked, parts: &Parts) -> bool {
        if self.reads_error(asked) {
            return true;
        }
        let mut concerned = self.concerned(parts.status).peekable();
        if concerned.peek().is_none() {
            return false;
        }
        let answer = answer(asked, parts, None);
        let now = self.inner.accounts.wall();
        concerned.any(|test| test.wants_body(&answer, now))
    }

    fn inspect(&self, asked: &Asked, parts: &mut Parts, look: Option<&Look>) {
        let rejected = self.is_rejected(asked, parts, look);
        if rejected {
            parts.extensions.insert(Rejected);
        }
        if let Some(failure) = self.failure(asked, parts, look) {
            parts.extensions.insert(DisguisedFailure {
                status: failure.status,
            });
            parts.extensions.insert(failure);
        }
    }
}

impl AnswerTests {
    /// The accounts as the tests see them.
    pub fn accounts(&self) -> &AccountValues {
        &self.inner.accounts
    }

    /// The tests that say anything about answers of this status.
    fn concerned(&self, status: StatusCode) -> impl Iterator<Item = &Test> {
        let rejected = self.inner.rejected.iter();
        rejected.filter(move |test| test.concerns(status))
    }

    fn is_rejected(&self, asked: &Asked, parts: &Parts, look: Option<&Look>) -> bool {
        let mut concerned = self.concerned(parts.status).peekable();
        if concerned.peek().is_none() {
            return false;
        }
        let answer = answer(asked, parts, look);
        let account = asked.call.as_ref().and_then(|call| call.account());
        let facts = LazyFacts(&self.inner.accounts, account);
        let now = self.inner.accounts.wall();
        concerned.any(|test| test.holds(&answer, &facts, now))
    }

    fn reads_error(&self, asked: &Asked) -> bool {
        match asked.call.as_ref().map(|call| &call.way) {
            Some(Way::Unified(unified)) => self.inner.resources.reads_errors(unified.call()),
            _ => false,
        }
    }

    fn failure(&self, asked: &Asked, parts: &Parts, look: Option<&Look>) -> Option<Failure> {
        let call = asked.call.as_ref()?;
        let Way::Unified(unified) = &call.way else {
            return None;
        };
        let body = look?.json()?;
        let account = self.inner.accounts.of(call.account());
        self.inner.resources.failure(
            unified.call(),
            parts.status,
            &parts.headers,
            body,
            None,
            &account,
        )
    }
}

fn answer<'a>(asked: &'a Asked, parts: &'a Parts, look: Option<&'a Look>) -> Answer<'a> {
    Answer {
        status: parts.status,
        headers: &parts.headers,
        body: look,
        method: &asked.method,
        path: asked.path.as_deref().unwrap_or("/"),
    }
}

struct LazyFacts<'a>(&'a AccountValues, Option<&'a AccountId>);

impl leeward_rate_limit_normalize::AccountFacts for LazyFacts<'_> {
    fn account(&self) -> serde_json::Value {
        self.0.of(self.1)
    }
}
