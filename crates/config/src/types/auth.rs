//! `auth`: how a provider is told who calls.

use std::borrow::Cow;

use indexmap::IndexMap;
use leeward_rate_limit_normalize::spec::{StatusSpec, TestSpec};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{OAuth2, OneOrMany, TemplateValue, Text, TokenRequest, tagged};
use crate::units::Period;

/// How a provider is told who calls.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Auth {
    /// A token that a refresh token renews.
    #[serde(rename = "oauth2")]
    OAuth2(Box<OAuth2>),
    /// A token that the client buys for itself.
    ClientCredentials(Box<OAuth2>),
    /// A token that any request buys.
    TokenRequest(Box<TokenRequest>),
    /// A given key.
    ApiKey(Box<ApiKey>),
    /// User name and password.
    Basic(Box<Basic>),
    /// A given or computed token.
    Bearer(Box<Bearer>),
    /// RFC 5849.
    #[serde(rename = "oauth1")]
    OAuth1(Box<OAuth1>),
    /// AWS Signature Version 4.
    #[serde(rename = "aws_sigv4")]
    AwsSigV4(Box<AwsSigV4>),
    /// Nothing is applied.
    None(NoAuth),
}

impl Default for Auth {
    fn default() -> Self {
        Self::None(NoAuth {})
    }
}

impl Auth {
    /// The value of `type`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OAuth2(_) => "oauth2",
            Self::ClientCredentials(_) => "client_credentials",
            Self::TokenRequest(_) => "token_request",
            Self::ApiKey(_) => "api_key",
            Self::Basic(_) => "basic",
            Self::Bearer(_) => "bearer",
            Self::OAuth1(_) => "oauth1",
            Self::AwsSigV4(_) => "aws_sigv4",
            Self::None(_) => "none",
        }
    }

    /// The tests that say "this token is dead"; none where nothing is applied.
    #[must_use]
    pub fn rejected(&self) -> &[TestSpec] {
        match self {
            Self::OAuth2(auth) | Self::ClientCredentials(auth) => &auth.tokens.rejected,
            Self::TokenRequest(auth) => &auth.tokens.rejected,
            Self::ApiKey(auth) => &auth.rejected,
            Self::Basic(auth) => &auth.rejected,
            Self::Bearer(auth) => &auth.rejected,
            Self::OAuth1(auth) => &auth.rejected,
            Self::AwsSigV4(auth) => &auth.rejected,
            Self::None(_) => &[],
        }
    }

    /// Where the credential goes, if the file says so; else it is the type's own place.
    #[must_use]
    pub fn apply(&self) -> Option<&[Apply]> {
        match self {
            Self::OAuth2(auth) | Self::ClientCredentials(auth) => auth.tokens.apply.as_deref(),
            Self::TokenRequest(auth) => auth.tokens.apply.as_deref(),
            Self::ApiKey(auth) => Some(&auth.apply),
            Self::Basic(auth) => auth.apply.as_deref(),
            Self::Bearer(auth) => auth.apply.as_deref(),
            Self::OAuth1(_) | Self::AwsSigV4(_) | Self::None(_) => None,
        }
    }
}

impl JsonSchema for Auth {
    fn schema_name() -> Cow<'static, str> {
        "Auth".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let branches = [
            tagged::<OAuth2>(generator, "oauth2", false),
            tagged::<OAuth2>(generator, "client_credentials", false),
            tagged::<TokenRequest>(generator, "token_request", true),
            tagged::<ApiKey>(generator, "api_key", false),
            tagged::<Basic>(generator, "basic", false),
            tagged::<Bearer>(generator, "bearer", false),
            tagged::<OAuth1>(generator, "oauth1", true),
            tagged::<AwsSigV4>(generator, "aws_sigv4", true),
            tagged::<NoAuth>(generator, "none", false),
        ];
        json_schema!({"description": "How a provider is told who calls.", "oneOf": branches})
    }
}

/// A `401`.
pub(super) fn rejected() -> OneOrMany<TestSpec> {
    OneOrMany(vec![TestSpec {
        status: Some(StatusSpec::from(401)),
        ..TestSpec::default()
    }])
}

/// A place at which a credential is put on a request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Apply {
    /// A header field.
    Header {
        /// Its name.
        #[schemars(extend("format" = "header-name"))]
        header: String,
        /// Its value.
        #[schemars(extend("writeOnly" = true))]
        value: Text,
    },
    /// Query parameters.
    Query {
        /// Their names and values.
        query: IndexMap<String, Text>,
    },
    /// Members merged into JSON and form bodies; other bodies pass unchanged.
    Body {
        /// Their names and values.
        body: IndexMap<String, TemplateValue>,
    },
}

