//! The sources of a wait, compiled.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use regex::bytes::Regex;
use serde_json::Value;

use crate::answer::Context;
use crate::fault::Faults;
use crate::format::{Moment, SECOND, read, readable};
use crate::hooks::Hooks;
use crate::look::Look;
use crate::pointer::Path;
use crate::spec::{Format, Multi, WaitSpec};
use crate::structured::exhausted;
use crate::test_language::{Expression, Test};

/// The most values of one source that are read.
const MAX_VALUES: usize = 1024;

/// The most bytes of a header that is read as JSON.
const MAX_JSON_HEADER: usize = 16 * 1024;

pub(crate) struct Wait {
    pub(crate) from: Arc<str>,
    source: Source,
    regex: Option<Regex>,
    format: Format,
    guard: Option<HeaderName>,
    multi: Multi,
    condition: Option<Test>,
}

enum Source {
    Header(HeaderName, Option<Path>),
    Body(Path),
    Text,
    Structured(HeaderName),
    Jsonata(Expression),
}

/// Why a source gives no wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("guarded by a header that is neither absent nor 0")]
    Guarded,
    #[error("its condition does not hold")]
    Condition,
    #[error("not there")]
    Absent,
    #[error("not a time in the future")]
    NoTime,
}

impl Wait {
    pub(crate) fn compile(spec: &WaitSpec, hooks: &dyn Hooks, faults: &mut Faults) -> Option<Self> {
        let given = [
            spec.header.is_some(),
            spec.body.is_some(),
            spec.text.is_some(),
            spec.sf.is_some(),
            spec.jsonata.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() != 1 {
            faults.add("a wait has exactly one of header, body, text, sf, jsonata");
            return None;
        }
        if spec.json.is_some() && spec.header.is_none() {
            faults.at("json", |f| f.add("`json` goes with `header`"));
        }
        if spec.regex.is_some() && spec.header.is_none() && spec.body.is_none() {
            faults.at("regex", |f| f.add("`regex` goes with `header` or `body`"));
        }
        if spec.format.is_some() && (spec.sf.is_some() || spec.jsonata.is_some()) {
            faults.at("format", |f| f.add("`sf` and `jsonata` are seconds"));
        }
        let guard = spec.guard.as_ref();
        let guard = guard.and_then(|name| faults.at("guard", |f| f.header(name)));
        let condition = spec.when.as_ref();
        let condition = condition.and_then(|when| faults.at("if", |f| Test::read(when, hooks, f)));
        let pattern = spec.regex.as_ref();
        let mut regex = pattern.and_then(|p| faults.at("regex", |f| f.regex(p)));
        if let Some(pattern) = &spec.text {
            regex = faults.at("text", |f| f.regex(pattern));
        }
        let (from, source) = Self::source(spec, hooks, faults)?;
        Some(Self {
            from: from.into(),
            source,
            regex,
            format: spec.format.unwrap_or_default(),
            guard,
            multi: spec.multi,
            condition,
        })
    }

    fn source(spec: &WaitSpec, hooks: &dyn Hooks, faults: &mut Faults) -> Option<(String, Source)> {
        let out = if let Some(name) = &spec.header {
            let json = spec.json.as_ref();
            let path = json.and_then(|p| faults.at("json", |f| f.pointer(&p.0)));
            let header = faults.at("header", |f| f.header(name))?;
            (format!("header:{name}"), Source::Header(header, path))
        } else if let Some(pointer) = &spec.body {
            let path = faults.at("body", |f| f.pointer(&pointer.0))?;
            (format!("body:{}", pointer.0), Source::Body(path))
        } else if let Some(name) = &spec.sf {
            let header = faults.at("sf", |f| f.header(name))?;
            (format!("sf:{name}"), Source::Structured(header))
        } else if let Some(source) = &spec.jsonata {
            let run = faults.at("jsonata", |f| Expression::compile(&source.0, hooks, f))?;
            ("jsonata".to_owned(), Source::Jsonata(run))
        } else {
            ("text".to_owned(), Source::Text)
        };
        Some(out)
    }

    pub(crate) fn reads_body(&self) -> bool {
        let source = match &self.source {
            Source::Body(_) | Source::Text => true,
            Source::Jsonata(expression) => expression.reads_body,
            Source::Header(..) | Source::Structured(_) => false,
        };
        source || self.condition.as_ref().is_some_and(Test::reads_body)
    }

    pub(crate) fn reads_request(&self) -> bool {
        matches!(self.source, Source::Jsonata(_))
            || self.condition.as_ref().is_some_and(Test::reads_request)
    }

    pub(crate) fn reads_account(&self) -> bool {
        matches!(self.source, Source::Jsonata(_))
            || self.condition.as_ref().is_some_and(Test::reads_account)
    }

    /// The wait in nanoseconds, more than zero.
    pub(crate) fn nanos(&self, context: &Context<'_>) -> Result<u128, Unusable> {
        let headers = context.answer.headers;
        if let Some(guard) = &self.guard
            && !exhausted_or_absent(headers, guard)
        {
            return Err(Unusable::Guarded);
        }
        if let Some(condition) = &self.condition
            && condition.failure(context).is_some()
        {
            return Err(Unusable::Condition);
        }
        let mut values = Values {
            wait: self,
            context,
            seen: 0,
            best: None,
        };
        self.collect(&mut values);
        values.best.ok_or(match values.seen {
            0 => Unusable::Absent,
            _ => Unusable::NoTime,
        })
    }

    fn collect(&self, values: &mut Values<'_>) {
        let answer = values.context.answer;
        match &self.source {
            Source::Header(name, None) => {
                for value in answer.headers.get_all(name) {
                    values.text(value.as_bytes());
                }
            }
            Source::Header(name, Some(path)) => {
                for value in answer.headers.get_all(name) {
                    if value.len() > MAX_JSON_HEADER {
                        continue;
                    }
                    if let Ok(json) = serde_json::from_slice(value.as_bytes()) {
                        path.any(&json, &mut |value| values.json(value));
                    }
                }
            }
            Source::Body(path) => {
                if let Some(json) = answer.body.and_then(Look::json) {
                    path.any(json, &mut |value| values.json(value));
                }
            }
            Source::Text => {
                if let Some((look, regex)) = answer.body.zip(self.regex.as_ref()) {
                    for found in regex.captures_iter(look.text()).take(MAX_VALUES) {
                        let group = found.get(1).or_else(|| found.get(0));
                        values.moment(group.map_or(&[], |group| group.as_bytes()));
                    }
                }
            }
            Source::Structured(name) => {
                for seconds in exhausted(answer.headers, name) {
                    values.add(Some(u128::from(seconds) * SECOND));
                }
            }
            Source::Jsonata(expression) => {
                let context = values.context;
                match (expression.run)(context.input(), context.account()) {
                    Some(Value::Null) | None => {}
                    Some(value) => values.add(float(&value)),
                }
            }
        }
    }
}

/// The values of one source as they come.
struct Values<'a> {
    wait: &'a Wait,
    context: &'a Context<'a>,
    seen: usize,
    best: Option<u128>,
}

