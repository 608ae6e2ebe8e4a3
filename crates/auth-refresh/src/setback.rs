//! Why an account gets no new credential for the moment, and until when.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{Moment, mono_after};
use crate::flight::{Fault, held_off};
use crate::{AccountId, CredentialError, Failure, Record, Status};

#[derive(Debug, Clone)]
pub(crate) struct Setback {
    pub(crate) until: Instant,
    /// It may well be over in a moment: a request may wait for the next try.
    pub(crate) passing: bool,
    error: CredentialError,
}

/// The first distance where the store itself cannot say one.
const UNWRITTEN: Duration = Duration::from_millis(500);

impl Setback {
    /// Of a flight that has failed just now.
    pub(crate) fn failed<C>(
        account: &AccountId,
        fault: &Fault,
        record: Option<&Record<C>>,
        now: Moment,
        random: f64,
    ) -> Self {
        let until = record.and_then(|record| record.retry_at).map_or_else(
            || mono_after(now.mono, UNWRITTEN.mul_f64(1.0 + random)),
            |at| now.mono_at(at),
        );
        let account = account.clone();
        let (passing, error) = match fault {
            Fault::Store(error) => (true, CredentialError::Store(error.clone())),
            Fault::Call(Failure::Refused { reason }) => (
                false,
                CredentialError::NeedsReauth {
                    account,
                    reason: reason.clone(),
                },
            ),
            Fault::Call(Failure::Incomplete { missing }) => (
                false,
                CredentialError::Incomplete {
                    account,
                    missing: missing.clone(),
                },
            ),
            Fault::Call(failure) => (
                !matches!(failure, Failure::ClientRefused { .. }),
                CredentialError::Unavailable {
                    account,
                    reason: failure.to_string(),
                    retry_after: None,
                    source: Some(Arc::new(failure.clone())),
                },
            ),
        };
        Self {
            until,
            passing,
            error,
        }
    }

    /// Of a record whose earlier failure still holds the next try off.
    pub(crate) fn recorded<C>(record: &Record<C>, now: Moment) -> Option<Self> {
        let until = held_off(record, now.wall)?;
        Some(Self::not_yet(record, now.mono_at(until)))
    }

    /// Of a record that must not be tried before that time.
    pub(crate) fn not_yet<C>(record: &Record<C>, until: Instant) -> Self {
        let account = record.account.clone();
        let error = if record.status == Status::NeedsReauth {
            CredentialError::NeedsReauth {
                account,
                reason: reauth_reason(record.reason.as_deref()),
            }
        } else {
            CredentialError::Unavailable {
                account,
                reason: "an earlier token call failed, and it is not yet time for the next".into(),
                retry_after: None,
                source: None,
            }
        };
        Self {
            until,
            passing: record.status == Status::Active,
            error,
        }
    }

    /// What a request is told at this time.
    pub(crate) fn error(&self, now: Instant) -> CredentialError {
        let mut error = self.error.clone();
        if let CredentialError::Unavailable { retry_after, .. } = &mut error {
            *retry_after = Some(self.until.saturating_duration_since(now));
        }
        error
    }
}

/// The reason that is shown where none was written.
pub(crate) fn reauth_reason(reason: Option<&str>) -> String {
    reason.unwrap_or("the grant was refused").to_owned()
}
