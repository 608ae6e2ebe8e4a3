//! Credentials as they are put, taken over into secrets.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::lifetime::{after, instant, jwt_expiry, seconds};
use crate::{Map, Scheme, Secrets, TokenSet};

/// Secrets with what is known of their lifetimes.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// The secrets.
    pub secrets: Secrets,
    /// When what is sent to the API is over. `None`: never, as far as is known; `UNIX_EPOCH`: there is nothing to send
    /// yet.
    pub expires_at: Option<SystemTime>,
    /// When the grant dies unless it is used before.
    pub refresh_expires_at: Option<SystemTime>,
    /// Whether a new credential can be bought or made.
    pub renewable: bool,
}

/// A credential that is put in a form that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("credentials.{name}: {message}")]
pub struct AdoptFault {
    /// The credential's name.
    pub name: &'static str,
    /// What is wrong. The value is not told.
    pub message: &'static str,
}

impl Scheme {
    /// All that is wrong with credentials before they are put: what [`adopt`](Self::adopt) would refuse.
    #[must_use]
    pub fn faults(&self, credentials: &Map, now: SystemTime) -> Vec<AdoptFault> {
        match self {
            Self::OAuth2(_) => faults(credentials, now),
            _ => Vec::new(),
        }
    }

    /// Takes over credentials and variables as they are put: `access_token`, `refresh_token`, `expires_at` (unix seconds or
    /// ISO 8601), `expires_in` (seconds from now) and `refresh_token_expires_at` of a grant; anything else by its name.
    ///
    /// Whether a credential is missing is not looked at: that is said when it is needed.
    ///
    /// # Errors
    /// A time that is none, or a token that is no text.
    pub fn adopt(
        &self,
        credentials: Map,
        vars: Map,
        now: SystemTime,
    ) -> Result<Adopted, AdoptFault> {
        let mut adopted = Adopted {
            secrets: Secrets::given(credentials, vars),
            expires_at: None,
            refresh_expires_at: None,
            renewable: false,
        };
        if let Self::OAuth2(endpoint) = self {
            let given = &adopted.secrets.credentials;
            let token = TokenSet {
                access_token: token(given, "access_token")?.unwrap_or_default(),
                refresh_token: token(given, "refresh_token")?,
            };
            let expires_at = time(given, "expires_at", now)?;
            let expires_in = lifetime(given, "expires_in")?;
            let refresh_expires_at = time(given, "refresh_token_expires_at", now)?;
            let told = expires_at
                .or_else(|| expires_in.map(|lifetime| after(now, lifetime)))
                .or_else(|| jwt_expiry(&token.access_token));
            adopted.expires_at = if token.access_token.is_empty() {
                Some(UNIX_EPOCH)
            } else if token.refresh_token.is_some() {
                told.or_else(|| {
                    endpoint
                        .assume_expires_in
                        .map(|assumed| after(now, assumed))
                })
            } else {
                // What cannot be renewed is used until the vendor says that it is over.
                told
            };
            let idle = endpoint
                .refresh_token_idle_expiry
                .filter(|_| token.refresh_token.is_some());
            adopted.refresh_expires_at =
                refresh_expires_at.or_else(|| idle.map(|idle| after(now, idle)));
            adopted.secrets.token = Some(token);
        } else if self.has_token() {
            adopted.expires_at = Some(UNIX_EPOCH);
        }
        adopted.renewable = self.renewable(&adopted.secrets);
        let fingerprinted = adopted.secrets.credentials.clone();
        adopted.secrets.remember(&fingerprinted);
        Ok(adopted)
    }
}

/// All that is wrong with credentials as they are put for a grant; [`Scheme::adopt`] says the first.
fn faults(given: &Map, now: SystemTime) -> Vec<AdoptFault> {
    [
        token(given, "access_token").err(),
        token(given, "refresh_token").err(),
        time(given, "expires_at", now).err(),
        lifetime(given, "expires_in").err(),
        time(given, "refresh_token_expires_at", now).err(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn present<'m>(given: &'m Map, name: &str) -> Option<&'m Value> {
    given.get(name).filter(|value| !value.is_null())
}

fn token(given: &Map, name: &'static str) -> Result<Option<String>, AdoptFault> {
    match present(given, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(AdoptFault {
            name,
            message: "a token is a text",
        }),
    }
}

fn time(
    given: &Map,
    name: &'static str,
    now: SystemTime,
) -> Result<Option<SystemTime>, AdoptFault> {
    let fault = AdoptFault {
        name,
        message: "a time is unix seconds or ISO 8601 with its zone",
    };
    match present(given, name) {
        None => Ok(None),
        // A small number is no delta here: unix seconds of a token that was over long ago.
        Some(Value::Number(number)) if number.as_f64().is_some_and(|n| n < 1e9) => {
            Ok(Some(UNIX_EPOCH))
        }
        Some(value) => instant(value, now).map(Some).ok_or(fault),
    }
}

fn lifetime(given: &Map, name: &'static str) -> Result<Option<Duration>, AdoptFault> {
    let fault = AdoptFault {
        name,
        message: "a lifetime is a number of seconds",
    };
    match present(given, name) {
        None => Ok(None),
        // Over already, or it cannot be told: the next request renews it.
        Some(Value::Number(number)) if number.as_f64().is_some_and(|n| n <= 0.0) => {
            Ok(Some(Duration::ZERO))
        }
        Some(value) => seconds(value).map(Some).ok_or(fault),
    }
}
