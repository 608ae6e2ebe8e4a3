//! Keys of parts that are not there yet: checked in shape.

use std::borrow::Cow;

use indexmap::IndexMap;
use leeward_rate_limit_normalize::spec::StatusSpec;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::{AccountId, Expr, Method, ResourceName, TemplateValue, Text, UrlText};
use crate::units::{Percent, Period, parse_duration};

/// A second request when the first is slow; GET and HEAD only.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hedge {
    /// When: after a percentile of recent calls, as `p95`, or a duration.
    pub after: HedgeAfter,
    /// The most of a provider's requests that may be hedged.
    #[serde(default = "five_percent")]
    pub budget: Percent,
}

const fn five_percent() -> Percent {
    Percent(0.05)
}

/// When a request is hedged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HedgeAfter {
    /// After this percentile of recent calls, between 0 and 100.
    Percentile(f64),
    /// After this time.
    Time(Period),
}

impl<'de> Deserialize<'de> for HedgeAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let percentile = text
            .strip_prefix('p')
            .and_then(|number| number.parse::<f64>().ok());
        match percentile {
            Some(percentile) if (0.0..100.0).contains(&percentile) => {
                Ok(Self::Percentile(percentile))
            }
            Some(_) => Err(de::Error::custom("no percentile")),
            None => parse_duration(&text)
                .map(|time| Self::Time(Period(time)))
                .map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for HedgeAfter {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HedgeAfter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string", "format": "duration"},
            {"type": "string", "pattern": "^p[0-9]{1,2}([.][0-9]{1,3})?$"},
        ]})
    }
}

/// The vendor's webhooks.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// How a webhook proves where it comes from.
    pub verify: Option<Verify>,
    /// Handshakes that verify the URL, as data.
    pub challenge: Option<Value>,
    /// Over `{headers, query, body}`: the account's id.
    pub account: Option<Expr>,
    /// Over `{headers, query, body}`: the event's id.
    pub dedupe: Option<Expr>,
    /// Over `{headers, query, body}`: the events, `[{event, resource, id, data}]`.
    pub events: Option<Expr>,
    /// Fetches the record of a partial event.
    pub enrich: Option<Enrich>,
}

/// How a webhook proves where it comes from.
///
/// `Debug` does not show its settings: secrets are among them.
#[derive(Clone, Deserialize, JsonSchema)]
pub struct Verify {
    /// The kind of proof.
    #[serde(rename = "type")]
    pub kind: VerifyType,
    /// What belongs to it.
    #[serde(flatten)]
    pub settings: IndexMap<String, Value>,
}

impl std::fmt::Debug for Verify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verify")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The kind of proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyType {
    /// An HMAC of the body.
    Hmac,
    /// A signed token.
    Jwt,
    /// HTTP Basic.
    Basic,
    /// A given token in a header or the query.
    Token,
    /// Several that must all hold.
    AllOf,
    /// Several of which one must hold.
    AnyOf,
}

/// Fetches the record of a partial event.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrich {
    /// Over the event: whether it is partial.
    #[serde(default)]
    pub when: Option<Expr>,
    /// The operation that fetches the record.
    #[serde(default = "get")]
    pub operation: String,
    /// After this the event is delivered with `"complete": false`.
    #[serde(default = "quarter")]
    pub give_up_after: Period,
}

fn get() -> String {
    "get".to_owned()
}

const fn quarter() -> Period {
    Period::secs(900)
}

/// A copy of a resource that is kept here.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// The resource.
    pub resource: ResourceName,
    /// How often changes are fetched.
    #[serde(default = "quarter")]
    #[schemars(extend("x-minimum" = "1s"))]
    pub every: Period,
    /// How changes are told from what is known.
    #[serde(default)]
    pub incremental: Option<Incremental>,
    /// How often everything is fetched.
    #[serde(default = "day")]
    #[schemars(extend("x-minimum" = "1s"))]
    pub full_every: Period,
    /// How old a copy may be that is served.
    #[serde(default = "day")]
    pub max_staleness: Period,
    /// Whose records: `all`, or a list of ids.
    #[serde(default)]
    pub accounts: Accounts,
}

const fn day() -> Period {
    Period::secs(86_400)
}

/// How changes are told from what is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incremental {
    /// The member of a record that tells when it changed.
    pub field: String,
}

/// Whose records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Accounts {
    /// Those of all accounts of the provider.
    #[default]
    All,
    /// Those of these.
    Some(Vec<AccountId>),
}

impl<'de> Deserialize<'de> for Accounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            value if value == "all" => Ok(Self::All),
            list => serde_json::from_value(list)
                .map(Self::Some)
                .map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for Accounts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Accounts".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let id = generator.subschema_for::<AccountId>();
        json_schema!({"anyOf": [{"const": "all"}, {"type": "array", "items": id}], "default": "all"})
    }
}

/// What is promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Slo {
    /// The share of requests that are good.
    pub availability: Percent,
    /// Over which time.
    #[schemars(extend("x-minimum" = "1h"))]
    pub window: Period,
    /// How fast they are.
    pub latency: Latency,
}

impl Default for Slo {
    fn default() -> Self {
        Self {
            availability: Percent(99.99 / 100.0),
            window: Period::secs(30 * 86_400),
            latency: Latency::default(),
        }
    }
}

/// How fast requests are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// The share of requests that are faster than `under`.
    pub p: Percent,
    /// The time.
    pub under: Period,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            p: Percent(0.99),
            under: Period::secs(2),
        }
    }
}

/// A request that is made regularly.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Whose credentials; null: those of the provider's only account.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// The method.
    #[serde(default = "get_method")]
    pub method: Method,
    /// The path.
    pub path: Text,
    /// In place of the provider's `base_url`.
    #[serde(default)]
    pub base_url: Option<UrlText>,
    /// Header fields.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "header-name"}))]
    pub headers: IndexMap<String, Text>,
    /// A JSON body.
    #[serde(default)]
    pub json: Option<TemplateValue>,
    /// An urlencoded body.
    #[serde(default)]
    pub form: Option<IndexMap<String, TemplateValue>>,
    /// Any other body.
    #[serde(default)]
    pub text: Option<Text>,
    /// How often.
    #[serde(default = "minute")]
    #[schemars(extend("x-minimum" = "1s"))]
    pub every: Period,
    /// What a good answer is.
    #[serde(default)]
    pub expect: Expect,
}

fn get_method() -> Method {
    Method(http::Method::GET)
}

const fn minute() -> Period {
    Period::secs(60)
}

/// What a good answer is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// Its status; by default `2xx`.
    pub status: Option<StatusSpec>,
    /// true over its body.
    pub jsonata: Option<Expr>,
}
