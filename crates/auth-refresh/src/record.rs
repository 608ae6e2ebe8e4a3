//! The credential record of one account, as a store keeps it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// The name of an account. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// Takes any text; what makes a lawful name is the caller's business.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AccountId {
    /// The id as a shared text: no copy is made.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for AccountId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for AccountId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<Arc<str>> for AccountId {
    fn from(id: Arc<str>) -> Self {
        Self(id)
    }
}

impl AsRef<str> for AccountId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// How it stands with an account. That it is being refreshed is no status of the record: it is
/// told from a flight ([`Keeper::refreshing`](crate::Keeper::refreshing)) or from a living lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its credential is used and renewed.
    Active,
    /// Its grant was refused, or its given credential rejected three times in a row.
    NeedsReauth,
    /// Switched off by an operator: nothing is sent, nothing renewed.
    Disabled,
}

impl Status {
    /// `active`, `needs_reauth` or `disabled`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::NeedsReauth => "needs_reauth",
            Self::Disabled => "disabled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One account's credential with all that decides when it is renewed and by whom.
///
/// `Debug` leaves the credential out.
#[derive(Clone)]
pub struct Record<C> {
    /// Whose it is.
    pub account: AccountId,
    /// The API that it is for.
    pub provider: Arc<str>,
    /// Grows by one with each change of the credential, and with nothing else.
    pub version: u64,
    /// How it stands with the account.
    pub status: Status,
    /// Why it stands so, where there is something to say.
    pub reason: Option<String>,
    /// Since when it has had this status.
    pub since: SystemTime,
    /// Whether a new credential can be bought or made from this one.
    pub renewable: bool,
    /// When what is sent to the API is over. `None`: never, as far as is known. A record that has
    /// nothing to send yet (a grant from which nothing was bought) says `UNIX_EPOCH`.
    pub expires_at: Option<SystemTime>,
    /// When the schedule renews it. `None`: only when a request needs it.
    pub refresh_at: Option<SystemTime>,
    /// When it was last renewed.
    pub refreshed_at: Option<SystemTime>,
    /// When the grant itself dies unless it is used before.
    pub refresh_expires_at: Option<SystemTime>,
    /// After a failure: not to be tried again before this.
    pub retry_at: Option<SystemTime>,
    /// Failures in a row since the last success.
    pub failures: u32,
    /// A token call was sent then, and nobody knows yet how it ended. Survives the lease of the
    /// process that sent it, so that whoever takes over knows.
    pub sent_at: Option<SystemTime>,
    /// Who is renewing it; in force only until its time.
    pub lease: Option<Lease>,
    /// The secret itself.
    pub credential: C,
}

impl<C> fmt::Debug for Record<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("account", &self.account)
            .field("provider", &self.provider)
            .field("version", &self.version)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("since", &self.since)
            .field("renewable", &self.renewable)
            .field("expires_at", &self.expires_at)
            .field("refresh_at", &self.refresh_at)
            .field("refreshed_at", &self.refreshed_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .field("retry_at", &self.retry_at)
            .field("failures", &self.failures)
            .field("sent_at", &self.sent_at)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

impl<C> Record<C> {
    /// The record without its credential, and that.
    pub fn split(self) -> (Record<()>, C) {
        let record = Record {
            account: self.account,
            provider: self.provider,
            version: self.version,
            status: self.status,
            reason: self.reason,
            since: self.since,
            renewable: self.renewable,
            expires_at: self.expires_at,
            refresh_at: self.refresh_at,
            refreshed_at: self.refreshed_at,
            refresh_expires_at: self.refresh_expires_at,
            retry_at: self.retry_at,
            failures: self.failures,
            sent_at: self.sent_at,
            lease: self.lease,
            credential: (),
        };
        (record, self.credential)
    }
}

impl Record<()> {
    /// The record with a credential.
    pub fn with<C>(self, credential: C) -> Record<C> {
        Record {
            account: self.account,
            provider: self.provider,
            version: self.version,
            status: self.status,
            reason: self.reason,
            since: self.since,
            renewable: self.renewable,
            expires_at: self.expires_at,
            refresh_at: self.refresh_at,
            refreshed_at: self.refreshed_at,
            refresh_expires_at: self.refresh_expires_at,
            retry_at: self.retry_at,
            failures: self.failures,
            sent_at: self.sent_at,
            lease: self.lease,
            credential,
        }
    }
}

impl<C> Record<C> {
    /// A record as one that was never renewed: version 1, active, without lease or schedule.
    pub fn new(
        account: impl Into<AccountId>,
        provider: impl Into<Arc<str>>,
        credential: C,
        now: SystemTime,
    ) -> Self {
        Self {
            account: account.into(),
            provider: provider.into(),
            version: 1,
            status: Status::Active,
            reason: None,
            since: now,
            renewable: false,
            expires_at: None,
            refresh_at: None,
            refreshed_at: None,
            refresh_expires_at: None,
            retry_at: None,
            failures: 0,
            sent_at: None,
            lease: None,
            credential,
        }
    }
}

/// The right to renew one account's credential for a while, across every process that shares the
/// store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose credential.
    pub account: AccountId,
    /// The process that holds it: a name of this start of this process, never used again.
    pub owner: Arc<str>,
    /// Until when, by the wall clock.
    pub until: SystemTime,
    /// Another number for each lease, growing; a holder whose fence is no longer the record's
    /// writes nothing.
    pub fence: u64,
}