impl Values<'_> {
    fn add(&mut self, nanos: Option<u128>) {
        self.seen += 1;
        let Some(nanos) = nanos.filter(|nanos| *nanos > 0) else {
            return;
        };
        self.best = Some(match (self.best, self.wait.multi) {
            (None, _) => nanos,
            (Some(best), Multi::Max) => best.max(nanos),
            (Some(best), Multi::Min) => best.min(nanos),
        });
    }

    /// A text that is the time, once the expression (if any) has cut it out.
    fn text(&mut self, text: &[u8]) {
        match &self.wait.regex {
            None => self.moment(text),
            Some(regex) => match regex.captures(text) {
                Some(found) => {
                    let group = found.get(1).or_else(|| found.get(0));
                    self.moment(group.map_or(&[], |group| group.as_bytes()));
                }
                None => self.add(None),
            },
        }
    }

    /// A JSON value; true once enough were seen.
    fn json(&mut self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.text(text.as_bytes()),
            // A number is read by the same grammar; Rust prints floats without exponents.
            Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                Some(float) => self.text(float.to_string().as_bytes()),
                None => self.text(number.to_string().as_bytes()),
            },
            _ => self.add(None),
        }
        self.seen >= MAX_VALUES
    }

    fn moment(&mut self, text: &[u8]) {
        let format = self.wait.format;
        let moment = readable(text).and_then(|text| match format {
            // Only these ask what time it is before they know what they have.
            Format::Http | Format::Auto => read(format, text, self.context.vendor_now()),
            _ => read(format, text, 0),
        });
        let nanos = moment.and_then(|moment| match moment {
            Moment::After(_) => moment.wait_from(0),
            Moment::At(_) => moment.wait_from(self.context.vendor_now()),
        });
        self.add(nanos);
    }
}

/// Seconds of an expression as nanoseconds; what is no finite positive number is none.
fn float(value: &Value) -> Option<u128> {
    let seconds = value.as_f64()?;
    if !seconds.is_finite() || seconds <= 0.0 {
        return None;
    }
    // The checked form of `Duration::from_secs_f64`, which panics; what is too long is endless.
    let wait = std::time::Duration::try_from_secs_f64(seconds);
    Some(wait.map_or(u128::MAX, |wait| wait.as_nanos()))
}

/// A guard's header: absent, or 0 in any of its values (parameters after `;` do not count).
fn exhausted_or_absent(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek().is_none()
        || values.any(|value| {
            let value = value.as_bytes();
            let number = value.split(|b| *b == b';').next().unwrap_or_default();
            let moment = readable(number).and_then(|text| read(Format::Seconds, text, 0));
            moment == Some(Moment::After(0))
        })
}
