//! The credential that is in use.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;

use crate::clock::Moment;
use crate::flight::life_margin;
use crate::{AccountId, Record, Status};

/// An account's credential as it is put on requests: durable, and the newest that this process
/// knows.
///
/// `Debug` leaves the credential out.
pub struct Current<C> {
    /// Whose it is.
    pub account: AccountId,
    /// The API that it is for.
    pub provider: Arc<str>,
    /// The record's version.
    pub version: u64,
    /// How it stands with the account.
    pub status: Status,
    /// Why it stands so.
    pub reason: Option<String>,
    /// The secret itself.
    pub credential: C,
    /// When it is over, by the wall clock.
    pub expires_at: Option<SystemTime>,
    /// Whether a new one can be had.
    pub renewable: bool,
    over: Option<Both>,
    due: Option<Both>,
    derived: ArcSwapOption<Derived>,
}

/// One point in time by both clocks: reached as soon as either says so.
#[derive(Debug, Clone, Copy)]
struct Both(Moment);

impl Both {
    fn reached(self, now: Moment) -> bool {
        now.mono >= self.0.mono || now.wall >= self.0.wall
    }
}

struct Derived {
    generation: u64,
    value: Arc<dyn Any + Send + Sync>,
}

impl<C> Current<C> {
    pub(crate) fn new(record: Record<C>, now: Moment) -> Self {
        let margin = life_margin(&record);
        let both = |wall: SystemTime| {
            Both(Moment {
                wall,
                mono: now.mono_at(wall),
            })
        };
        let over = record
            .expires_at
            .map(|end| both(end.checked_sub(margin).unwrap_or(end)));
        Self {
            over,
            due: record.refresh_at.map(both),
            account: record.account,
            provider: record.provider,
            version: record.version,
            status: record.status,
            reason: record.reason,
            credential: record.credential,
            expires_at: record.expires_at,
            renewable: record.renewable,
            derived: ArcSwapOption::empty(),
        }
    }

    /// When it is over by the monotonic clock, a small margin before its end.
    pub fn over_at(&self) -> Option<Instant> {
        self.over.map(|both| both.0.mono)
    }

    /// Something that is made from the credential once and kept beside it, such as ready header
    /// values. It is made anew for another `generation` (of the settings that it depends on) or
    /// type; one value is kept.
    pub fn derive<T, E>(
        &self,
        generation: u64,
        make: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: Any + Send + Sync,
    {
        if let Some(derived) = &*self.derived.load()
            && derived.generation == generation
            && let Ok(value) = Arc::clone(&derived.value).downcast::<T>()
        {
            return Ok(value);
        }
        let value = Arc::new(make(self)?);
        self.derived.store(Some(Arc::new(Derived {
            generation,
            value: Arc::clone(&value) as Arc<dyn Any + Send + Sync>,
        })));
        Ok(value)
    }

    pub(crate) fn expires(&self) -> bool {
        self.over.is_some()
    }

    pub(crate) fn is_over(&self, now: Moment) -> bool {
        self.over.is_some_and(|over| over.reached(now))
    }

    /// Its time to be renewed by the schedule has come.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.renewable
            && self.status == Status::Active
            && self.due.is_some_and(|due| due.reached(now))
    }

    pub(crate) fn due_at(&self) -> Option<Instant> {
        let due = self.due.filter(|_| self.renewable)?;
        (self.status == Status::Active).then_some(due.0.mono)
    }
}

impl<C> fmt::Debug for Current<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current")
            .field("account", &self.account)
            .field("provider", &self.provider)
            .field("version", &self.version)
            .field("status", &self.status)
            .field("expires_at", &self.expires_at)
            .field("renewable", &self.renewable)
            .finish_non_exhaustive()
    }
}
