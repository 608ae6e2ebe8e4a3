//! Credentials: put where they belong, renewed in time, by one call, and never lost.

mod credentials;
mod durable;
mod reauth;
mod refresh;
mod rejected;
mod templates;
mod trouble;

use std::sync::Arc;

use leeward_vendors::{Behaviour, Books, Call, Entry, Grants, Reply};
use serde_json::{Value, json};

/// A provider's file whose tokens come of `{url}/token`; `more` are further members of `auth`.
fn oauth2(url: &str, more: &str) -> String {
    format!(
        "base_url: {url}\nauth: {{type: oauth2, token_url: '{url}/token', client_id: app, client_secret: hush{more}}}"
    )
}

/// A token answer.
fn token(access: &str, refresh: &str, lives: u64) -> Reply {
    let answer = json!({ "access_token": access, "refresh_token": refresh, "expires_in": lives });
    Reply::json(200, &answer)
}

/// A refusal of a token endpoint.
fn refusal(status: u16, error: &str) -> Reply {
    Reply::json(status, &json!({ "error": error }))
}

/// What a person's log-in gave, with so many seconds left.
fn given(grants: &Grants, lives: u64) -> Value {
    let grant = grants.log_in();
    json!({ "access_token": grant.access_token, "refresh_token": grant.refresh_token, "expires_in": lives })
}

/// A vendor with real grants, whose data path does as the test says: it is told whether the
/// token opens the door.
struct Desk<F> {
    grants: Arc<Grants>,
    data: F,
}

impl<F> Behaviour for Desk<F>
where
    F: Fn(&Call, bool) -> Reply + Send + Sync + 'static,
{
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        if call.head.uri.path() == "/token" {
            return self.grants.token_call(call, books);
        }
        books.note(Entry::Requests);
        let admitted = call.bearer().is_some_and(|token| self.grants.admits(token));
        (self.data)(call, admitted)
    }
}
