//! The smaller files: accounts, models, destinations.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AccountId, Name, ResourceName, Secret};
use crate::redact::Redacted;

/// A static account, `accounts/*.yaml`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its id.
    pub account: AccountId,
    /// The provider that it is an account of.
    pub provider: Name,
    /// Its credentials, by the provider's type of `auth` and the names in its templates.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub credentials: IndexMap<String, Value>,
    /// Its variables: `{{account.vars.NAME}}`.
    #[serde(default)]
    pub vars: IndexMap<String, Value>,
    /// Keys of the provider that are other for this account.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub overrides: IndexMap<String, Value>,
    /// What may be shown of the file.
    #[serde(skip)]
    pub redacted: Redacted,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("account", &self.account)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// A unified model, `models/*.yaml`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The resource whose shape it is.
    pub model: ResourceName,
    /// JSON Schema of its records.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub schema: IndexMap<String, Value>,
}

/// A receiver of events, `destinations/*.yaml`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Its id.
    #[schemars(extend("x-planned" = true))]
    pub destination: Name,
    /// Where events go.
    #[schemars(extend("format" = "url"))]
    pub url: String,
    /// What signs them (Standard Webhooks).
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The events it wants, as `record:*` or `account.*`; none: all.
    #[serde(default)]
    pub events: Vec<String>,
    /// What becomes of it when most deliveries fail.
    #[serde(default)]
    pub on_failing: OnFailing,
}

/// What becomes of a destination when most deliveries fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailing {
    /// It is said.
    #[default]
    Alert,
    /// It is said, and deliveries pause until a probe succeeds.
    Pause,
}
