//! Accounts: over the admin API, from files, and shared between processes.

mod access;
mod api;
mod files;
mod flight;
mod shared;
mod superseded;

use leeward_vendors::{Call, Reply};
use serde_json::json;

/// A provider's file with tokens of `{url}/token`.
fn oauth2(url: &str) -> String {
    format!(
        "base_url: {url}\nauth: {{type: oauth2, token_url: '{url}/token', client_id: app, client_secret: hush}}"
    )
}

/// A provider's file with a key.
fn key(url: &str) -> String {
    format!(
        "base_url: {url}\nauth: {{type: api_key, apply: {{header: X-Key, value: '{{{{credentials.api_key}}}}'}}}}"
    )
}

/// Rotates: `rt-4` buys `at-5` and `rt-5`. Serves whoever comes.
fn rotating(call: &Call) -> Reply {
    if call.head.uri.path() != "/token" {
        return Reply::json(200, &json!({ "bearer": call.bearer() }));
    }
    let refresh = call.form("refresh_token").unwrap_or_default();
    let (name, number) = refresh.rsplit_once('-').unwrap_or(("rt", "0"));
    let next = number.parse::<u64>().unwrap_or(0) + 1;
    let access = name.replacen("rt", "at", 1);
    let answer = json!({
        "access_token": format!("{access}-{next}"),
        "refresh_token": format!("{name}-{next}"),
        "expires_in": 3600,
    });
    Reply::json(200, &answer)
}
