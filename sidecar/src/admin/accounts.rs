//! `/accounts`.

use http::StatusCode;
use leeward_auth_refresh::{AccountId, Status};
use leeward_auth_schemes::Map;
use leeward_storage::Origin;
use serde_json::{Value, json};

use super::answer::AdminAnswer;
use super::{Admin, Asked, parameter};
use crate::accounts::{Change, Put, PutError, is_account_id};
use crate::error::Error;

/// Accounts on a page, unless `?limit` says another number.
const PAGE: usize = 100;
/// The most of a page.
const LARGEST: usize = 1000;

impl Admin {
    pub(super) async fn list_accounts(&self, asked: &Asked<'_>) -> AdminAnswer {
        let mut faults = Vec::new();
        let asked_status = parameter(asked.query, "status");
        let status = asked_status.as_deref().map(|text| match text {
            "active" | "refreshing" => Some(Status::Active),
            "needs_reauth" => Some(Status::NeedsReauth),
            "disabled" => Some(Status::Disabled),
            _ => {
                let allowed = "one of active, refreshing, needs_reauth, disabled";
                faults.push(("/status".to_owned(), allowed.to_owned()));
                None
            }
        });
        let limit = match parameter(asked.query, "limit").map(|text| text.parse::<usize>()) {
            None => PAGE,
            Some(Ok(limit)) if (1..=LARGEST).contains(&limit) => limit,
            Some(_) => {
                faults.push(("/limit".to_owned(), format!("a number from 1 to {LARGEST}")));
                PAGE
            }
        };
        if !faults.is_empty() {
            return AdminAnswer::invalid(&faults);
        }
        let provider = parameter(asked.query, "provider");
        let after = parameter(asked.query, "cursor").map(AccountId::from);
        let page = self
            .accounts
            .list(provider.as_deref(), status.flatten(), after.as_ref(), limit)
            .await;
        match page {
            Ok(mut page) => {
                // The store knows no flight: an account that is being renewed is active there.
                if let Some(asked) = asked_status {
                    page.accounts.retain(|account| account["status"] == *asked);
                }
                AdminAnswer::json(
                    StatusCode::OK,
                    json!({
                        "accounts": page.accounts,
                        "next_cursor": page.next.as_ref().map(AccountId::as_str),
                    }),
                )
            }
            Err(error) => AdminAnswer::store(&error),
        }
    }

    pub(super) async fn put_account(&self, id: &str, asked: &Asked<'_>) -> AdminAnswer {
        let (put, mut faults) = read(id, &asked.body);
        if !put.provider.is_empty() {
            faults.extend(self.accounts.faults(&put.provider, &put.credentials));
        }
        if !faults.is_empty() {
            return AdminAnswer::invalid(&faults);
        }
        let change = match self.accounts.put(&put).await {
            Ok(change) => change,
            // Taken out since it was looked for.
            Err(error @ PutError::UnknownProvider(_)) => {
                return AdminAnswer::invalid(&[("/provider".to_owned(), error.to_string())]);
            }
            Err(error @ PutError::Credentials(_)) => {
                return AdminAnswer::invalid(&[("/credentials".to_owned(), error.to_string())]);
            }
            Err(error @ (PutError::Store(_) | PutError::Busy)) => {
                return AdminAnswer::store(&error);
            }
        };
        let status = if change == Change::Created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        match self.accounts.get(&put.id).await {
            Ok(Some(account)) => {
                let mut shown = self.accounts.show(&account.record);
                if let Some(shown) = shown.as_object_mut() {
                    shown.insert("changed".into(), (change != Change::Unchanged).into());
                }
                AdminAnswer::json(status, shown)
            }
            Ok(None) => AdminAnswer::unknown_account(),
            Err(error) => AdminAnswer::store(&error),
        }
    }

    pub(super) async fn get_account(&self, id: &str) -> AdminAnswer {
        if !is_account_id(id) {
            return AdminAnswer::unknown_account();
        }
        match self.accounts.get(&id.into()).await {
            Ok(Some(account)) => {
                AdminAnswer::json(StatusCode::OK, self.accounts.show(&account.record))
            }
            Ok(None) => AdminAnswer::unknown_account(),
            Err(error) => AdminAnswer::store(&error),
        }
    }

    pub(super) async fn delete_account(&self, id: &str) -> AdminAnswer {
        if !is_account_id(id) {
            return AdminAnswer::unknown_account();
        }
        let id = AccountId::from(id);
        match self.accounts.delete(&id).await {
            Ok(true) => {
                for entry in self.registry.entries() {
                    entry.provider().state().answers.forget(id.as_str());
                }
                AdminAnswer::Empty(StatusCode::NO_CONTENT)
            }
            Ok(false) => AdminAnswer::unknown_account(),
            Err(error) => AdminAnswer::store(&error),
        }
    }

    pub(super) async fn refresh_account(&self, id: &str) -> AdminAnswer {
        if !is_account_id(id) {
            return AdminAnswer::unknown_account();
        }
        match self.accounts.refresh(&id.into()).await {
            Ok(record) => AdminAnswer::json(StatusCode::OK, self.accounts.show(&record)),
            Err(error) => AdminAnswer::error(&Error::from(error), id),
        }
    }

    pub(super) async fn switch_account(&self, id: &str, on: bool) -> AdminAnswer {
        if !is_account_id(id) {
            return AdminAnswer::unknown_account();
        }
        let account = AccountId::from(id);
        let switched = if on {
            self.accounts.enable(&account).await
        } else {
            self.accounts.disable(&account).await
        };
        match switched {
            Ok(true) => self.get_account(id).await,
            Ok(false) => AdminAnswer::unknown_account(),
            Err(error) => AdminAnswer::store(&error),
        }
    }
}

/// The body of a PUT, and all that is wrong with its form. What cannot be read is left empty.
fn read(id: &str, body: &[u8]) -> (Put, Vec<(String, String)>) {
    let mut put = Put {
        id: id.into(),
        provider: String::new(),
        credentials: Map::new(),
        vars: Map::new(),
        origin: Origin::Api,
    };
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, message: &str| {
        faults.push((pointer.to_owned(), message.to_owned()));
    };
    if !is_account_id(id) {
        fault("", "an account's id is [A-Za-z0-9._:@-], 1 to 200 of them");
    }
    let body: Value = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => {
            fault("", &format!("the body is not JSON: {error}"));
            return (put, faults);
        }
    };
    let Some(members) = body.as_object() else {
        fault("", "the body must be an object");
        return (put, faults);
    };
    const KNOWN: [&str; 4] = ["provider", "credentials", "vars", "account"];
    for name in members.keys() {
        if name == "overrides" {
            fault("/overrides", "overrides are not in this version");
        } else if !KNOWN.contains(&name.as_str()) {
            let name = name.replace('~', "~0").replace('/', "~1");
            fault(
                &format!("/{name}"),
                "unknown member; there are provider, credentials, vars",
            );
        }
    }
    match members.get("provider") {
        Some(Value::String(name)) if !name.is_empty() => put.provider.clone_from(name),
        _ => fault("/provider", "the provider's name is missing"),
    }
    if members.get("account").is_some_and(|account| account != id) {
        fault("/account", "another id than the path's");
    }
    let mut object = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(fields)) => fields.clone(),
        Some(_) => {
            faults.push((format!("/{name}"), "must be an object".to_owned()));
            Map::new()
        }
    };
    put.credentials = object("credentials");
    put.vars = object("vars");
    (put, faults)
}
