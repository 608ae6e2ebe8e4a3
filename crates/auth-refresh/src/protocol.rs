//! What buys or makes a new credential.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::{AccountId, BoxFuture, Fenced, Record};

/// Awaited by a protocol just before the first byte of a token call goes out: marks the record, so
/// that whoever takes over after a crash knows that an answer may have been lost. An error means
/// that the call must not be sent: `sending().await?` turns it into [`Failure::NotSent`].
pub type Sending<'a> = dyn Fn() -> BoxFuture<'a, Result<(), Fenced>> + Send + Sync + 'a;

/// Buys or makes credentials: OAuth 2, a login request, a self-signed assertion.
pub trait TokenProtocol<C>: Send + Sync + 'static {
    /// Gets a new credential for this record.
    ///
    /// Must await `sending` before the first byte of the first call goes out (a credential that is
    /// made without any call need not). Once `sending` has answered, this future is polled to its
    /// end, for its answer may hold the only living refresh token: it sets no time limit on what
    /// was sent (the driver drops it after [`Settings::call_limit`](crate::Settings::call_limit),
    /// 5 minutes), and limits only what comes before, such as connecting.
    ///
    /// `now` is the wall clock just before; lifetimes are counted from it.
    fn obtain<'a>(
        &'a self,
        record: &'a Record<C>,
        now: SystemTime,
        sending: &'a Sending<'a>,
    ) -> BoxFuture<'a, Result<Granted<C>, Failure>>;

    /// How this account is renewed. Asked often; should be cheap.
    fn policy(&self, provider: &str, account: &AccountId) -> RefreshPolicy;
}

/// A credential that was granted.
///
/// `Debug` leaves the credential out.
#[derive(Clone)]
pub struct Granted<C> {
    /// The whole credential as it is to be kept: what the answer left out is carried over.
    pub credential: C,
    /// When it is over, counted from before the request was sent. `None`: never, as far as is
    /// known.
    pub expires_at: Option<SystemTime>,
    /// When the grant itself dies unless it is used before.
    pub refresh_expires_at: Option<SystemTime>,
}

impl<C> fmt::Debug for Granted<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted")
            .field("expires_at", &self.expires_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .finish_non_exhaustive()
    }
}

/// Why nothing was granted. Reasons are shown to people: they hold no secret.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The grant is gone: `invalid_grant` (RFC 6749, section 5.2) and nothing less.
    Refused {
        /// What the authorisation server said.
        reason: String,
    },
    /// The client is refused (`invalid_client`): says nothing about the grant.
    ClientRefused {
        /// What the authorisation server said.
        reason: String,
    },
    /// Nothing was sent: no name, no connection, no trusted certificate, or the lease was lost.
    NotSent {
        /// What went wrong.
        reason: String,
        /// The error behind it.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// It was sent (perhaps in part), and no whole answer came: whether the token was rotated is
    /// unknown.
    Unanswered {
        /// What went wrong.
        reason: String,
        /// The error behind it.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// The server answered that it cannot now: 5xx, 429, or something that is no token answer.
    Transient {
        /// What it said.
        reason: String,
        /// Not to be tried again before this, as it said.
        retry_after: Option<Duration>,
    },
    /// The account lacks something that the request needs.
    Incomplete {
        /// The name of what is missing.
        missing: String,
    },
}

impl Failure {
    /// A failure before anything was sent.
    pub fn not_sent(reason: impl Into<String>) -> Self {
        Self::NotSent {
            reason: reason.into(),
            source: None,
        }
    }

    /// A call that was sent and got no answer.
    pub fn unanswered(reason: impl Into<String>) -> Self {
        Self::Unanswered {
            reason: reason.into(),
            source: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { reason } => write!(f, "the grant was refused: {reason}"),
            Self::ClientRefused { reason } => write!(f, "the client was refused: {reason}"),
            Self::NotSent { reason, .. } => write!(f, "the token call was not sent: {reason}"),
            Self::Unanswered { reason, .. } => {
                write!(f, "the token call was not answered: {reason}")
            }
            Self::Transient { reason, .. } => write!(f, "no token for the moment: {reason}"),
            Self::Incomplete { missing } => write!(f, "the account lacks {missing}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotSent { source, .. } | Self::Unanswered { source, .. } => {
                source.as_ref().map(|e| &**e as &(dyn Error + 'static))
            }
            _ => None,
        }
    }
}

impl From<Fenced> for Failure {
    fn from(fenced: Fenced) -> Self {
        Self::NotSent {
            reason: fenced.to_string(),
            source: Some(Arc::new(fenced)),
        }
    }
}

/// When and how an account is renewed.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshPolicy {
    /// The window before expiry in which each account has its own point.
    pub before: RefreshBefore,
    /// How long a request waits for one token call. Default 30 s.
    pub timeout: Duration,
    /// What is done when a call was sent and no answer came. Default: retry.
    pub on_lost_answer: OnLostAnswer,
    /// The distances between tries after a transient failure. Default 1 s doubling to 60 s, of
    /// which each try takes a random part (full jitter).
    pub backoff: Backoff,
    /// The distances between tries of a grant that was refused. Default 15 min doubling to 24 h.
    pub reauth: Backoff,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            before: RefreshBefore::default(),
            timeout: Duration::from_secs(30),
            on_lost_answer: OnLostAnswer::Retry,
            backoff: Backoff {
                base: Duration::from_secs(1),
                max: Duration::from_secs(60),
            },
            reauth: Backoff {
                base: Duration::from_secs(15 * 60),
                max: Duration::from_secs(24 * 60 * 60),
            },
        }
    }
}

/// How long before its end a token is renewed: each account has its own, stable point between the
/// two. A token that lives shorter than twice `max` is renewed between 50% and 80% of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshBefore {
    /// The latest point. Default 60 s.
    pub min: Duration,
    /// The earliest point. Default 180 s.
    pub max: Duration,
}

impl Default for RefreshBefore {
    fn default() -> Self {
        Self {
            min: Duration::from_secs(60),
            max: Duration::from_secs(180),
        }
    }
}

/// What is done when a token call was sent and no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnLostAnswer {
    /// Try again with the same refresh token after the backoff: many vendors take the last one
    /// again for a while.
    #[default]
    Retry,
    /// A reuse revokes the grant: try only once the access token is over, also when asked by hand.
    Defer,
}

/// Distances that double.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first distance.
    pub base: Duration,
    /// The longest.
    pub max: Duration,
}
