//! What a keeper tells.

use std::time::Duration;

use crate::{AccountId, Status};

/// How a flight ended, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refreshed {
    /// A new credential was bought and is durable.
    Ok,
    /// Nothing was bought, for the moment.
    Transient,
    /// The grant was refused.
    Revoked,
    /// Another process had bought it.
    Joined,
}

impl Refreshed {
    /// `ok`, `transient`, `revoked` or `joined`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Transient => "transient",
            Self::Revoked => "revoked",
            Self::Joined => "joined",
        }
    }
}

/// Is told what happens. Called on the driver's task and on requests: must not block.
pub trait Observe: Send + Sync + 'static {
    /// A flight ended.
    fn refreshed(&self, provider: &str, result: Refreshed) {
        let _ = (provider, result);
    }

    /// This process has changed an account's status in the store.
    fn status(
        &self,
        account: &AccountId,
        provider: &str,
        from: Status,
        to: Status,
        reason: Option<&str>,
    ) {
        let _ = (account, provider, from, to, reason);
    }

    /// A request has waited for a credential, with whatever result.
    fn waited(&self, provider: &str, waited: Duration) {
        let _ = (provider, waited);
    }
}

/// Tells nobody.
impl Observe for () {}
