//! What the rules make of an answer.

use std::sync::Arc;
use std::time::Duration;

use regex::bytes::Regex;
use serde_json::{Value, json};

/// The scope of a rule that names none.
pub const DEFAULT_SCOPE: &str = "default";

/// The verdict of [`Rules::judge`](crate::Rules::judge).
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// Did the vendor ask to slow down?
    pub rate_limited: bool,
    /// The vendor's own hint in seconds, before rounding, at most the rule's `max`; `None` if it
    /// gave no usable one.
    pub wait: Option<f64>,
    /// What decides the wait: `header:Retry-After`, `body:/a/b`, `text`, `sf:RateLimit`,
    /// `jsonata`, `fallback:seconds`, `fallback:calendar`; `None` if backoff does.
    pub wait_from: Option<Arc<str>>,
    /// Was the hint longer than the rule's `max`?
    pub clamped: bool,
    /// The wait that is known, the rule's fallback included; `None` if backoff decides.
    pub delay: Option<Duration>,
    /// The rule's scope; `None` if it names none, then the gate's is [`DEFAULT_SCOPE`].
    pub scope: Option<Arc<str>>,
    /// The rule that decided; `None` if none matched or it has no name.
    pub rule: Option<Arc<str>>,
    /// Whether the request may be repeated (after the wait); `None` if no rule says.
    pub retryable: Option<bool>,
    /// If the rule is about some paths only: the gate closes for those alone.
    pub path: Option<PathScope>,
    /// What was tried, in order; filled by [`Rules::explain`](crate::Rules::explain) alone.
    pub tried: Vec<Tried>,
}

impl Judgement {
    /// The whole seconds of `Retry-After`; `None` if backoff decides.
    pub fn retry_after(&self) -> Option<u64> {
        self.delay.map(retry_after)
    }

    /// Everything that `explain` shows; the breaker's verdict is the caller's.
    pub fn explanation(self, breaker: impl Into<String>) -> Explanation {
        Explanation {
            retry_after: self.retry_after(),
            rate_limited: self.rate_limited,
            wait: self.wait,
            wait_from: self.wait_from.as_deref().map(str::to_owned),
            clamped: self.clamped,
            scope: self.scope.as_deref().map(str::to_owned),
            rule: self.rule.as_deref().map(str::to_owned),
            retryable: self.retryable,
            breaker: breaker.into(),
            tried: self.tried,
        }
    }
}

/// The whole seconds that a wait is told in (RFC 9110 section 10.2.3): rounded up, at least 1, for
/// a 0 taken literally would be asked again at once, for ever.
pub fn retry_after(wait: Duration) -> u64 {
    let rounded = wait.as_secs() + u64::from(wait.subsec_nanos() > 0 && wait != Duration::MAX);
    rounded.max(1)
}

/// Requests whose path matches.
#[derive(Debug, Clone)]
pub struct PathScope {
    pub(crate) regex: Regex,
}

impl PathScope {
    /// Is a request with this path meant?
    pub fn contains(&self, path: &str) -> bool {
        self.regex.is_match(path.as_bytes())
    }

    /// The regular expression.
    pub fn pattern(&self) -> &str {
        self.regex.as_str()
    }
}

impl PartialEq for PathScope {
    fn eq(&self, other: &Self) -> bool {
        self.pattern() == other.pattern()
    }
}

/// A rule that was tried.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tried {
    /// Its name, or its place in the list.
    pub rule: String,
    /// Did its `when` hold?
    pub matched: bool,
    /// What did not hold, or what it decided.
    pub why: String,
    /// The waits that were tried, if it matched.
    pub waits: Vec<TriedWait>,
}

/// A source of a wait that was tried.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TriedWait {
    /// Which: `header:Retry-After`.
    pub from: String,
    /// The seconds that it gave, before `max`; `None` if it gave none.
    #[cfg_attr(feature = "serde", serde(serialize_with = "plain"))]
    pub seconds: Option<f64>,
    /// Why it gave none.
    pub why: Option<String>,
}

/// What `explain` prints.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Explanation {
    /// Did the vendor ask to slow down?
    pub rate_limited: bool,
    /// The vendor's hint in seconds before rounding; `None` if there is no usable one.
    #[cfg_attr(feature = "serde", serde(serialize_with = "plain"))]
    pub wait: Option<f64>,
    /// What decides the wait.
    pub wait_from: Option<String>,
    /// Was the hint longer than the rule's `max`?
    pub clamped: bool,
    /// Whole seconds, at least 1; `None` if backoff decides.
    pub retry_after: Option<u64>,
    /// The rule's scope.
    pub scope: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// Whether the request may be repeated.
    pub retryable: Option<bool>,
    /// What the breaker makes of it: `success`, `failure` or `ignored`.
    pub breaker: String,
    /// What was tried, in order.
    pub tried: Vec<Tried>,
}

impl Explanation {
    /// The same as JSON.
    pub fn to_json(&self) -> Value {
        let tried = |tried: &Tried| {
            let waits = tried.waits.iter().map(|wait| {
                let seconds = wait.seconds.map(number);
                json!({"from": wait.from, "seconds": seconds, "why": wait.why})
            });
            json!({
                "rule": tried.rule,
                "matched": tried.matched,
                "why": tried.why,
                "waits": waits.collect::<Vec<_>>(),
            })
        };
        json!({
            "rate_limited": self.rate_limited,
            "wait": self.wait.map(number),
            "wait_from": self.wait_from,
            "clamped": self.clamped,
            "retry_after": self.retry_after,
            "scope": self.scope,
            "rule": self.rule,
            "retryable": self.retryable,
            "breaker": self.breaker,
            "tried": self.tried.iter().map(tried).collect::<Vec<_>>(),
        })
    }
}

/// 30 rather than 30.0, where it is whole.
fn number(seconds: f64) -> Value {
    let whole = std::time::Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|wait| wait.subsec_nanos() == 0);
    whole.map_or_else(|| json!(seconds), |wait| json!(wait.as_secs()))
}

#[cfg(feature = "serde")]
fn plain<S: serde::Serializer>(wait: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&wait.map(number), to)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::retry_after;

    #[test]
    fn seconds_are_rounded_up_and_never_zero() {
        assert_eq!(retry_after(Duration::ZERO), 1);
        assert_eq!(retry_after(Duration::from_millis(824)), 1);
        assert_eq!(retry_after(Duration::from_secs(30)), 30);
        assert_eq!(retry_after(Duration::new(30, 1)), 31);
        assert_eq!(retry_after(Duration::MAX), u64::MAX);
    }
}
