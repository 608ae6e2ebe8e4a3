//! An account as the admin API shows it: never a credential.

use std::time::SystemTime;

use leeward_auth_refresh::{AccountId, Record, Status};
use leeward_auth_schemes::Map;
use serde_json::{Value, json};

/// A part of the list.
#[derive(Debug)]
pub struct Page {
    /// Each as [`view`] shows it.
    pub accounts: Vec<Value>,
    /// After which to go on.
    pub next: Option<AccountId>,
}

/// `{id, provider, status, reason, since, vars, token}`.
pub fn view<C>(record: &Record<C>, vars: &Map, refreshing: bool) -> Value {
    let status = match record.status {
        Status::Active if refreshing => "refreshing",
        status => status.as_str(),
    };
    json!({
        "id": record.account.as_str(),
        "provider": &*record.provider,
        "status": status,
        "reason": record.reason,
        "since": time(record.since),
        "vars": vars,
        "token": {
            "expires_at": record.expires_at.map(time),
            "refresh_at": record.refresh_at.map(time),
            "refreshed_at": record.refreshed_at.map(time),
            "version": record.version,
        },
    })
}

/// RFC 3339, UTC.
pub fn time(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(
        |_| "9999-12-31T23:59:59Z".to_owned(),
        |time| time.to_string(),
    )
}
