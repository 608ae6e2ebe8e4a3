//! The kinds of credentials, as data.

use std::time::Duration;

use http::{HeaderName, Method};
use indexmap::IndexMap;
use leeward_expression::{Expression, Names, Template};

use crate::{Basic, Params, Secrets};

/// How a provider is authenticated to.
#[derive(Debug, Clone, Default)]
pub enum Scheme {
    /// Not at all.
    #[default]
    None,
    /// A key that the account gives, put where `apply` says.
    ApiKey,
    /// RFC 7617.
    Basic(Basic),
    /// A token that is given or computed (RFC 6750).
    Bearer(Bearer),
    /// A grant with a refresh token (RFC 6749, section 6).
    OAuth2(Box<TokenEndpoint>),
    /// A token bought with the client's own credentials (RFC 6749, section 4.4).
    ClientCredentials(Box<TokenEndpoint>),
}

/// A token that is given or computed.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// The token. Default `{{credentials.token}}`. One that is computed is kept for `assume_expires_in`; one that uses
    /// `request` is made for each request.
    pub token: Template,
    /// How long a computed token lives. Default 1 h.
    pub assume_expires_in: Duration,
}

/// Where tokens are bought, and how.
#[derive(Debug, Clone)]
pub struct TokenEndpoint {
    /// The URL.
    pub token_url: Template,
    /// The client; may be the account's own (`{{credentials.client_id}}`).
    pub client_id: Option<Template>,
    /// The client's secret.
    pub client_secret: Option<Template>,
    /// How the client shows who it is. Default: body.
    pub client_auth: ClientAuth,
    /// Default POST.
    pub method: Method,
    /// How fields are sent. Default: form.
    pub body: BodyForm,
    /// Further headers; one without a value falls away.
    pub headers: Vec<(HeaderName, Template)>,
    /// Further fields (`scope`, `audience`); one without a value falls away, `None` takes the type's own away.
    pub params: Params,
    /// Likewise, over `params`, on refresh.
    pub refresh_params: Params,
    /// Where the answer holds what.
    pub response: TokenResponse,
    /// The lifetime of a token whose answer tells none. Default 1 h; `None`: for ever.
    pub assume_expires_in: Option<Duration>,
    /// How long the grant lives if it is not used; it is refreshed in time.
    pub refresh_token_idle_expiry: Option<Duration>,
}

/// How the client shows who it is (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// `client_id` and `client_secret` among the fields.
    #[default]
    Body,
    /// `Authorization: Basic`, both form-encoded before.
    Basic,
    /// `client_id` alone.
    None,
}

/// How the fields of a token request are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyForm {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// A JSON object.
    Json,
    /// In the URL's query, without a body.
    Query,
}

/// Where a value stands in a token answer.
#[derive(Debug, Clone)]
pub enum Read {
    /// A member of the answer.
    Member(&'static str),
    /// An expression over the answer (text if it is not JSON), beside it `$response`, `$cookies`, `$steps` and `$token`.
    Expression(Expression),
}

/// Where a token answer holds what.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    /// Default `access_token`.
    pub access_token: Read,
    /// Default `refresh_token`; nothing: the old one stays.
    pub refresh_token: Read,
    /// Seconds, a number or a text. Default `expires_in`.
    pub expires_in: Read,
    /// A time: seconds, milliseconds or ISO 8601. Before `expires_in`.
    pub expires_at: Option<Read>,
    /// Seconds. Default `refresh_token_expires_in`.
    pub refresh_token_expires_in: Read,
    /// A time. Before `refresh_token_expires_in`.
    pub refresh_token_expires_at: Option<Read>,
    /// What refuses the grant if it is `invalid_grant`. Default `error`.
    pub error: Read,
    /// Variables to keep; nothing: the earlier value stays.
    pub vars: IndexMap<String, Expression>,
}

impl Default for TokenResponse {
    fn default() -> Self {
        Self {
            access_token: Read::Member("access_token"),
            refresh_token: Read::Member("refresh_token"),
            expires_in: Read::Member("expires_in"),
            expires_at: None,
            refresh_token_expires_in: Read::Member("refresh_token_expires_in"),
            refresh_token_expires_at: None,
            error: Read::Member("error"),
            vars: IndexMap::new(),
        }
    }
}