/// A given key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Where the key goes, such as `{header: X-Api-Key, value: "{{credentials.api_key}}"}`.
    pub apply: OneOrMany<Apply>,
    /// The answer that says "this key is dead".
    #[serde(default = "rejected")]
    pub rejected: OneOrMany<TestSpec>,
    /// Whether a request that brings its own Authorization is left alone.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub unless_present: bool,
}

/// User name and password (RFC 7617).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Basic {
    /// The user name; `{{credentials.username}}` unless given.
    pub username: Option<Text>,
    /// The password; `{{credentials.password}}` unless given.
    #[schemars(extend("writeOnly" = true))]
    pub password: Option<Text>,
    /// Where the credential goes, in place of `Authorization: Basic …`.
    pub apply: Option<OneOrMany<Apply>>,
    /// The answer that says "this password is dead".
    pub rejected: OneOrMany<TestSpec>,
    /// Whether a request that brings its own Authorization is left alone.
    #[schemars(extend("x-planned" = true))]
    pub unless_present: bool,
}

impl Default for Basic {
    fn default() -> Self {
        Self {
            username: None,
            password: None,
            apply: None,
            rejected: rejected(),
            unless_present: false,
        }
    }
}

/// A given or computed token (RFC 6750).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bearer {
    /// The token; `{{credentials.token}}` unless given. A computed one is kept, and made anew
    /// before `assume_expires_in`; one that uses `request`, for each request.
    #[schemars(extend("writeOnly" = true))]
    pub token: Option<Text>,
    /// How long a computed token lives.
    #[schemars(extend("x-minimum" = "1s"))]
    pub assume_expires_in: Period,
    /// Where the token goes, in place of `Authorization: Bearer …`.
    pub apply: Option<OneOrMany<Apply>>,
    /// The answer that says "this token is dead".
    pub rejected: OneOrMany<TestSpec>,
    /// Whether a request that brings its own Authorization is left alone.
    #[schemars(extend("x-planned" = true))]
    pub unless_present: bool,
}

impl Default for Bearer {
    fn default() -> Self {
        Self {
            token: None,
            assume_expires_in: Period::secs(3600),
            apply: None,
            rejected: rejected(),
            unless_present: false,
        }
    }
}

/// Signed requests (RFC 5849).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth1 {
    /// The client.
    pub client_id: Text,
    /// Its secret.
    #[schemars(extend("writeOnly" = true))]
    pub client_secret: Text,
    /// The token; `{{credentials.token}}` unless given.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub token: Option<Text>,
    /// Its secret; `{{credentials.token_secret}}` unless given.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub token_secret: Option<Text>,
    /// How requests are signed.
    #[serde(default)]
    pub signature: Signature,
    /// The realm in the Authorization header.
    #[serde(default)]
    pub realm: Option<Text>,
    /// The answer that says "this token is dead".
    #[serde(default = "rejected")]
    pub rejected: OneOrMany<TestSpec>,
    /// Whether a request that brings its own Authorization is left alone.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub unless_present: bool,
}

/// How OAuth 1 signs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Signature {
    /// HMAC with SHA-1.
    #[default]
    #[serde(rename = "HMAC-SHA1")]
    HmacSha1,
    /// HMAC with SHA-256.
    #[serde(rename = "HMAC-SHA256")]
    HmacSha256,
    /// The secrets themselves.
    #[serde(rename = "PLAINTEXT")]
    Plaintext,
}

/// AWS Signature Version 4; each defaults to the credential of its name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AwsSigV4 {
    /// The access key's id.
    pub access_key: Option<Text>,
    /// The secret key.
    #[schemars(extend("writeOnly" = true))]
    pub secret_key: Option<Text>,
    /// The session's token, if the keys are temporary.
    #[schemars(extend("writeOnly" = true))]
    pub session_token: Option<Text>,
    /// The region, as `eu-west-1`.
    pub region: Option<Text>,
    /// The service, as `execute-api`.
    pub service: Option<Text>,
    /// The answer that says "this key is dead".
    pub rejected: OneOrMany<TestSpec>,
    /// Whether a request that brings its own Authorization is left alone.
    #[schemars(extend("x-planned" = true))]
    pub unless_present: bool,
}

impl Default for AwsSigV4 {
    fn default() -> Self {
        Self {
            access_key: None,
            secret_key: None,
            session_token: None,
            region: None,
            service: None,
            rejected: rejected(),
            unless_present: false,
        }
    }
}

/// Nothing is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoAuth {}
