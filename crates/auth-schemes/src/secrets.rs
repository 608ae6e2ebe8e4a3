//! What an account's credential is made of.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroize;

/// Names and values, in order.
pub type Map = serde_json::Map<String, Value>;

/// How many fingerprints of credentials that were put are remembered; the oldest go first.
const SEEN: usize = 256;

/// An account's secrets: what was given, what was bought with it, and the variables that go with both.
///
/// Serialized for a sealed store only. `Debug` shows names, never a value; what is dropped is overwritten.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Secrets {
    /// What was given: `refresh_token`, `api_key`, `username` …
    #[serde(default)]
    pub credentials: Map,
    /// What was bought, or given as a token.
    #[serde(default)]
    pub token: Option<TokenSet>,
    /// `account.vars`: those that token answers set, over those that were given.
    #[serde(default)]
    pub vars: Map,
    /// The variables that were given.
    #[serde(default)]
    pub given_vars: Map,
    /// The variables that token answers set.
    #[serde(default)]
    pub token_vars: Map,
    /// Fingerprints of all credentials that were put for this account, the latest last.
    #[serde(default)]
    pub seen: Vec<String>,
}

/// A token and what renews it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenSet {
    /// What requests carry. Empty if none was bought yet.
    #[serde(default)]
    pub access_token: String,
    /// What buys the next one: the latest that the vendor gave.
    #[serde(default)]
    pub refresh_token: Option<String>,
}

impl Secrets {
    /// Secrets of an account that was just put. For what the credentials hold of a token see
    /// [`Scheme::adopt`](crate::Scheme::adopt).
    #[must_use]
    pub fn given(credentials: Map, vars: Map) -> Self {
        let mut secrets = Self::default();
        secrets.credentials = credentials;
        secrets.set_given_vars(vars);
        secrets
    }

    /// Takes other given variables; those of token answers stay over them.
    pub fn set_given_vars(&mut self, vars: Map) {
        self.given_vars = vars;
        self.merge_vars();
    }

    /// Takes variables of a token answer.
    pub fn set_token_vars(&mut self, vars: Map) {
        self.token_vars.extend(vars);
        self.merge_vars();
    }

    fn merge_vars(&mut self) {
        self.vars = self.given_vars.clone();
        self.vars.extend(self.token_vars.clone());
    }

    /// The refresh token in force: the latest bought, else the one given.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&str> {
        let bought = self.token.as_ref().and_then(|t| t.refresh_token.as_deref());
        bought
            .or_else(|| self.credentials.get("refresh_token")?.as_str())
            .filter(|token| !token.is_empty())
    }

    /// The access token in force.
    #[must_use]
    pub fn access_token(&self) -> Option<&str> {
        let token = &self.token.as_ref()?.access_token;
        (!token.is_empty()).then_some(token)
    }

    /// A digest (SHA-256, in hex) by which credentials are known again when they are put once more. Times in them do not
    /// count: `expires_in` is written anew by whoever puts the same token at each boot.
    #[must_use]
    pub fn fingerprint(credentials: &Map) -> String {
        use sha2::Digest as _;
        const TIMES: [&str; 3] = ["expires_in", "expires_at", "refresh_token_expires_at"];
        let mut members: Vec<_> = credentials
            .iter()
            .filter(|(name, _)| !TIMES.contains(&name.as_str()))
            .collect();
        members.sort_unstable_by_key(|(name, _)| name.as_str());
        let mut digest = sha2::Sha256::new();
        for (name, value) in members {
            let mut text = value.to_string();
            // Lengths, so that no two maps give the same bytes.
            digest.update(name.len().to_be_bytes());
            digest.update(name.as_bytes());
            digest.update(text.len().to_be_bytes());
            digest.update(text.as_bytes());
            text.zeroize();
        }
        digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Whether these credentials were put before, whatever came after them: then putting them again changes nothing.
    #[must_use]
    pub fn has_seen(&self, credentials: &Map) -> bool {
        self.seen.contains(&Self::fingerprint(credentials))
    }

    /// Remembers what an earlier record of the account had seen: called on secrets that take its place.
    pub fn inherit_seen(&mut self, earlier: &Self) {
        let own = std::mem::take(&mut self.seen);
        self.seen.clone_from(&earlier.seen);
        self.seen.retain(|known| !own.contains(known));
        self.seen.extend(own);
        self.forget_oldest();
    }

    /// Remembers that these credentials were put.
    pub fn remember(&mut self, credentials: &Map) {
        let fingerprint = Self::fingerprint(credentials);
        self.seen.retain(|known| *known != fingerprint);
        self.seen.push(fingerprint);
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        let surplus = self.seen.len().saturating_sub(SEEN);
        self.seen.drain(..surplus);
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |map: &Map| map.keys().cloned().collect::<Vec<_>>();
        f.debug_struct("Secrets")
            .field("credentials", &names(&self.credentials))
            .field("token", &self.token)
            .field("vars", &names(&self.vars))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("refresh_token", &self.refresh_token.is_some())
            .finish_non_exhaustive()
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.credentials.values_mut().for_each(wipe);
    }
}

impl Drop for TokenSet {
    fn drop(&mut self) {
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

/// Overwrites the texts of a value.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}
