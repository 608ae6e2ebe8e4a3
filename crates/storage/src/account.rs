//! An account as it is kept: the credential record, and what else belongs to it.

use std::sync::Arc;

use leeward_auth_refresh::{AccountId, Lease, Record, Status};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::backend::Row;
use crate::envelope::{self, Place};
use crate::error::StorageError;
use crate::keys::Keys;
use crate::millis;

/// The table, as the associated data of an envelope names it. Part of the format: never changed.
pub(crate) const TABLE: &str = "leeward_accounts";

/// All columns but the secret and the generated one.
macro_rules! columns {
    () => {
        "id, provider, origin, version, status, reason, since, status_before, reason_before, \
         renewable, expires_at, refresh_at, refreshed_at, refresh_expires_at, retry_at, failures, \
         sent_at, lease_owner, lease_until, fence, changed"
    };
}
pub(crate) use columns;

/// Where an account came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A file of the configuration; it goes when the file goes.
    File,
    /// The admin API.
    Api,
}

impl Origin {
    /// `file` or `api`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Api => "api",
        }
    }
}

/// An account. `Account<()>` is one whose credential was not opened.
///
/// `Debug` leaves the credential out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Account<C> {
    /// The credential record.
    pub record: Record<C>,
    /// Where it came from.
    pub origin: Origin,
    /// Of a disabled account: the status that enabling it returns to.
    pub status_before: Option<Status>,
    /// The position of its last change that other processes should know of; see
    /// [`Store::changes_since`](crate::Store::changes_since).
    pub changed: u64,
}

/// A row as it came from the database, its secret still sealed.
pub(crate) struct StoredAccount {
    pub(crate) account: Account<()>,
    pub(crate) sealed: Vec<u8>,
}

impl StoredAccount {
    pub(crate) fn read(row: &Row) -> Result<Self, StorageError> {
        Ok(Self {
            account: Account::read(row)?,
            sealed: row.get("sealed")?,
        })
    }

    /// The credential, opened.
    pub(crate) fn credential<C: DeserializeOwned>(&self, keys: &Keys) -> Result<C, StorageError> {
        open(keys, self.account.record.account.as_str(), &self.sealed)
    }

    pub(crate) fn open<C: DeserializeOwned>(self, keys: &Keys) -> Result<Account<C>, StorageError> {
        let credential = self.credential(keys)?;
        Ok(self.account.with(credential))
    }
}

impl Account<()> {
    /// All but the secret.
    pub(crate) fn read(row: &Row) -> Result<Self, StorageError> {
        let id: String = row.get("id")?;
        let unknown = |column| StorageError::Unknown {
            account: id.clone(),
            column,
        };
        let time = |column| -> Result<_, StorageError> {
            Ok(row.get::<Option<i64>>(column)?.map(millis::to_time))
        };
        let count = |column| count(row, &id, column);
        let before: Option<String> = row.get("status_before")?;
        let account = AccountId::from(id.as_str());
        let owner: Option<String> = row.get("lease_owner")?;
        let lease = match (owner, time("lease_until")?) {
            (Some(owner), Some(until)) => {
                let (account, owner) = (account.clone(), owner.into());
                Some(Lease {
                    account,
                    owner,
                    until,
                    fence: count("fence")?,
                })
            }
            _ => None,
        };
        let record = Record {
            account,
            provider: Arc::from(row.get::<String>("provider")?),
            version: count("version")?,
            status: status(&row.get::<String>("status")?).ok_or_else(|| unknown("status"))?,
            reason: row.get("reason")?,
            since: millis::to_time(row.get("since")?),
            renewable: row.get("renewable")?,
            expires_at: time("expires_at")?,
            refresh_at: time("refresh_at")?,
            refreshed_at: time("refreshed_at")?,
            refresh_expires_at: time("refresh_expires_at")?,
            retry_at: time("retry_at")?,
            failures: u32::try_from(count("failures")?).unwrap_or(u32::MAX),
            sent_at: time("sent_at")?,
            lease,
            credential: (),
        };
        Ok(Self {
            record,
            origin: match row.get::<String>("origin")?.as_str() {
                "file" => Origin::File,
                "api" => Origin::Api,
                _ => return Err(unknown("origin")),
            },
            status_before: before
                .map(|before| status(&before).ok_or_else(|| unknown("status_before")))
                .transpose()?,
            changed: count("changed")?,
        })
    }

    /// The same with a credential.
    pub(crate) fn with<C>(self, credential: C) -> Account<C> {
        Account {
            record: self.record.with(credential),
            origin: self.origin,
            status_before: self.status_before,
            changed: self.changed,
        }
    }
}

pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) key_id: String,
}

pub(crate) fn seal<C: Serialize>(
    keys: &Keys,
    account: &AccountId,
    credential: &C,
) -> Result<Sealed, StorageError> {
    // Room for most credentials at once: each time a buffer grows, the old one stays behind unwiped.
    let mut plain = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *plain, credential).map_err(|_| StorageError::Form {
        account: account.to_string(),
        reading: false,
    })?;
    seal_bytes(keys, account.as_str(), &plain)
}

pub(crate) fn seal_bytes(keys: &Keys, account: &str, plain: &[u8]) -> Result<Sealed, StorageError> {
    let fault = |error| StorageError::sealed(account, &error);
    let bytes = envelope::seal(
        keys,
        Place {
            table: TABLE,
            id: account,
        },
        plain,
    )
    .map_err(fault)?;
    let key_id = envelope::key_id(&bytes).map_err(fault)?.to_string();
    Ok(Sealed { bytes, key_id })
}

pub(crate) fn open_bytes(
    keys: &Keys,
    account: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StorageError> {
    envelope::open(
        keys,
        Place {
            table: TABLE,
            id: account,
        },
        sealed,
    )
    .map_err(|error| StorageError::sealed(account, &error))
}

fn open<C: DeserializeOwned>(keys: &Keys, account: &str, sealed: &[u8]) -> Result<C, StorageError> {
    let plain = open_bytes(keys, account, sealed)?;
    // The parser's own message may quote what it read.
    serde_json::from_slice(&plain).map_err(|_| StorageError::Form {
        account: account.to_owned(),
        reading: true,
    })
}

/// A number that is never negative.
pub(crate) fn count(row: &Row, account: &str, column: &'static str) -> Result<u64, StorageError> {
    u64::try_from(row.get::<i64>(column)?).map_err(|_| StorageError::Unknown {
        account: account.to_owned(),
        column,
    })
}

pub(crate) fn status(text: &str) -> Option<Status> {
    match text {
        "active" => Some(Status::Active),
        "needs_reauth" => Some(Status::NeedsReauth),
        "disabled" => Some(Status::Disabled),
        _ => None,
    }
}
