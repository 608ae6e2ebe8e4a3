//! The admin listener: accounts, providers, what the layers know, reload and drain.

mod accounts;
mod answer;
mod state;

use std::sync::Arc;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::accounts::Accounts;
use crate::body::Body;
use crate::code::Code;
use crate::drain::Drain;
use crate::error::BoxError;
use crate::registry::Registry;
use crate::reload::Reloader;
use answer::{AdminAnswer, refuse};

/// The largest body that is read.
const MOST: usize = 1024 * 1024;

/// What the admin listener serves from.
pub struct Admin {
    /// The providers.
    pub registry: Arc<Registry>,
    /// The accounts.
    pub accounts: Accounts,
    /// Reads the configuration again.
    pub reloader: Arc<Reloader>,
    /// Ends the process.
    pub drain: Drain,
    /// The bearer token; without one, changes are taken on a Unix socket alone.
    pub token: Option<SecretString>,
    /// `leeward.yaml`, without its secrets.
    pub process: Value,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

/// A request, whole.
struct Asked<'a> {
    method: &'a Method,
    path: Vec<String>,
    query: &'a str,
    body: Bytes,
}

impl Admin {
    /// Answers one request. Who came over a Unix socket has passed its file's mode, and needs no
    /// token.
    pub async fn handle<B>(&self, request: Request<B>, over_unix: bool) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        if let Some(refusal) = self.refusal(&request, over_unix) {
            return refusal;
        }
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MOST).collect().await else {
            let why = "the body is over 1 MiB, or broke off";
            return refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::PayloadTooLargeRequest,
                why,
            );
        };
        let asked = Asked {
            method: &head.method,
            path: segments(head.uri.path()),
            query: head.uri.query().unwrap_or_default(),
            body: body.to_bytes(),
        };
        self.route(&asked).await.into_response()
    }

    /// Why the request may not come in, if it may not.
    fn refusal<B>(&self, request: &Request<B>, over_unix: bool) -> Option<Response<Body>> {
        if over_unix {
            return None;
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let Some(token) = &self.token else {
            return (!reads).then(|| {
                refuse(
                    StatusCode::UNAUTHORIZED,
                    Code::Unauthorized,
                    "without admin_token changes are taken on a Unix socket alone: set admin_token, or listen.admin: unix:/path",
                )
            });
        };
        let given = request.headers().get(AUTHORIZATION);
        let given = given
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let right = given.is_some_and(|given| {
            crate::secret::same(given.as_bytes(), token.expose_secret().as_bytes())
        });
        let why = "the bearer token is missing or wrong";
        (!right).then(|| refuse(StatusCode::UNAUTHORIZED, Code::Unauthorized, why))
    }

    async fn route(&self, asked: &Asked<'_>) -> AdminAnswer {
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        let method = asked.method.as_str();
        match (method, path.as_slice()) {
            ("GET", ["accounts"]) => self.list_accounts(asked).await,
            ("PUT", ["accounts", id]) => self.put_account(id, asked).await,
            ("GET", ["accounts", id]) => self.get_account(id).await,
            ("DELETE", ["accounts", id]) => self.delete_account(id).await,
            ("POST", ["accounts", id, "refresh"]) => self.refresh_account(id).await,
            ("POST", ["accounts", id, "disable"]) => self.switch_account(id, false).await,
            ("POST", ["accounts", id, "enable"]) => self.switch_account(id, true).await,
            ("GET", ["providers"]) => self.providers().await,
            ("GET", ["breakers"]) => self.breakers(),
            ("POST", ["breakers", key, "reset"]) => self.reset_breaker(None, key),
            ("POST", ["breakers", provider, key, "reset"]) => {
                self.reset_breaker(Some(provider), key)
            }
            ("GET", ["limits"]) => self.limits(),
            ("GET", ["config"]) => self.config(),
            ("POST", ["reload"]) => {
                self.reloader.reload().await;
                self.providers().await
            }
            ("POST", ["drain"]) => {
                self.drain.begin();
                AdminAnswer::json(
                    StatusCode::ACCEPTED,
                    serde_json::json!({ "draining": true }),
                )
            }
            _ => match allowed(path.as_slice()) {
                Some(allow) => AdminAnswer::not_allowed(allow),
                None => AdminAnswer::refused(
                    StatusCode::NOT_FOUND,
                    Code::UnknownResource,
                    "the admin API has no such path",
                ),
            },
        }
    }
}

/// The methods of a path, if it is one.
fn allowed(path: &[&str]) -> Option<&'static str> {
    match path {
        ["accounts" | "providers" | "breakers" | "limits" | "config"] => Some("GET"),
        ["accounts", _] => Some("GET, PUT, DELETE"),
        ["accounts", _, "refresh" | "disable" | "enable"]
        | ["breakers", _, "reset"]
        | ["breakers", _, _, "reset"]
        | ["reload" | "drain"] => Some("POST"),
        _ => None,
    }
}

/// The decoded segments of a path.
fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            percent_encoding::percent_decode_str(segment)
                .decode_utf8_lossy()
                .into_owned()
        })
        .collect()
}

/// A parameter of a query.
fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name && !value.is_empty()).then(|| {
            percent_encoding::percent_decode_str(&value.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        })
    })
}
