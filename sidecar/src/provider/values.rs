//! `account` as expressions see it: the id and the variables, no secret.

use std::time::SystemTime;

use leeward_auth_refresh::{AccountId, Keeper};
use leeward_auth_schemes::Secrets;
use serde_json::{Value, json};

use crate::clock::Clock;

/// Reads accounts for expressions.
#[derive(Debug, Clone)]
pub struct AccountValues {
    keeper: Keeper<Secrets>,
    clock: Clock,
}

impl AccountValues {
    /// Reads what the keeper has in hand.
    pub fn new(keeper: Keeper<Secrets>, clock: Clock) -> Self {
        Self { keeper, clock }
    }

    /// `{id, vars}`; an empty account where there is none.
    pub fn of(&self, account: Option<&AccountId>) -> Value {
        let Some(id) = account else {
            return json!({ "vars": {} });
        };
        let vars = self
            .keeper
            .peek(id)
            .map(|current| current.credential.vars.clone())
            .unwrap_or_default();
        json!({ "id": id.as_str(), "vars": vars })
    }

    /// Wall time.
    pub fn wall(&self) -> SystemTime {
        self.clock.wall()
    }
}
