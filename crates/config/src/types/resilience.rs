//! Breaker, timeouts, bulkhead, retry, cache.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::{HeaderName, Method, Regexp};
use crate::units::{Percent, Period, Size};

/// When a provider that fails is left alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// What has a circuit of its own.
    pub by: BreakerBy,
    /// So many failures in a row open the circuit; null: they do not.
    #[schemars(range(min = 1))]
    pub consecutive_failures: Option<u32>,
    /// This share of failures within `sampling_duration` opens it, once there were
    /// `minimum_calls`; null: it does not.
    #[schemars(extend("x-minimum" = "1%"))]
    pub failure_ratio: Option<Percent>,
    /// The time that is looked back upon.
    #[schemars(extend("x-minimum" = "1s"))]
    pub sampling_duration: Period,
    /// Fewer calls than this say nothing.
    #[schemars(range(min = 1))]
    pub minimum_calls: u32,
    /// Calls that are slow count as failures of a second kind.
    pub slow_call: Option<SlowCall>,
    /// How long the circuit stays open.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub open_for: Period,
    /// Each reopening doubles `open_for` up to this, with jitter.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub max_open_for: Period,
    /// How many requests at once try a half-open circuit.
    #[schemars(range(min = 1))]
    pub half_open_requests: u32,
    /// Successes in half-open that close it.
    #[schemars(range(min = 1))]
    pub success_threshold: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            by: BreakerBy::Host,
            consecutive_failures: Some(5),
            failure_ratio: Some(Percent(0.5)),
            sampling_duration: Period::secs(30),
            minimum_calls: 20,
            slow_call: None,
            open_for: Period::secs(30),
            max_open_for: Period::secs(300),
            half_open_requests: 1,
            success_threshold: 1,
        }
    }
}

/// What has a circuit of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerBy {
    /// The provider as a whole.
    Provider,
    /// Each host.
    #[default]
    Host,
    /// Each account.
    Account,
    /// Each operation.
    Operation,
}

/// Calls that are slow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowCall {
    /// Slow is longer than this, by the wire's time to the head.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub threshold: Period,
    /// This share of them opens the circuit.
    #[schemars(extend("x-minimum" = "1%"))]
    pub ratio: Percent,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timeout {
    /// Name, TCP, TLS and preface of a connection.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub connect: Period,
    /// To the head of one attempt's answer.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub response: Period,
    /// Between two pieces of a body.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub idle_body: Period,
    /// To the head, waits and retries included.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub total: Period,
    /// How long an idle connection is kept: shorter than the vendor keeps it.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub pool_idle: Period,
}

impl Default for Timeout {
    fn default() -> Self {
        Self {
            connect: Period::secs(3),
            response: Period::secs(30),
            idle_body: Period::secs(30),
            total: Period::secs(60),
            pool_idle: Period::secs(50),
        }
    }
}

/// The bulkhead: how many requests of a provider go at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Concurrency {
    /// The most requests in flight.
    #[schemars(range(min = 1, max = 65536))]
    pub max_in_flight: usize,
    /// The most of one account.
    #[schemars(range(min = 1, max = 65536))]
    pub per_account: usize,
    /// The most that wait for a place.
    #[schemars(range(max = 65536))]
    pub max_waiting: usize,
    /// The longest that one waits.
    pub max_wait: Period,
    /// Whether the limit follows what the vendor bears.
    #[schemars(extend("x-planned" = true))]
    pub adaptive: bool,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            max_in_flight: 64,
            per_account: 32,
            max_waiting: 64,
            max_wait: Period::secs(1),
            adaptive: false,
        }
    }
}

/// What is sent again. What was never sent is repeated whatever its method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// The most attempts, the first included; 1 repeats nothing.
    #[schemars(range(min = 1, max = 10))]
    pub max_attempts: u32,
    /// The methods that may be repeated.
    pub methods: Vec<Method>,
    /// What is repeated: `connect`, `reset`, `timeout`, `5xx`, or a status.
    pub after: Vec<RetryAfter>,
    /// The distance between attempts, full jitter.
    pub backoff: RetryBackoff,
    /// The most of a provider's requests that may be repeats.
    pub budget: Percent,
    /// A request that carries this header may be repeated whatever its method; null: none may.
    #[schemars(extend("format" = "header-name"))]
    pub idempotency_header: Option<String>,
    /// An answer of a known length up to this, to a request that may be repeated, is taken whole
    /// before it is passed on.
    #[schemars(extend("x-maximum" = "8MiB"))]
    pub hold: Size,
}

impl Default for Retry {
    fn default() -> Self {
        use http::Method as M;
        Self {
            max_attempts: 2,
            methods: [M::GET, M::HEAD, M::OPTIONS, M::PUT, M::DELETE]
                .map(Method)
                .to_vec(),
            after: vec![
                RetryAfter::Connect,
                RetryAfter::Reset,
                RetryAfter::Status(502),
                RetryAfter::Status(503),
                RetryAfter::Status(504),
            ],
            backoff: RetryBackoff::default(),
            budget: Percent(0.2),
            idempotency_header: Some("Idempotency-Key".to_owned()),
            hold: Size::kib(64),
        }
    }
}

