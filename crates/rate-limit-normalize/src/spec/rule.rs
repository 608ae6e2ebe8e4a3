//! One rule, and what it says about time.

use std::time::Duration;

use super::test::TestSpec;
use super::text::{DurationSpec, JsonataSource, Pattern, Pointer};

/// One rule: which answers it is about, and how long to stay away.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleSpec {
    /// Its name in explanations, logs and events.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub id: Option<String>,
    /// The answers that it is about: all that is given must hold.
    pub when: TestSpec,
    /// What it says of them: `limited`, or `not_limited` ("this 429 is a billing refusal").
    #[cfg_attr(feature = "serde", serde(default))]
    pub outcome: Outcome,
    /// Whether the request may be repeated. Left out: a limited one may be, after its wait; of one
    /// that is not limited nothing is said.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub retryable: Option<bool>,
    /// Any word; part of the gate's key. A closed scope refuses every request of the account; one
    /// of a rule with `path` only those whose path matches.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub scope: Option<String>,
    /// Which of the usable waits counts: the first in their order, or the longest.
    #[cfg_attr(feature = "serde", serde(default))]
    pub wait_use: WaitUse,
    /// Where the vendor tells when to come back.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Vec::is_empty")
    )]
    pub wait: Vec<WaitSpec>,
    /// What counts if no wait is usable. Left out: exponential backoff with full jitter.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub fallback: Option<FallbackSpec>,
    /// A longer wait is clamped to this, never dropped.
    #[cfg_attr(feature = "serde", serde(default = "day"))]
    pub max: DurationSpec,
}

const fn day() -> DurationSpec {
    DurationSpec(Duration::from_secs(24 * 60 * 60))
}

impl Default for RuleSpec {
    fn default() -> Self {
        Self {
            id: None,
            when: TestSpec::default(),
            outcome: Outcome::Limited,
            retryable: None,
            scope: None,
            wait_use: WaitUse::First,
            wait: Vec::new(),
            fallback: None,
            max: day(),
        }
    }
}

/// What a rule says of an answer that it is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Outcome {
    /// The vendor asks to slow down.
    #[default]
    Limited,
    /// It does not, whatever it looks like; later rules are not asked.
    NotLimited,
}

/// Which of several usable waits counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WaitUse {
    /// The first usable one.
    #[default]
    First,
    /// The longest of them all.
    Longest,
}

/// Which of the repeated values of one source counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Multi {
    /// The largest.
    #[default]
    Max,
    /// The smallest.
    Min,
}

/// How a text tells a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Format {
    /// A number of seconds, integer or decimal.
    Seconds,
    /// A number of milliseconds.
    Millis,
    /// A number of minutes.
    Minutes,
    /// Seconds since 1970.
    EpochS,
    /// Milliseconds since 1970.
    EpochMs,
    /// RFC 9110: a number of seconds or any of the three dates; a number that can only be an epoch
    /// is read as one.
    Http,
    /// ISO 8601: seconds optional, up to 9 fraction digits, zone mandatory.
    Iso8601,
    /// Numbers with units: `6m0s`, `20ms`.
    Duration,
    /// Prose: `9 minutes`.
    Words,
    /// `[d.]hh:mm:ss[.fraction]`: `1.03:23:11`.
    Timespan,
    /// A number (an epoch in milliseconds or seconds if it lies within 366 days of now, else
    /// seconds to wait), ISO 8601, or an HTTP date.
    #[default]
    Auto,
}

/// A source of the wait: exactly one of `header`, `body`, `text`, `sf`, `jsonata`.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitSpec {
    /// A header field.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub header: Option<String>,
    /// With `header`: a pointer into the JSON that the header holds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub json: Option<Pointer>,
    /// A pointer into the JSON body.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub body: Option<Pointer>,
    /// A regular expression on the first 64 KiB of the raw body; its first group is the time.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub text: Option<Pattern>,
    /// A `RateLimit` structured field of this name: items with `r=0` only, their `t`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub sf: Option<String>,
    /// An expression that yields seconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub jsonata: Option<JsonataSource>,
    /// With `header` or `body`: a regular expression whose first group (else the whole match) is
    /// the time.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub regex: Option<Pattern>,
    /// How the text tells the time; `auto` if left out.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub format: Option<Format>,
    /// Use this source only if that header is absent or 0.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub guard: Option<String>,
    /// Of repeated values: the largest, or `min` for the smallest.
    pub multi: Multi,
    /// Use this source only if this test holds.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "if", skip_serializing_if = "Option::is_none")
    )]
    pub when: Option<TestSpec>,
}

/// What counts if no wait is usable: exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FallbackSpec {
    /// A fixed number of seconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub seconds: Option<f64>,
    /// The next boundary of a calendar.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub calendar: Option<CalendarSpec>,
}

/// Boundaries in a time zone: `{every: 1d, tz: America/Los_Angeles}` is the next midnight there.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CalendarSpec {
    /// The distance of the boundaries, counted from midnight: `1d`, or what divides a day, such as
    /// `15m` or `1h`.
    pub every: DurationSpec,
    /// An IANA time zone, or a template such as `{{account.vars.tz}}`.
    #[cfg_attr(feature = "serde", serde(default = "utc"))]
    pub tz: String,
}

#[cfg(feature = "serde")]
fn utc() -> String {
    "UTC".to_owned()
}
