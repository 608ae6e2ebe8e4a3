//! The `when` tests, compiled: of a rule, of a wait's `if`, and, alone, of `auth.rejected`.

use std::fmt;
use std::time::SystemTime;

use http::{HeaderName, StatusCode};
use regex::bytes::Regex;
use serde_json::Value;

use crate::answer::{AccountFacts, Answer, Context};
use crate::fault::{Faults, RuleFault};
use crate::hooks::{Custom, Hooks};
use crate::media::has_body;
use crate::pointer::Path;
use crate::spec::{StatusPattern, StatusSpec, TestSpec};
use crate::value::Check;

/// A compiled test of an answer.
pub struct Test {
    pub(crate) status: Statuses,
    headers: Vec<(HeaderName, Check)>,
    pub(crate) path: Option<Regex>,
    until: Option<SystemTime>,
    body: Vec<(Path, Check)>,
    text: Option<Regex>,
    form: Vec<(String, Check)>,
    jsonata: Option<Expression>,
}

/// A compiled expression, and whether its text names the body.
#[derive(Clone)]
pub(crate) struct Expression {
    pub(crate) run: Custom,
    pub(crate) reads_body: bool,
}

impl Expression {
    pub(crate) fn compile(source: &str, hooks: &dyn Hooks, faults: &mut Faults) -> Option<Self> {
        let bytes = source.as_bytes();
        let context = bytes.iter().enumerate().any(|(at, byte)| {
            let named = |next: &u8| next.is_ascii_alphabetic() || *next == b'_';
            *byte == b'$' && !bytes.get(at + 1).is_some_and(named)
        });
        Some(Self {
            run: faults.take(hooks.jsonata(source))?,
            reads_body: context || source.contains("body") || source.contains('*'),
        })
    }
}

/// The part of a test that does not hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure<'t> {
    Status(StatusCode),
    Path,
    Until,
    Header(&'t HeaderName),
    NoJson,
    Body(&'t Path),
    NoText,
    Text,
    Form(&'t str),
    Jsonata,
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status is {}", status.as_u16()),
            Self::Path => f.write_str("the path does not match"),
            Self::Until => f.write_str("its time is over"),
            Self::Header(name) => write!(f, "header {name} does not match"),
            Self::NoJson => f.write_str("the body is no JSON, or was not read whole"),
            Self::Body(path) => write!(f, "body {} does not match", path.source()),
            Self::NoText => f.write_str("the body was not read"),
            Self::Text => f.write_str("the text does not match"),
            Self::Form(name) => write!(f, "form field {name} does not match"),
            Self::Jsonata => f.write_str("the expression does not yield true"),
        }
    }
}