/// The distance between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryBackoff {
    /// The first distance.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub base: Period,
    /// The longest distance.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub max: Period,
}

impl Default for RetryBackoff {
    fn default() -> Self {
        Self {
            base: Period::millis(50),
            max: Period::secs(2),
        }
    }
}

/// What is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryAfter {
    /// No connection came about.
    Connect,
    /// The connection broke before an answer.
    Reset,
    /// No answer came in time.
    Timeout,
    /// Any status from 500 on.
    ServerErrors,
    /// This status, from 500 on.
    Status(u16),
}

/// After which end of the live call the last good answer is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServeAfter {
    /// An error of ours, by its code.
    Code(&'static str),
    /// Any status from 500 on.
    ServerErrors,
    /// This status, from 400 on.
    Status(u16),
}

/// The codes of ours after which an earlier answer may be served.
const SERVE_CODES: [&str; 8] = [
    "circuit_open",
    "upstream_unreachable",
    "upstream_invalid",
    "upstream_timeout",
    "overloaded",
    "rate_limited",
    "credentials_unavailable",
    "needs_reauth",
];

/// A status that is written as number or as text.
fn status(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|code| u16::try_from(code).ok())
}

impl Serialize for RetryAfter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Connect => serializer.serialize_str("connect"),
            Self::Reset => serializer.serialize_str("reset"),
            Self::Timeout => serializer.serialize_str("timeout"),
            Self::ServerErrors => serializer.serialize_str("5xx"),
            Self::Status(status) => serializer.serialize_u16(*status),
        }
    }
}

impl<'de> Deserialize<'de> for RetryAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_str() {
            Some("connect") => Ok(Self::Connect),
            Some("reset") => Ok(Self::Reset),
            Some("timeout") => Ok(Self::Timeout),
            Some("5xx") => Ok(Self::ServerErrors),
            _ => status(&value)
                .map(Self::Status)
                .ok_or_else(|| de::Error::custom("no failure that can be repeated")),
        }
    }
}

impl JsonSchema for RetryAfter {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RetryAfter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"enum": ["connect", "reset", "timeout", "5xx"]},
            {"type": "integer", "minimum": 500, "maximum": 599},
        ]})
    }
}

impl Serialize for ServeAfter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Code(code) => serializer.serialize_str(code),
            Self::ServerErrors => serializer.serialize_str("5xx"),
            Self::Status(status) => serializer.serialize_u16(*status),
        }
    }
}

impl<'de> Deserialize<'de> for ServeAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value == "5xx" {
            return Ok(Self::ServerErrors);
        }
        if let Some(code) = SERVE_CODES.iter().find(|code| value == **code) {
            return Ok(Self::Code(code));
        }
        status(&value)
            .map(Self::Status)
            .ok_or_else(|| de::Error::custom("no failure after which an answer is served"))
    }
}

impl JsonSchema for ServeAfter {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ServeAfter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = SERVE_CODES.into_iter().chain(["5xx"]).collect();
        json_schema!({"anyOf": [{"enum": words}, {"type": "integer", "minimum": 400, "maximum": 599}]})
    }
}

/// Whether and when the last good answer to a read is served.
#[derive(Debug, Clone, Default)]
pub enum CacheSetting {
    /// Nothing said: on for unified reads (1h), off for all else.
    #[default]
    LeftOut,
    /// `null`: off.
    Off,
    /// Given: for all ways in.
    On(Cache),
}

impl<'de> Deserialize<'de> for CacheSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Cache>::deserialize(deserializer)?.map_or(Self::Off, Self::On))
    }
}

impl JsonSchema for CacheSetting {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CacheSetting".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Option<Cache>>()
    }
}

/// The last good answer to a read, served only when the live call fails.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// How old an answer may be that is served.
    #[schemars(extend("x-minimum" = "1s"))]
    pub fallback_for: Period,
    /// Regular expressions on the path that narrow it; null: all paths.
    pub paths: Option<Vec<Regexp>>,
    /// The most that is kept for one provider.
    #[schemars(extend("x-minimum" = "64KiB"))]
    pub max_bytes: Size,
    /// After which ends of the live call: codes, `5xx`, statuses.
    pub serve_after: Vec<ServeAfter>,
    /// Request headers that tell answers apart.
    pub vary: Vec<HeaderName>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            fallback_for: Period::secs(3600),
            paths: None,
            max_bytes: Size::mib(32),
            serve_after: SERVE_CODES[..5]
                .iter()
                .map(|code| ServeAfter::Code(code))
                .chain([ServeAfter::ServerErrors])
                .collect(),
            vary: ["Accept", "Accept-Language"]
                .map(|name| HeaderName(name.to_owned()))
                .to_vec(),
        }
    }
}
