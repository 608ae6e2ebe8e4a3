//! What is wrong with a rule, and where.

use std::fmt::Display;

use http::HeaderName;
use regex::bytes::{Regex, RegexBuilder};

use crate::pointer::Path;
use crate::spec::Pattern;

/// A fault of a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct RuleFault {
    /// A JSON pointer to the place, within the list of rules (or the test) that was compiled.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// The most bytes that a compiled regular expression may take.
const REGEX_SIZE: usize = 1 << 20;

/// Collects faults under the place that is being read.
#[derive(Default)]
pub(crate) struct Faults {
    place: String,
    pub(crate) found: Vec<RuleFault>,
}

impl Faults {
    /// Reads what lies at `segment` of the present place.
    pub(crate) fn at<T>(&mut self, segment: impl Display, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.place.len();
        let segment = segment.to_string().replace('~', "~0").replace('/', "~1");
        self.place.push('/');
        self.place.push_str(&segment);
        let out = read(self);
        self.place.truncate(length);
        out
    }

    pub(crate) fn add(&mut self, message: impl Into<String>) {
        self.found.push(RuleFault {
            pointer: self.place.clone(),
            message: message.into(),
        });
    }

    /// The value, or its fault noted.
    pub(crate) fn take<T, E: Display>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(error.to_string())).ok()
    }

    pub(crate) fn header(&mut self, name: &str) -> Option<HeaderName> {
        let wrong = || format!("`{}` is no header name", name.escape_debug());
        self.take(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong()))
    }

    pub(crate) fn regex(&mut self, pattern: &Pattern) -> Option<Regex> {
        let built = RegexBuilder::new(&pattern.0).size_limit(REGEX_SIZE).build();
        self.take(built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
            other => other.to_string(),
        }))
    }

    pub(crate) fn pointer(&mut self, source: &str) -> Option<Path> {
        self.take(Path::parse(source))
    }
}
