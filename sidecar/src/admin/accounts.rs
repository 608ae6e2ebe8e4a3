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
        let status = parameter(asked.query, "status").map(|text| match text.as_str() {
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
            Ok(page) => AdminAnswer::json(
                StatusCode::OK,
                json!({
                    "accounts": page.accounts,
                    "next_cursor": page.next.as_ref().map(AccountId::as_str),
                }),
            ),
            Err(error) => AdminAnswer::store(&error),
        }
    }

    pub(super) async fn put_account(&self, id: &str, asked: &Asked<'_>) -> AdminAnswer {
        let put = match read(id, &asked.body) {
            Ok(put) => put,
            Err(faults) => return AdminAnswer::invalid(&faults),
        };
        let change = match self.accounts.put(&put).await {
            Ok(change) => change,
            Err(PutError::UnknownProvider(name)) => {
                let message = format!("no provider is called {name:?}");
                return AdminAnswer::invalid(&[("/provider".to_owned(), message)]);
            }
            Err(PutError::Credentials(fault)) => {
                let pointer = format!("/credentials/{}", fault.name);
                return AdminAnswer::invalid(&[(pointer, fault.message.to_owned())]);
            }
            Err(error @ (PutError::Store(_) | PutError::Busy)) => return AdminAnswer::store(&error),
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

/// The body of a PUT, or all that is wrong with it.
fn read(id: &str, body: &[u8]) -> Result<Put, Vec<(String, String)>> {
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, message: &str| {
        faults.push((pointer.to_owned(), message.to_owned()));
    };
    if !is_account_id(id) {
        fault("", "an account's id is [A-Za-z0-9._:@-], 1 to 200 of them");
    }
    let body: Value = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => return Err(vec![(String::new(), format!("the body is not JSON: {error}"))]),
    };
    let Some(members) = body.as_object() else {
        return Err(vec![(String::new(), "the body must be an object".to_owned())]);
    };
    const KNOWN: [&str; 4] = ["provider", "credentials", "vars", "account"];
    for name in members.keys() {
        if name == "overrides" {
            fault("/overrides", "overrides are not in this version");
        } else if !KNOWN.contains(&name.as_str()) {
            fault(&format!("/{name}"), "unknown member; there are provider, credentials, vars");
        }
    }
    let provider = match members.get("provider") {
        Some(Value::String(name)) => name.clone(),
        _ => {
            fault("/provider", "the provider's name is missing");
            String::new()
        }
    };
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
    let (credentials, vars) = (object("credentials"), object("vars"));
    if faults.is_empty() {
        Ok(Put {
            id: id.into(),
            provider,
            credentials,
            vars,
            origin: Origin::Api,
        })
    } else {
        Err(faults)
    }
}
