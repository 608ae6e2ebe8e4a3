//! `providers/*.yaml`: a third-party API, described by data alone.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Auth, Breaker, CacheSetting, Concurrency, ErrorTest, Expr, Hedge, HostName, HostPattern, Name,
    OneOrMany, Pagination, Probe, RateLimit, Resource, Retry, Slo, Sync, Text, Timeout, UrlText,
    Webhooks,
};
use crate::redact::Redacted;
use crate::units::Size;

/// A third-party API, described by data alone.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name, the one in `/proxy/{provider}/…`.
    pub provider: Name,
    /// Where requests go; a template.
    pub base_url: UrlText,
    /// Where URLs may lead once variables are in: names without port, `*.` before a name, IP
    /// addresses exactly; `["*"]` says so knowingly. Required if a host is templated.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// Further bases of the same account, by name: `/proxy/{provider}:{base}/…`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "name"}))]
    pub bases: IndexMap<String, UrlText>,
    /// Whether a host that only a wildcard in `hosts` allows may be a private address.
    #[serde(default)]
    pub private_hosts: PrivateHosts,
    /// Hosts that the forward-proxy and transparent modes take over.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub intercept: Vec<HostName>,
    /// Names the account of an intercepted request: an expression over the request.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub account: Option<Expr>,
    /// Header fields that are added where the caller has not set them.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "header-name"}))]
    pub headers: IndexMap<String, Text>,
    /// Query parameters that are added where the caller has not set them.
    #[serde(default)]
    pub query: IndexMap<String, Text>,
    /// The most of a body that a mapping or a template may hold.
    #[serde(default = "eight_mib")]
    #[schemars(extend("x-minimum" = "1KiB", "x-maximum" = "1GiB"))]
    pub max_buffer: Size,
    /// How it is told who calls.
    #[serde(default)]
    #[schemars(extend("default" = {"type": "none"}))]
    pub auth: Auth,
    /// TLS towards it, token calls included.
    #[serde(default)]
    pub tls: Tls,
    /// What it says of its limits, and what is done about it.
    #[serde(default)]
    pub rate_limit: RateLimit,
    /// When it is left alone because it fails.
    #[serde(default)]
    pub breaker: Breaker,
    /// How long things may take.
    #[serde(default)]
    pub timeout: Timeout,
    /// How many requests go at once.
    #[serde(default)]
    pub concurrency: Concurrency,
    /// What is sent again.
    #[serde(default)]
    pub retry: Retry,
    /// A second request when the first is slow.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub hedge: Option<Hedge>,
    /// The last good answer to a read, served when the live call fails. Left out: on for unified
    /// reads (1h), off for all else; null: off.
    #[serde(default)]
    pub cache: CacheSetting,
    /// How its lists are cut into pages; a list of several is told apart by `match`.
    #[serde(default)]
    pub pagination: OneOrMany<Pagination>,
    /// Its failures; an operation's own takes the place.
    #[serde(default)]
    pub error: ErrorTest,
    /// Unified resources by `model/resource`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "resource-name"}))]
    pub resources: IndexMap<String, Resource>,
    /// Its webhooks.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub webhooks: Webhooks,
    /// Copies of its resources that are kept here.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub sync: Vec<Sync>,
    /// What is promised.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub slo: Slo,
    /// A request that is made regularly.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub probe: Option<Probe>,
    /// Recorded answers with what is expected of them.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub tests: Vec<serde_json::Map<String, Value>>,
    /// What may be shown of the file.
    #[serde(skip)]
    pub redacted: Redacted,
}

const fn eight_mib() -> Size {
    Size::mib(8)
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// Whether private addresses may be called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrivateHosts {
    /// Only those that the file names in full.
    #[default]
    Deny,
    /// Any that `hosts` allows.
    Allow,
}

/// TLS towards a provider, PEM texts.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// A private CA beside the system's roots.
    pub ca: Option<Text>,
    /// The client's certificate, for mutual TLS.
    pub client_certificate: Option<Text>,
    /// Its key.
    #[schemars(extend("writeOnly" = true))]
    pub client_key: Option<Text>,
}