/// The default of `assume_expires_in`.
const HOUR: Duration = Duration::from_secs(3_600);

impl TokenEndpoint {
    /// An endpoint with all defaults and no client.
    #[must_use]
    pub fn new(token_url: Template) -> Self {
        Self {
            token_url,
            client_id: None,
            client_secret: None,
            client_auth: ClientAuth::default(),
            method: Method::POST,
            body: BodyForm::default(),
            headers: Vec::new(),
            params: Params::new(),
            refresh_params: Params::new(),
            response: TokenResponse::default(),
            assume_expires_in: Some(HOUR),
            refresh_token_idle_expiry: None,
        }
    }

    /// All its templates.
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let params = self.params.values().chain(self.refresh_params.values());
        std::iter::once(&self.token_url)
            .chain(&self.client_id)
            .chain(&self.client_secret)
            .chain(self.headers.iter().map(|(_, template)| template))
            .chain(params.flatten().flat_map(|tree| tree.templates()))
    }
}

impl Default for Bearer {
    fn default() -> Self {
        Self {
            token: own("token"),
            assume_expires_in: HOUR,
        }
    }
}

impl Bearer {
    /// Whether the token is made once and kept: computed, and not from the request.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.token.is_computed() && !self.token.names().contains("request")
    }
}

/// `{{credentials.<name>}}`.
pub(crate) fn own(name: &str) -> Template {
    let source = format!("{{{{credentials.{name}}}}}");
    // A template of plain names parses; a test holds that for each that this crate makes.
    Template::parse(&source).unwrap_or_else(|_| Template::literal(""))
}

impl Scheme {
    /// The word for it in a provider's file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ApiKey => "api_key",
            Self::Basic(_) => "basic",
            Self::Bearer(_) => "bearer",
            Self::OAuth2(_) => "oauth2",
            Self::ClientCredentials(_) => "client_credentials",
        }
    }

    /// Where it buys tokens.
    #[must_use]
    pub fn endpoint(&self) -> Option<&TokenEndpoint> {
        match self {
            Self::OAuth2(endpoint) | Self::ClientCredentials(endpoint) => Some(endpoint),
            _ => None,
        }
    }

    /// Whether a new credential can be bought or made from these secrets.
    #[must_use]
    pub fn renewable(&self, secrets: &Secrets) -> bool {
        match self {
            Self::None | Self::ApiKey | Self::Basic(_) => false,
            Self::Bearer(bearer) => bearer.is_kept(),
            Self::OAuth2(_) => secrets.refresh_token().is_some(),
            Self::ClientCredentials(_) => true,
        }
    }

    /// Whether requests carry something that must be bought or made before.
    #[must_use]
    pub fn has_token(&self) -> bool {
        match self {
            Self::None | Self::ApiKey | Self::Basic(_) => false,
            Self::Bearer(bearer) => bearer.is_kept(),
            Self::OAuth2(_) | Self::ClientCredentials(_) => true,
        }
    }

    /// Whether it reads anything of an account. One that does not needs no account.
    #[must_use]
    pub fn needs_account(&self) -> bool {
        let mut names = Names::default();
        match self {
            Self::None => return false,
            // A key or a grant is an account's by its nature.
            Self::ApiKey | Self::OAuth2(_) => return true,
            Self::Basic(basic) => {
                names.extend(basic.username.names());
                names.extend(basic.password.names());
            }
            Self::Bearer(bearer) => names.extend(bearer.token.names()),
            Self::ClientCredentials(endpoint) => {
                endpoint
                    .templates()
                    .for_each(|template| names.extend(template.names()));
            }
        }
        names.contains("account") || names.contains("credentials")
    }

    /// Whether the client is the account's own: then `invalid_client` is the account's fault, else the provider is
    /// misconfigured.
    #[must_use]
    pub fn client_is_accounts(&self) -> bool {
        self.endpoint().is_some_and(|endpoint| {
            let mut client = endpoint.client_id.iter().chain(&endpoint.client_secret);
            client.any(|template| template.names().contains("credentials"))
        })
    }
}
