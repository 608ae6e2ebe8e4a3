//! `rate_limit`: what the vendor says of its limits, and what is done about it.

use std::borrow::Cow;

use leeward_rate_limit_normalize::spec::{Format, Pattern, Pointer, RuleSpec};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Expr, Regexp};
use crate::units::{Percent, Period, Size};

/// What the vendor says of its limits, and what is done about it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// The vendor's dialect: the first rule that matches decides; the built-in ones come after.
    pub rules: Vec<RuleSpec>,
    /// The most of a body, as sent, that a rule looks at.
    #[schemars(extend("x-maximum" = "1MiB"))]
    pub look: Size,
    /// Never sends what the vendor would refuse: all windows must have room.
    #[schemars(extend("x-planned" = true))]
    pub budget: Vec<Budget>,
    /// Where the vendor tells its quota.
    #[schemars(extend("x-planned" = true))]
    pub quota: Vec<Quota>,
    /// The share of the budget for requests with `Leeward-Priority: background`.
    #[schemars(extend("x-planned" = true))]
    pub background_share: Percent,
    /// What a request meets that knows of a limit.
    pub on_limit: OnLimit,
    /// How long to stay away if the vendor gives no time: exponential, full jitter.
    pub backoff: Backoff,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            look: Size::kib(64),
            budget: Vec::new(),
            quota: Vec::new(),
            background_share: Percent(0.5),
            on_limit: OnLimit::Reject,
            backoff: Backoff::default(),
        }
    }
}

/// What a request meets whose limit is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLimit {
    /// 429 at once.
    #[default]
    Reject,
    /// It is held, if its wait fits into this and its deadline.
    Wait(Period),
}

/// Exponential backoff with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    /// The first distance.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub base: Period,
    /// The longest distance.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub max: Period,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Period::secs(1),
            max: Period::secs(60),
        }
    }
}

/// One window: in no span of `per` goes out more than `limit`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The most in one span.
    #[schemars(range(min = 1))]
    pub limit: u64,
    /// The span.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub per: Period,
    /// What has a budget of its own.
    #[serde(default)]
    pub by: BudgetBy,
    /// Which requests it is about.
    #[serde(default, rename = "match")]
    pub matches: Option<PathMatch>,
    /// What one request costs.
    #[serde(default)]
    pub cost: Cost,
}

/// What has a budget of its own.
#[derive(Debug, Clone, Default)]
pub enum BudgetBy {
    /// Each account.
    #[default]
    Account,
    /// The provider as a whole.
    Provider,
    /// Each value of an expression over `{method, path, headers, account}`.
    Expression(Expr),
}

impl<'de> Deserialize<'de> for BudgetBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = serde_json::Value::deserialize(deserializer)?;
        match text.as_str() {
            Some("account") => Ok(Self::Account),
            Some("provider") => Ok(Self::Provider),
            _ => serde_json::from_value(text)
                .map(Self::Expression)
                .map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for BudgetBy {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BudgetBy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"enum": ["account", "provider"]}, {"type": "string", "format": "expression"}],
            "default": "account",
        })
    }
}

/// What one request costs.
#[derive(Debug, Clone)]
pub enum Cost {
    /// A number.
    Fixed(f64),
    /// An expression over `{method, path, headers, account}`.
    Expression(Expr),
}

impl Default for Cost {
    fn default() -> Self {
        Self::Fixed(1.0)
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match value.as_f64() {
            Some(number) => Ok(Self::Fixed(number)),
            None => serde_json::from_value(value)
                .map(Self::Expression)
                .map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for Cost {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cost".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "format": "expression"}],
            "default": 1,
        })
    }
}

/// Requests by their path.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathMatch {
    /// A regular expression on the path.
    pub path: Regexp,
}

/// Where the vendor tells its quota.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// The most in one window.
    pub limit: Option<QuotaValue>,
    /// What is left of it.
    pub remaining: Option<QuotaValue>,
    /// What is used of it.
    pub used: Option<QuotaValue>,
    /// When the window begins anew.
    pub reset: Option<QuotaValue>,
    /// Of a leaky bucket: what comes back.
    pub restores: Option<Restores>,
}

/// Where one number of a quota stands.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaValue {
    /// A header field.
    #[schemars(extend("format" = "header-name"))]
    pub header: Option<String>,
    /// A pointer into the JSON body.
    pub body: Option<Pointer>,
    /// A regular expression whose first group is the number.
    pub regex: Option<Pattern>,
    /// How a time is told.
    pub format: Option<Format>,
}

/// What a leaky bucket gives back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restores {
    /// How much.
    #[schemars(range(min = 0))]
    pub amount: f64,
    /// In which time.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub per: Period,
}
