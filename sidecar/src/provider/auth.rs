//! The file's `auth` section becomes a scheme.

use std::sync::Arc;

use http::HeaderName;
use leeward_auth_refresh::{Backoff, OnLostAnswer, RefreshBefore, RefreshPolicy};
use leeward_auth_schemes::{
    Basic, Bearer, BodyForm, ClientAuth, Params, Placement, ProviderAuth, Read, Scheme,
    TokenEndpoint, TokenResponse, Tree, Where,
};
use leeward_config::types as config;

/// Compiles the section; `without` leaves tokens as they were given.
///
/// # Errors
/// What this version cannot do, in words.
pub(super) fn compile(auth: &config::Auth, without: bool) -> Result<Arc<ProviderAuth>, String> {
    let apply = auth.apply().unwrap_or_default();
    let placements = apply
        .iter()
        .map(placements)
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let (scheme, policy) = match auth {
        config::Auth::OAuth2(auth) if without => {
            // Never renewed: what was given is used until the vendor refuses it.
            let given = Bearer {
                token: leeward_expression::Template::parse("{{credentials.access_token}}")
                    .map_err(|fault| fault.to_string())?,
                ..Bearer::default()
            };
            (Scheme::Bearer(given), policy(&auth.tokens))
        }
        config::Auth::OAuth2(auth) => (
            Scheme::OAuth2(Box::new(endpoint(auth)?)),
            policy(&auth.tokens),
        ),
        config::Auth::ClientCredentials(auth) => (
            Scheme::ClientCredentials(Box::new(endpoint(auth)?)),
            policy(&auth.tokens),
        ),
        config::Auth::ApiKey(_) => (Scheme::ApiKey, RefreshPolicy::default()),
        config::Auth::Basic(auth) => {
            let default = Basic::default();
            let basic = Basic {
                username: auth
                    .username
                    .as_ref()
                    .map_or(default.username, |t| t.0.clone()),
                password: auth
                    .password
                    .as_ref()
                    .map_or(default.password, |t| t.0.clone()),
            };
            (Scheme::Basic(basic), RefreshPolicy::default())
        }
        config::Auth::Bearer(auth) => {
            let default = Bearer::default();
            let bearer = Bearer {
                token: auth.token.as_ref().map_or(default.token, |t| t.0.clone()),
                assume_expires_in: auth.assume_expires_in.0,
            };
            (Scheme::Bearer(bearer), RefreshPolicy::default())
        }
        config::Auth::None(_) => (Scheme::None, RefreshPolicy::default()),
        config::Auth::TokenRequest(_) | config::Auth::OAuth1(_) | config::Auth::AwsSigV4(_) => {
            return Err(format!("auth type {} is not in this version", auth.kind()));
        }
    };
    ProviderAuth::new(scheme, placements, policy)
        .map(Arc::new)
        .map_err(|fault| fault.to_string())
}

fn endpoint(auth: &config::OAuth2) -> Result<TokenEndpoint, String> {
    let mut endpoint = TokenEndpoint::new(auth.token_url.0.clone());
    endpoint.client_id = Some(auth.client_id.0.clone());
    endpoint.client_secret = auth.client_secret.as_ref().map(|text| text.0.clone());
    endpoint.client_auth = match auth.client_auth {
        config::ClientAuth::Body => ClientAuth::Body,
        config::ClientAuth::Basic => ClientAuth::Basic,
        config::ClientAuth::None => ClientAuth::None,
    };
    endpoint.method = auth.method.0.clone();
    endpoint.body = match auth.body {
        config::TokenBody::Form => BodyForm::Form,
        config::TokenBody::Json => BodyForm::Json,
        config::TokenBody::Query => BodyForm::Query,
    };
    endpoint.headers = auth
        .headers
        .iter()
        .map(|(name, text)| Ok((header_name(name)?, text.0.clone())))
        .collect::<Result<_, String>>()?;
    endpoint.params = params(&auth.params);
    endpoint.refresh_params = params(&auth.refresh_params);
    endpoint.response = response(&auth.tokens.token_response);
    endpoint.assume_expires_in = Some(auth.tokens.assume_expires_in.0);
    endpoint.refresh_token_idle_expiry = auth.tokens.refresh_token_idle_expiry.map(|p| p.0);
    Ok(endpoint)
}

