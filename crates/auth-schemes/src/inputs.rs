//! What the names of a provider's templates stand for.

use std::fmt;

use leeward_expression::Scope;
use serde_json::{Value, json};

use crate::secrets::{Map, Secrets, wipe};

/// The values behind `account`, `credentials`, `client`, `token`, `refresh_token`, `steps`, `request` and `now`.
///
/// `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Inputs {
    account: Value,
    credentials: Value,
    client: Value,
    token: Option<Value>,
    refresh_token: Option<Value>,
    steps: Value,
    request: Option<Value>,
    now: Option<i64>,
}

impl Inputs {
    /// The names that an account's secrets give a value: all but `client`, `steps`, `request` and `now`.
    #[must_use]
    pub fn new(account: &str, secrets: &Secrets) -> Self {
        Self {
            account: json!({ "id": account, "vars": secrets.vars }),
            credentials: Value::Object(secrets.credentials.clone()),
            client: Value::Object(Map::new()),
            token: secrets.access_token().map(Value::from),
            refresh_token: secrets.refresh_token().map(Value::from),
            steps: Value::Object(Map::new()),
            request: None,
            now: None,
        }
    }

    /// `client`.
    #[must_use]
    pub fn client(mut self, id: Option<&str>, secret: Option<&str>) -> Self {
        let mut client = Map::new();
        for (name, value) in [("id", id), ("secret", secret)] {
            if let Some(value) = value {
                client.insert(name.to_owned(), value.into());
            }
        }
        self.client = Value::Object(client);
        self
    }

    /// `token`, where it is not the account's.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// `request`: `{id, method, host, path, query, form, headers, body}`.
    #[must_use]
    pub fn request(mut self, request: Value) -> Self {
        self.request = Some(request);
        self
    }

    /// `now`, in milliseconds since 1970.
    #[must_use]
    pub fn at(mut self, millis: i64) -> Self {
        self.now = Some(millis);
        self
    }

    /// The scope for templates, which borrows from here.
    #[must_use]
    pub fn scope(&self) -> Scope<'_> {
        let mut scope = Scope::new()
            .with("account", &self.account)
            .with("credentials", &self.credentials)
            .with("client", &self.client)
            .with("steps", &self.steps);
        let optional = [
            ("token", &self.token),
            ("refresh_token", &self.refresh_token),
            ("request", &self.request),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                scope = scope.with(name, value);
            }
        }
        match self.now {
            Some(millis) => scope.at(millis),
            None => scope,
        }
    }
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inputs").field(&self.scope()).finish()
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        wipe(&mut self.credentials);
        wipe(&mut self.client);
        self.token.iter_mut().for_each(wipe);
        self.refresh_token.iter_mut().for_each(wipe);
    }
}
