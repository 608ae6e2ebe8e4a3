//! What can go wrong.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::AccountId;

type SharedError = Arc<dyn Error + Send + Sync>;

/// A store could not do what it was asked: it is away, or its data cannot be read. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoreError(SharedError);

impl StoreError {
    /// Wraps the store's own error.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the credential store failed: {}", self.0)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// The lease was lost, or the record could not be marked: the token call must not be sent.
#[derive(Debug, Clone)]
pub struct Fenced {
    source: Option<StoreError>,
}

impl Fenced {
    /// Another process has taken the lease over.
    pub fn lost() -> Self {
        Self { source: None }
    }

    /// The store could not write that the call is about to be sent.
    pub fn unmarked(source: StoreError) -> Self {
        Self {
            source: Some(source),
        }
    }
}

impl fmt::Display for Fenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            None => "another process has taken over the renewal",
            Some(_) => "the store could not write that a token call begins",
        })
    }
}

impl Error for Fenced {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}

/// A credential lacks something that its place on the request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// The name of what is missing, or has a form that its place refuses.
    pub missing: String,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the account lacks {}", self.missing)
    }
}

impl Error for Incomplete {}

/// Why a request got no credential. Cheap to clone; holds no secret.
#[derive(Debug, Clone)]
pub enum CredentialError {
    /// The store has no such account.
    UnknownAccount(AccountId),
    /// The grant is gone, and what was bought with it is over.
    NeedsReauth {
        /// Whose.
        account: AccountId,
        /// What the authorisation server said.
        reason: String,
    },
    /// The account is switched off.
    Disabled(AccountId),
    /// The token is over, and a new one cannot be had now: the server is away or refuses the
    /// client. The account stays as it is.
    Unavailable {
        /// Whose.
        account: AccountId,
        /// What went wrong.
        reason: String,
        /// When it will be tried again, if that is known.
        retry_after: Option<Duration>,
        /// The error behind it.
        source: Option<SharedError>,
    },
    /// The account lacks something that the token call or the request needs.
    Incomplete {
        /// Whose.
        account: AccountId,
        /// The name of what is missing.
        missing: String,
    },
    /// The token did not come in the time that the request had.
    Timeout {
        /// Whose.
        account: AccountId,
        /// How long it was waited for.
        after: Duration,
    },
    /// The account has nothing that could be renewed (only from
    /// [`Keeper::refresh`](crate::Keeper::refresh)).
    NotRenewable(AccountId),
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAccount(account) => write!(f, "unknown account {account}"),
            Self::NeedsReauth { account, reason } => {
                write!(f, "account {account} must be authorised again: {reason}")
            }
            Self::Disabled(account) => write!(f, "account {account} is disabled"),
            Self::Unavailable {
                account, reason, ..
            } => write!(f, "no credential for account {account}: {reason}"),
            Self::Incomplete { account, missing } => {
                write!(f, "account {account} lacks {missing}")
            }
            Self::Timeout { account, after } => write!(
                f,
                "no credential for account {account} within {} ms",
                after.as_millis()
            ),
            Self::NotRenewable(account) => {
                write!(f, "the credential of account {account} cannot be renewed")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl Error for CredentialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable { source, .. } => {
                source.as_ref().map(|e| &**e as &(dyn Error + 'static))
            }
            Self::Store(error) => error.source(),
            _ => None,
        }
    }
}

impl From<StoreError> for CredentialError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