impl Test {
    /// Compiles a test; all its faults at once.
    pub fn compile(spec: &TestSpec, hooks: &dyn Hooks) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Faults::default();
        match Self::read(spec, hooks, &mut faults) {
            Some(test) if faults.found.is_empty() => Ok(test),
            _ => Err(faults.found),
        }
    }

    pub(crate) fn read(spec: &TestSpec, hooks: &dyn Hooks, faults: &mut Faults) -> Option<Self> {
        if *spec == TestSpec::default() {
            faults.add("a test without a condition would hold for every answer");
            return None;
        }
        let headers = faults.at("header", |faults| {
            let each = spec.header.iter().filter_map(|(name, test)| {
                faults.at(name, |f| Some((f.header(name)?, Check::compile(test, f)?)))
            });
            each.collect()
        });
        let body = faults.at("body", |faults| {
            let each = spec.body.iter().filter_map(|(pointer, test)| {
                faults.at(pointer, |f| {
                    Some((f.pointer(pointer)?, Check::compile(test, f)?))
                })
            });
            each.collect()
        });
        let form = faults.at("form", |faults| {
            let each = spec.form.iter().filter_map(|(name, test)| {
                let check = faults.at(name, |f| Check::compile(test, f))?;
                Some((name.clone(), check))
            });
            each.collect()
        });
        let mut regex = |place, pattern: &Option<_>| {
            let pattern = pattern.as_ref()?;
            faults.at(place, |f| f.regex(pattern))
        };
        let (path, text) = (regex("path", &spec.path), regex("text", &spec.text));
        let status = faults.at("status", |f| Statuses::compile(spec.status.as_ref(), f));
        let jsonata = spec.jsonata.as_ref();
        Some(Self {
            status,
            headers,
            path,
            until: spec.until.map(|time| time.0),
            body,
            text,
            form,
            jsonata: jsonata
                .and_then(|s| faults.at("jsonata", |f| Expression::compile(&s.0, hooks, f))),
        })
    }

    /// Does the answer pass the test? A part that needs a body holds only if there is one.
    pub fn holds(&self, answer: &Answer<'_>, facts: &dyn AccountFacts, now: SystemTime) -> bool {
        self.failure(&Context::new(answer, facts, now)).is_none()
    }

    /// Must the body be read to know? Asked with an answer whose `body` is `None`.
    pub fn wants_body(&self, answer: &Answer<'_>, now: SystemTime) -> bool {
        self.reads_body()
            && has_body(answer.method, answer.status)
            && self.head_failure(answer, now).is_none()
    }

    /// Is the test about answers with this status at all?
    pub fn concerns(&self, status: StatusCode) -> bool {
        self.status.contains(status)
    }

    /// Does it look at the request's path?
    pub fn reads_request(&self) -> bool {
        self.path.is_some() || self.jsonata.is_some()
    }

    /// Does it look at the account?
    pub(crate) fn reads_account(&self) -> bool {
        self.jsonata.is_some()
    }

    pub(crate) fn reads_body(&self) -> bool {
        !self.body.is_empty()
            || self.text.is_some()
            || !self.form.is_empty()
            || self.jsonata.as_ref().is_some_and(|e| e.reads_body)
    }

    /// Does it hold, as far as the head says, without a doubt that only an expression could solve?
    pub(crate) fn decided_by_head(&self) -> bool {
        !self.reads_body() && self.jsonata.is_none()
    }

    /// The first part of the head that does not hold.
    pub(crate) fn head_failure(&self, answer: &Answer<'_>, now: SystemTime) -> Option<Failure<'_>> {
        if !self.status.contains(answer.status) {
            return Some(Failure::Status(answer.status));
        }
        if self.until.is_some_and(|until| now >= until) {
            return Some(Failure::Until);
        }
        if let Some(path) = &self.path
            && !path.is_match(answer.path.as_bytes())
        {
            return Some(Failure::Path);
        }
        let holds = |name: &HeaderName, check: &Check| {
            let mut values = answer.headers.get_all(name).iter().peekable();
            if values.peek().is_none() {
                return check.wants_absence();
            }
            values.any(|value| check.holds_text(value.as_bytes().trim_ascii()))
        };
        let failed = self
            .headers
            .iter()
            .find(|(name, check)| !holds(name, check));
        failed.map(|(name, _)| Failure::Header(name))
    }

    /// The first part that does not hold.
    pub(crate) fn failure(&self, context: &Context<'_>) -> Option<Failure<'_>> {
        let answer = context.answer;
        self.head_failure(answer, context.now)
            .or_else(|| self.body_failure(answer))
            .or_else(|| {
                let expression = self.jsonata.as_ref()?;
                let yielded = (expression.run)(context.input(), context.account());
                (yielded != Some(Value::Bool(true))).then_some(Failure::Jsonata)
            })
    }

    fn body_failure(&self, answer: &Answer<'_>) -> Option<Failure<'_>> {
        if self.body.is_empty() && self.text.is_none() && self.form.is_empty() {
            return None;
        }
        let Some(look) = answer.body else {
            return Some(Failure::NoText);
        };
        if let Some(text) = &self.text
            && !text.is_match(look.text())
        {
            return Some(Failure::Text);
        }
        if !self.body.is_empty() {
            let Some(json) = look.json() else {
                return Some(Failure::NoJson);
            };
            let holds = |path: &Path, check: &Check| match check {
                Check::Exists(there) => path.any(json, &mut |_| true) == *there,
                check => path.any(json, &mut |value| check.holds_json(value)),
            };
            if let Some((path, _)) = self.body.iter().find(|(path, check)| !holds(path, check)) {
                return Some(Failure::Body(path));
            }
        }
        let holds = |name: &str, check: &Check| {
            let mut values = look.form().iter().filter(|(n, _)| n == name).peekable();
            if values.peek().is_none() {
                return check.wants_absence() && look.is_complete();
            }
            values.any(|(_, value)| check.holds_text(value.as_bytes()))
        };
        let failed = self.form.iter().find(|(name, check)| !holds(name, check));
        failed.map(|(name, _)| Failure::Form(name))
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Test").finish_non_exhaustive()
    }
}

/// A set of statuses, one bit for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statuses([u64; 16]);

impl Statuses {
    pub(crate) const NONE: Self = Self([0; 16]);
    const ALL: Self = Self([u64::MAX; 16]);

    fn compile(spec: Option<&StatusSpec>, faults: &mut Faults) -> Self {
        let Some(spec) = spec else {
            return Self::ALL;
        };
        let mut set = Self::NONE;
        for pattern in &spec.0 {
            match *pattern {
                StatusPattern::Code(code @ 100..=999) => set.insert(code),
                StatusPattern::Class(class @ 1..=9) => {
                    let first = u16::from(class) * 100;
                    (first..first + 100).for_each(|code| set.insert(code));
                }
                _ => faults.add("a status is 100 to 999, a class 1xx to 9xx"),
            }
        }
        if set == Self::NONE {
            faults.add("an empty list of statuses never holds");
        }
        set
    }

    fn insert(&mut self, code: u16) {
        if let Some(word) = self.0.get_mut(usize::from(code / 64)) {
            *word |= 1 << (code % 64);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    pub(crate) fn contains(&self, status: StatusCode) -> bool {
        let code = status.as_u16();
        let word = self.0.get(usize::from(code / 64)).copied();
        word.unwrap_or(0) & 1 << (code % 64) != 0
    }
}
