//! From settings and secrets to the token request.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Request, Uri};
use leeward_expression::{Place, RenderFault, Rendered, Scope, Template};
use serde_json::Value;

use crate::basic::basic_header;
use crate::params::{Params, encode_fields, form_encode, query_encode};
use crate::scheme::{BodyForm, ClientAuth, Scheme, TokenEndpoint};
use crate::{Incomplete, Inputs, Map};

/// What is asked of a token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// A new token for a refresh token (RFC 6749, section 6).
    Refresh,
    /// A token for the client itself (RFC 6749, section 4.4).
    ClientCredentials,
}

impl Scheme {
    /// The request that buys a token; `None` for a type that buys none.
    ///
    /// # Errors
    /// [`Incomplete`] names what the account lacks, or has in a form that its place refuses.
    pub fn token_request(&self, inputs: &Inputs) -> Result<Option<Request<Bytes>>, Incomplete> {
        match self {
            Self::OAuth2(endpoint) => endpoint.request(inputs, Ask::Refresh).map(Some),
            Self::ClientCredentials(endpoint) => {
                endpoint.request(inputs, Ask::ClientCredentials).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl TokenEndpoint {
    /// The inputs with `client` filled from the client's templates.
    ///
    /// # Errors
    /// A client without the id or the secret that its template promises.
    pub fn with_client(&self, inputs: &Inputs) -> Result<Inputs, Incomplete> {
        let scope = inputs.scope();
        let part = |template: &Option<Template>, name| {
            template
                .as_ref()
                .map(|template| text(template, &scope, Place::Raw, name))
                .transpose()
        };
        let id = part(&self.client_id, "client_id")?;
        let secret = match self.client_auth {
            // A public client has none, whatever the file says.
            ClientAuth::None => None,
            ClientAuth::Body | ClientAuth::Basic => part(&self.client_secret, "client_secret")?,
        };
        Ok(inputs.clone().client(id.as_deref(), secret.as_deref()))
    }

    /// The request.
    ///
    /// # Errors
    /// [`Incomplete`] names what the account lacks, or has in a form that its place refuses.
    pub fn request(&self, inputs: &Inputs, ask: Ask) -> Result<Request<Bytes>, Incomplete> {
        let inputs = self.with_client(inputs)?;
        let scope = inputs.scope();
        let url = text(&self.token_url, &scope, Place::Url, "token_url")?;
        let mut fields = self.own_fields(&scope, ask)?;
        add(&mut fields, &self.params, &scope)?;
        if ask == Ask::Refresh {
            add(&mut fields, &self.refresh_params, &scope)?;
        }

        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let (uri, body) = match self.body {
            BodyForm::Query => (
                with_query(&url, &encode_fields(&fields, query_encode))?,
                Bytes::new(),
            ),
            BodyForm::Form => {
                let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.insert(CONTENT_TYPE, form);
                (
                    with_query(&url, "")?,
                    encode_fields(&fields, form_encode).into(),
                )
            }
            BodyForm::Json => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                (
                    with_query(&url, "")?,
                    Value::Object(fields).to_string().into(),
                )
            }
        };
        if self.client_auth == ClientAuth::Basic {
            headers.insert(AUTHORIZATION, client_header(&scope)?);
        }
        for (name, template) in &self.headers {
            if let Some(value) = header(name, template, &scope)? {
                headers.insert(name, value);
            }
        }

        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// The fields that the protocol itself has.
    fn own_fields(&self, scope: &Scope<'_>, ask: Ask) -> Result<Map, Incomplete> {
        let mut fields = Map::new();
        match ask {
            Ask::Refresh => {
                let token = scope.get("refresh_token").ok_or_else(|| Incomplete {
                    missing: "credentials.refresh_token".into(),
                })?;
                fields.insert("grant_type".into(), "refresh_token".into());
                fields.insert("refresh_token".into(), token.clone());
            }
            Ask::ClientCredentials => {
                fields.insert("grant_type".into(), "client_credentials".into());
            }
        }
        let client = |name: &str| {
            scope
                .get("client")
                .and_then(|client| client.get(name))
                .cloned()
        };
        if self.client_auth != ClientAuth::Basic {
            if let Some(id) = client("id") {
                fields.insert("client_id".into(), id);
            }
            if let Some(secret) = client("secret") {
                fields.insert("client_secret".into(), secret);
            }
        }
        Ok(fields)
    }
}

/// `Authorization` of the client: both parts are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn client_header(scope: &Scope<'_>) -> Result<HeaderValue, Incomplete> {
    let part = |name: &str| {
        let value = scope.get("client").and_then(|client| client.get(name));
        form_encode(value.and_then(Value::as_str).unwrap_or_default())
    };
    basic_header(&part("id"), &part("secret"))
}

/// Sets or takes away fields; one without a value falls away.
fn add(fields: &mut Map, params: &Params, scope: &Scope<'_>) -> Result<(), Incomplete> {
    for (name, param) in params {
        match param {
            None => {
                fields.shift_remove(name);
            }
            Some(tree) => {
                if let Some(value) = tree
                    .resolve(scope)
                    .map_err(|fault| incomplete(&fault, name))?
                {
                    fields.insert(name.clone(), value);
                }
            }
        }
    }
    Ok(())
}

/// The URL as an absolute URI with further parameters, without a fragment.
fn with_query(url: &str, query: &str) -> Result<Uri, Incomplete> {
    let url = url.split('#').next().unwrap_or(url);
    let url = match (query, url.contains('?')) {
        ("", _) => url.to_owned(),
        (query, true) => format!("{url}&{query}"),
        (query, false) => format!("{url}?{query}"),
    };
    let uri: Option<Uri> = url.parse().ok();
    uri.filter(|uri| uri.authority().is_some())
        .ok_or_else(|| Incomplete {
            missing: "token_url".into(),
        })
}

/// A header; `None` if it has no value.
pub(crate) fn header(
    name: &HeaderName,
    template: &Template,
    scope: &Scope<'_>,
) -> Result<Option<HeaderValue>, Incomplete> {
    let rendered = template
        .render(scope, Place::Header)
        .map_err(|fault| incomplete(&fault, name.as_str()))?;
    let Some(text) = rendered.into_text() else {
        return Ok(None);
    };
    let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Incomplete {
        missing: template.paths().next().unwrap_or(name.as_str()).to_owned(),
    })?;
    // Whether it is a secret cannot be seen, so it is taken for one.
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The text of a template that must have one and not be empty; `name` is what is missing if no more is known.
pub(crate) fn text(
    template: &Template,
    scope: &Scope<'_>,
    place: Place,
    name: &str,
) -> Result<String, Incomplete> {
    match template.render(scope, place) {
        Ok(Rendered::Text(text)) if !text.is_empty() => Ok(text),
        Ok(Rendered::Text(_)) => Err(Incomplete {
            missing: joined(template.paths(), name),
        }),
        Ok(Rendered::Nothing { missing }) => Err(Incomplete {
            missing: joined(missing.iter().map(String::as_str), name),
        }),
        Err(fault) => Err(incomplete(&fault, name)),
    }
}

/// The text of a template that must have one, which may be empty.
pub(crate) fn text_or_empty(
    template: &Template,
    scope: &Scope<'_>,
    place: Place,
    name: &str,
) -> Result<String, Incomplete> {
    match template.render(scope, place) {
        Ok(Rendered::Text(text)) if text.is_empty() => Ok(text),
        _ => text(template, scope, place, name),
    }
}

/// A template that failed, as what is missing: its names, or `name` if it has none.
pub(crate) fn incomplete(fault: &RenderFault, name: &str) -> Incomplete {
    Incomplete {
        missing: joined(fault.names().iter().map(String::as_str), name),
    }
}

fn joined<'n>(names: impl Iterator<Item = &'n str>, otherwise: &str) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        otherwise.to_owned()
    } else {
        names.join(", ")
    }
}
