//! From a token answer to a token.

use std::fmt;
use std::time::SystemTime;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use leeward_expression::{Bindings, Limits};
use serde_json::{Value, json};

use crate::lifetime::{after, instant, jwt_expiry, seconds, until};
use crate::params::as_text;
use crate::scheme::{Read, TokenEndpoint};
use crate::scrub::scrub;
use crate::{Map, Refusal, Secrets, cookies, headers};

/// An answer of a token endpoint, read whole.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, decoded.
    pub body: &'a [u8],
    /// The wall clock just before the request was sent: lifetimes count from here.
    pub sent_at: SystemTime,
    /// The wall clock now.
    pub now: SystemTime,
}

/// What an answer grants. `Debug` shows no secret.
#[derive(Clone, PartialEq)]
pub struct TokenAnswer {
    /// The new token.
    pub access_token: String,
    /// The new refresh token, if there is one.
    pub refresh_token: Option<String>,
    /// When the token is over. `None`: never, as far as is known.
    pub expires_at: Option<SystemTime>,
    /// When the grant dies unless it is used before, if the answer tells or `refresh_token_idle_expiry` is set.
    pub refresh_expires_at: Option<SystemTime>,
    /// Variables to keep.
    pub vars: Map,
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("expires_at", &self.expires_at)
            .field("refresh_token", &self.refresh_token.is_some())
            .field("refresh_expires_at", &self.refresh_expires_at)
            .finish_non_exhaustive()
    }
}

impl TokenEndpoint {
    /// Reads an answer. `secrets` are those that the request was made of.
    ///
    /// # Errors
    /// Why it holds no token. `invalid_grant` alone refuses the grant, whatever the status; a bare 401, a 5xx or a 429
    /// does not.
    pub fn read_answer(
        &self,
        answer: &Answer<'_>,
        secrets: &Secrets,
        client_secret: Option<&str>,
    ) -> Result<TokenAnswer, Refusal> {
        let reader = Reader::new(answer, secrets);
        let said = |text: &str| scrub(text, secrets, client_secret, self);
        let error = reader
            .read(&self.response.error)
            .map(|value| as_text(&value).into_owned());
        match error.as_deref() {
            Some("invalid_grant") => {
                return Err(Refusal::Grant {
                    reason: said(&reader.reason("invalid_grant")),
                });
            }
            Some(error @ ("invalid_client" | "unauthorized_client")) => {
                return Err(Refusal::Client {
                    reason: said(&reader.reason(error)),
                });
            }
            _ => {}
        }
        let transient = |reason: String| Refusal::Transient {
            reason: said(&reason),
            retry_after: retry_after(answer),
        };
        let error = error.filter(|error| !matches!(error.as_str(), "" | "false" | "0" | "null"));
        if !answer.status.is_success() {
            let status = answer.status.as_u16();
            return Err(transient(match error {
                Some(error) => format!("{status}, {}", reader.reason(&error)),
                None => format!("the token endpoint answered {status}"),
            }));
        }
        let Some(access_token) = reader.text(&self.response.access_token) else {
            return Err(transient(match error {
                Some(error) => reader.reason(&error),
                None => "the answer holds no access token".to_owned(),
            }));
        };
        let refresh_token = reader.text(&self.response.refresh_token);
        Ok(TokenAnswer {
            expires_at: self.expires_at(&reader, &access_token),
            refresh_expires_at: self.refresh_expires_at(&reader),
            vars: self.vars(&reader),
            access_token,
            refresh_token,
        })
    }

    /// What the answer tells, else the token's own `exp`, else the assumption.
    fn expires_at(&self, reader: &Reader<'_>, token: &str) -> Option<SystemTime> {
        let told = reader.lifetime(self.response.expires_at.as_ref(), &self.response.expires_in);
        told.or_else(|| until(jwt_expiry(token)?, reader.answer.headers, reader.answer.now))
            .or(self.assume_expires_in)
            .map(|lifetime| after(reader.answer.sent_at, lifetime))
    }

    fn refresh_expires_at(&self, reader: &Reader<'_>) -> Option<SystemTime> {
        let response = &self.response;
        let told = reader.lifetime(
            response.refresh_token_expires_at.as_ref(),
            &response.refresh_token_expires_in,
        );
        // Whichever comes first ends the grant.
        let lifetime = match (told, self.refresh_token_idle_expiry) {
            (Some(told), Some(idle)) => Some(told.min(idle)),
            (told, idle) => told.or(idle),
        };
        lifetime.map(|lifetime| after(reader.answer.sent_at, lifetime))
    }

    fn vars(&self, reader: &Reader<'_>) -> Map {
        let read = |expression| reader.evaluate(expression).filter(|value| !value.is_null());
        self.response
            .vars
            .iter()
            .filter_map(|(name, expression)| Some((name.clone(), read(expression)?)))
            .collect()
    }
}

/// An answer with its body parsed once.
struct Reader<'a> {
    answer: &'a Answer<'a>,
    body: Value,
    bindings: Bindings,
}

impl<'a> Reader<'a> {
    fn new(answer: &'a Answer<'a>, secrets: &Secrets) -> Self {
        let bytes = answer
            .body
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(answer.body);
        let body = serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()));
        let cookies = cookies(answer.headers);
        let variables = [
            (
                "response",
                json!({
                    "status": answer.status.as_u16(),
                    "headers": headers(answer.headers),
                    "cookies": cookies,
                    "body": body,
                }),
            ),
            ("cookies", cookies),
            ("steps", json!({})),
        ];
        let token = secrets
            .access_token()
            .map(|token| ("token", Value::from(token)));
        let bindings = variables
            .into_iter()
            .chain(token)
            .fold(Bindings::new(), |bindings, (name, value)| {
                bindings.clone().with(name, value).unwrap_or(bindings)
            });
        Self {
            answer,
            body,
            bindings,
        }
    }

    /// A value; nothing where an expression fails.
    fn read(&self, from: &Read) -> Option<Value> {
        match from {
            Read::Member(name) => self.body.get(*name).cloned(),
            Read::Expression(expression) => self.evaluate(expression),
        }
    }

    fn evaluate(&self, expression: &leeward_expression::Expression) -> Option<Value> {
        expression
            .evaluate(&self.body, &self.bindings, &Limits::default())
            .ok()
            .flatten()
    }

    /// A text that is not empty; a number is one, too.
    fn text(&self, from: &Read) -> Option<String> {
        match self.read(from)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A lifetime from the time of sending: by an absolute time if there is one to come, else by seconds.
    fn lifetime(&self, at: Option<&Read>, seconds_from: &Read) -> Option<std::time::Duration> {
        let absolute = at.and_then(|at| self.read(at)).and_then(|value| {
            let at = instant(
                &value,
                crate::lifetime::server_time(self.answer.headers, self.answer.now),
            )?;
            until(at, self.answer.headers, self.answer.now)
        });
        absolute.or_else(|| seconds(&self.read(seconds_from)?))
    }

    /// The code with what the server says beside it.
    fn reason(&self, code: &str) -> String {
        let described = ["error_description", "message"]
            .into_iter()
            .find_map(|name| self.body.get(name)?.as_str());
        match described {
            Some(text) if !text.is_empty() && text != code => format!("{code}: {text}"),
            _ => code.to_owned(),
        }
    }
}

/// `Retry-After`: seconds, or a date measured from the answer's own.
fn retry_after(answer: &Answer<'_>) -> Option<std::time::Duration> {
    let value = answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(delay) = seconds(&Value::from(value)) {
        return Some(delay);
    }
    until(
        httpdate::parse_http_date(value).ok()?,
        answer.headers,
        answer.now,
    )
}
