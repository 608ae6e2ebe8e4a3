//! Tokens that are bought: where, how, and how long they live.

use indexmap::IndexMap;
use leeward_rate_limit_normalize::spec::TestSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::auth::rejected;
use super::{Apply, Expr, Method, OneOrMany, TemplateValue, Text, UrlText};
use crate::units::Period;

/// Tokens of a token endpoint (RFC 6749): of the grant `refresh_token`, or `client_credentials`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: UrlText,
    /// The client, or `{{credentials.client_id}}`: the customer's own.
    pub client_id: Text,
    /// Its secret; needed unless `client_auth` is `none`.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub client_secret: Option<Text>,
    /// How the client tells who it is.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// The method of every token request.
    #[serde(default = "post")]
    pub method: Method,
    /// Where the fields of every token request stand.
    #[serde(default)]
    pub body: TokenBody,
    /// Header fields of every token request.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "header-name"}))]
    pub headers: IndexMap<String, Text>,
    /// Extra fields (scope, audience, …); null takes away a field that the type would send.
    #[serde(default)]
    pub params: IndexMap<String, TemplateValue>,
    /// Laid over `params` on refresh.
    #[serde(default)]
    pub refresh_params: IndexMap<String, TemplateValue>,
    /// What is common to all tokens that are bought.
    #[serde(flatten)]
    pub tokens: Tokens,
}

fn post() -> Method {
    Method(http::Method::POST)
}

/// What is common to all tokens that are bought.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tokens {
    /// Where in the token answer things stand; expressions over its body.
    pub token_response: TokenResponse,
    /// How long before its end a token is renewed: each account has its own point in the window. A
    /// token that lives shorter than twice `max` is renewed between 50% and 80% of its life.
    pub refresh_before: RefreshBefore,
    /// How long a token lives if the answer does not say.
    #[schemars(extend("x-minimum" = "1s"))]
    pub assume_expires_in: Period,
    /// A refresh token that is idle for so long dies, as `90d`: it is kept alive by refreshing in
    /// time.
    #[schemars(extend("x-minimum" = "1m"))]
    pub refresh_token_idle_expiry: Option<Period>,
    /// A refresh token dies at this age, as `180d`, whatever is done.
    #[schemars(extend("x-minimum" = "1m"))]
    pub refresh_token_max_age: Option<Period>,
    /// How long requests wait for one token call.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub timeout: Period,
    /// What is done when a refresh was sent and no answer came.
    pub on_lost_answer: OnLostAnswer,
    /// The answer that says "this token is dead": one test, or a list of which any counts.
    pub rejected: OneOrMany<TestSpec>,
    /// Where the token goes, in place of `Authorization: Bearer …`.
    pub apply: Option<OneOrMany<Apply>>,
    /// Whether a request that brings its own Authorization is left alone.
    #[schemars(extend("x-planned" = true))]
    pub unless_present: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            token_response: TokenResponse::default(),
            refresh_before: RefreshBefore::default(),
            assume_expires_in: Period::secs(3600),
            refresh_token_idle_expiry: None,
            refresh_token_max_age: None,
            timeout: Period::secs(30),
            on_lost_answer: OnLostAnswer::Retry,
            rejected: rejected(),
            apply: None,
            unless_present: false,
        }
    }
}

/// Where in the token answer things stand: expressions over its body.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenResponse {
    /// The access token.
    #[schemars(extend("default" = "access_token"))]
    pub access_token: Option<Expr>,
    /// The refresh token; nothing: the old one stays.
    #[schemars(extend("default" = "refresh_token"))]
    pub refresh_token: Option<Expr>,
    /// In how many seconds the refresh token ends.
    pub refresh_token_expires_in: Option<Expr>,
    /// When the refresh token ends.
    pub refresh_token_expires_at: Option<Expr>,
    /// In how many seconds the access token ends, number or text.
    #[schemars(extend("default" = "expires_in"))]
    pub expires_in: Option<Expr>,
    /// When the access token ends: seconds, milliseconds or ISO 8601.
    pub expires_at: Option<Expr>,
    /// The error's code; what yields `invalid_grant` refuses the grant.
    #[schemars(extend("default" = "error"))]
    pub error: Option<Expr>,
    /// Kept with the token as `account.vars`; nothing: the earlier value stays.
    pub vars: IndexMap<String, Expr>,
}

impl Default for TokenResponse {
    fn default() -> Self {
        Self {
            access_token: Expr::known("access_token"),
            refresh_token: Expr::known("refresh_token"),
            refresh_token_expires_in: None,
            refresh_token_expires_at: None,
            expires_in: Expr::known("expires_in"),
            expires_at: None,
            error: Expr::known("error"),
            vars: IndexMap::new(),
        }
    }
}

/// How the client tells the token endpoint who it is (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// `client_id` and `client_secret` among the fields.
    #[default]
    Body,
    /// HTTP Basic.
    Basic,
    /// `client_id` alone.
    None,
}

/// Where the fields of a token request stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenBody {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// A JSON object.
    Json,
    /// The query.
    Query,
}

/// The window before a token's end in which it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshBefore {
    /// At the latest so long before.
    pub min: Period,
    /// At the earliest so long before.
    pub max: Period,
}

impl Default for RefreshBefore {
    fn default() -> Self {
        Self {
            min: Period::secs(60),
            max: Period::secs(180),
        }
    }
}

/// What is done when a refresh was sent and no answer came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLostAnswer {
    /// It is sent again: many vendors take the last refresh token once more for a while.
    #[default]
    Retry,
    /// Only once the access token is over: a reuse revokes the grant.
    Defer,
}

/// A token bought with any request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TokenRequest {
    /// The request, or several in order, all or nothing.
    pub request: OneOrMany<Request>,
    /// Sent while there is a refresh token; without it, or refused, `request` again.
    #[serde(default)]
    pub refresh_request: Option<OneOrMany<Request>>,
    /// What is common to all tokens that are bought.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// One request towards a token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The name by which later ones find its answer: `{{steps.ID.body.…}}`.
    #[serde(default)]
    pub id: Option<String>,
    /// POST where there is a body, else GET.
    #[serde(default)]
    pub method: Option<Method>,
    /// Where it goes.
    pub url: UrlText,
    /// Its header fields.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "header-name"}))]
    pub headers: IndexMap<String, Text>,
    /// Query parameters.
    #[serde(default)]
    pub query: IndexMap<String, TemplateValue>,
    /// A JSON body.
    #[serde(default)]
    pub json: Option<TemplateValue>,
    /// An urlencoded body.
    #[serde(default)]
    pub form: Option<IndexMap<String, TemplateValue>>,
    /// Any other body.
    #[serde(default)]
    pub text: Option<Text>,
}