fn response(file: &config::TokenResponse) -> TokenResponse {
    let default = TokenResponse::default();
    let read = |expr: &Option<config::Expr>, otherwise: Read| {
        expr.as_ref()
            .map_or(otherwise, |expr| Read::Expression(expr.0.clone()))
    };
    let some =
        |expr: &Option<config::Expr>| expr.as_ref().map(|expr| Read::Expression(expr.0.clone()));
    TokenResponse {
        access_token: read(&file.access_token, default.access_token),
        refresh_token: read(&file.refresh_token, default.refresh_token),
        expires_in: read(&file.expires_in, default.expires_in),
        expires_at: some(&file.expires_at),
        refresh_token_expires_in: read(
            &file.refresh_token_expires_in,
            default.refresh_token_expires_in,
        ),
        refresh_token_expires_at: some(&file.refresh_token_expires_at),
        error: read(&file.error, default.error),
        vars: file
            .vars
            .iter()
            .map(|(name, expr)| (name.clone(), expr.0.clone()))
            .collect(),
    }
}

fn policy(tokens: &config::Tokens) -> RefreshPolicy {
    let default = RefreshPolicy::default();
    RefreshPolicy {
        before: RefreshBefore {
            min: tokens.refresh_before.min.0,
            max: tokens.refresh_before.max.0,
        },
        timeout: tokens.timeout.0,
        on_lost_answer: match tokens.on_lost_answer {
            config::OnLostAnswer::Retry => OnLostAnswer::Retry,
            config::OnLostAnswer::Defer => OnLostAnswer::Defer,
        },
        backoff: Backoff { ..default.backoff },
        reauth: Backoff { ..default.reauth },
    }
}

fn placements(apply: &config::Apply) -> Result<Vec<Placement>, String> {
    Ok(match apply {
        config::Apply::Header { header, value } => vec![Placement {
            at: Where::Header(header_name(header)?),
            value: value.0.clone(),
        }],
        config::Apply::Query { query } => query
            .iter()
            .map(|(name, text)| Placement {
                at: Where::Query(name.clone()),
                value: text.0.clone(),
            })
            .collect(),
        config::Apply::Body { body } => body
            .iter()
            .map(|(name, value)| match value {
                config::TemplateValue::Text(text) => Ok(Placement {
                    at: Where::Body(name.clone()),
                    value: text.0.clone(),
                }),
                _ => Err(format!("auth.apply.body.{name} must be a text")),
            })
            .collect::<Result<_, String>>()?,
    })
}

fn params(fields: &indexmap::IndexMap<String, config::TemplateValue>) -> Params {
    fields
        .iter()
        .map(|(name, value)| {
            let tree = match value {
                config::TemplateValue::Null => None,
                value => Some(tree(value)),
            };
            (name.clone(), tree)
        })
        .collect()
}

fn tree(value: &config::TemplateValue) -> Tree {
    match value {
        config::TemplateValue::Null => Tree::Value(serde_json::Value::Null),
        config::TemplateValue::Bool(value) => Tree::Value((*value).into()),
        config::TemplateValue::Number(number) => Tree::Value(number.clone().into()),
        config::TemplateValue::Text(text) => Tree::Template(text.0.clone()),
        config::TemplateValue::List(items) => Tree::List(items.iter().map(tree).collect()),
        config::TemplateValue::Map(members) => Tree::Object(
            members
                .iter()
                .map(|(name, member)| (name.clone(), tree(member)))
                .collect(),
        ),
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::try_from(name).map_err(|_| format!("{name:?} is no header name"))
}
