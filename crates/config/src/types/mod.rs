//! What the files hold, as types. The keys, their defaults and their doc lines here are the source
//! of the JSON Schema, of the checks and of the reference of keys.

mod account;
mod auth;
mod limits;
mod oauth;
mod operation;
mod pagination;
mod planned;
mod process;
mod provider;
mod resilience;
mod shape;
mod text;

pub use account::{Account, Destination, Model, OnFailing};
pub use auth::{ApiKey, Apply, Auth, AwsSigV4, Basic, Bearer, NoAuth, OAuth1, Signature};
pub use limits::{
    Backoff, Budget, BudgetBy, Cost, OnLimit, PathMatch, Quota, QuotaValue, RateLimit, Restores,
};
pub use oauth::{
    ClientAuth, OAuth2, OnLostAnswer, RefreshBefore, Request, TokenBody, TokenRequest,
    TokenResponse, Tokens,
};
pub use operation::{
    BodyFormat, ErrorTest, Expand, ListStyle, OnItemError, Operation, Resource, Step, Then,
};
pub use pagination::{PageSize, Pagination, PaginationType};
pub use planned::{
    Accounts, Enrich, Expect, Hedge, HedgeAfter, Incremental, Latency, Probe, Slo, Sync, Verify,
    VerifyType, Webhooks,
};
pub use process::{
    Address, AddressError, EgressPolicy, Intercept, Limits, Listen, LogFormat, LogLevel, Process,
    Telemetry,
};
pub use provider::{PrivateHosts, Provider, Tls};
pub use resilience::{
    Breaker, BreakerBy, Cache, CacheSetting, Concurrency, Retry, RetryAfter, RetryBackoff,
    ServeAfter, SlowCall, Timeout,
};
pub use shape::{OneOrMany, TemplateValue};
pub use text::{
    AccountId, Expr, HeaderName, HostName, HostPattern, Method, Name, PathText, Regexp,
    ResourceName, Secret, Text, UrlText,
};

pub(crate) use shape::tagged;
