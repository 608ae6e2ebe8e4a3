//! The gate itself: no async, no clock but its own two.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use dashmap::DashMap;
use tokio::time::Instant;

use super::closing::{Closing, Shut, Ticket};
use super::entry::{self, Entry};
use crate::error::By;
use crate::judgement::PathScope;
use crate::observe::{Observe, Silent};
use crate::settings::Settings;

/// The most entries that a gate remembers. Beyond them a limit is not remembered: the vendor says
/// it again.
pub const MOST_ENTRIES: usize = 100_000;

/// Waiting requests are let through in steps of this, spread out over at most a second.
const STEP: Duration = Duration::from_millis(20);
const STEPS: u32 = 50;

/// The closed scopes of one provider, by account. A clone is the same gate.
#[derive(Clone)]
pub struct Gate {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) settings: RwLock<Settings>,
    pub(super) accounts: DashMap<Arc<str>, Vec<Entry>>,
    /// How many entries there are: while 0, nothing is looked up.
    pub(super) entries: AtomicUsize,
    /// Counts the closings, to tell requests that began before one from those after it.
    pub(super) closings: AtomicU64,
    /// Milliseconds after `origin` of the last sweep.
    pub(super) swept: AtomicU64,
    pub(super) origin: Instant,
    monotonic: Box<dyn Fn() -> Instant + Send + Sync>,
    wall: Box<dyn Fn() -> SystemTime + Send + Sync>,
    observer: Arc<dyn Observe>,
}

impl Gate {
    /// An open gate.
    pub fn new(settings: Settings) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings: RwLock::new(settings),
                accounts: DashMap::new(),
                entries: AtomicUsize::new(0),
                closings: AtomicU64::new(0),
                swept: AtomicU64::new(0),
                origin: Instant::now(),
                monotonic: Box::new(Instant::now),
                wall: Box::new(SystemTime::now),
                observer: Arc::new(Silent),
            }),
        }
    }

    /// Tells `observer` what happens. To be called before the gate is cloned: otherwise the new
    /// gate shares nothing with the clones.
    #[must_use]
    pub fn observe(self, observer: Arc<dyn Observe>) -> Self {
        self.rebuild(|shared| shared.observer = observer)
    }

    /// Takes the time from these clocks, for tests that move them. To be called before the gate is
    /// cloned.
    #[must_use]
    pub fn clock(
        self,
        monotonic: impl Fn() -> Instant + Send + Sync + 'static,
        wall: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        self.rebuild(|shared| {
            shared.origin = monotonic();
            shared.monotonic = Box::new(monotonic);
            shared.wall = Box::new(wall);
        })
    }

    fn rebuild(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        if Arc::get_mut(&mut self.shared).is_none() {
            self = Self::new(self.settings());
        }
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            change(shared);
        }
        self
    }

    /// What is set.
    pub fn settings(&self) -> Settings {
        *self
            .shared
            .settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets it anew; what is closed stays closed.
    pub fn set_settings(&self, settings: Settings) {
        *self
            .shared
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// The monotonic clock's time.
    pub fn now(&self) -> Instant {
        (self.shared.monotonic)()
    }

    /// The wall clock's time.
    pub fn wall(&self) -> SystemTime {
        (self.shared.wall)()
    }

    pub(crate) fn observer(&self) -> &dyn Observe {
        &*self.shared.observer
    }

    /// Is nothing known of any account? Then there is nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.shared.entries.load(Ordering::Acquire) == 0
    }

    /// To be taken when a request begins.
    pub fn ticket(&self) -> Ticket {
        Ticket(self.shared.closings.load(Ordering::Acquire))
    }

    /// The closed scope that a request of this account and path meets; of several the one that
    /// opens last.
    pub fn check(&self, account: &str, path: &str) -> Option<Shut> {
        if self.is_empty() {
            return None;
        }
        let now = self.now();
        self.sweep(now);
        let entries = self.shared.accounts.get(account)?;
        let closed = entries.iter().filter(|e| e.until > now && e.concerns(path));
        let last = closed.max_by_key(|entry| entry.until)?;
        Some(Shut {
            scope: Arc::clone(&last.scope),
            until: last.until,
            left: last.until.saturating_duration_since(now),
        })
    }

    /// Closes a scope; says how long it stays closed.
    ///
    /// Requests that were under way when it closed say it again: they count as one limit, and
    /// lengthen the wait only if they name a later time.
    pub fn close(&self, closing: Closing<'_>) -> Duration {
        let now = self.now();
        let backoff = self.settings().backoff;
        self.sweep(now);
        let (accounts, closings) = (&self.shared.accounts, &self.shared.closings);
        if let Some(mut entries) = accounts.get_mut(&**closing.account) {
            let known = entries
                .iter_mut()
                .find(|e| e.is(closing.scope, closing.path));
            if let Some(entry) = known {
                return entry.again(now, closing.delay, closing.ticket, backoff, closings);
            }
        }
        let delay = closing.delay.unwrap_or_else(|| backoff.wait(0));
        if self.shared.entries.fetch_add(1, Ordering::AcqRel) >= MOST_ENTRIES {
            self.shared.entries.fetch_sub(1, Ordering::AcqRel);
            return delay;
        }
        let mut entries = accounts.entry(Arc::clone(closing.account)).or_default();
        // Another request may have been quicker since the look above.
        let known = entries
            .iter_mut()
            .find(|e| e.is(closing.scope, closing.path));
        if let Some(entry) = known {
            self.shared.entries.fetch_sub(1, Ordering::AcqRel);
            return entry.again(now, closing.delay, closing.ticket, backoff, closings);
        }
        entries.push(Entry {
            scope: Arc::clone(closing.scope),
            path: closing.path.cloned(),
            until: entry::after(now, delay),
            by: By::Vendor,
            failures: u32::from(closing.delay.is_none()),
            closed: closings.fetch_add(1, Ordering::AcqRel) + 1,
            waiting: 0,
        });
        delay
    }

    /// Closes a scope because another process met its limit. A time that is over opens nothing.
    pub fn close_until(
        &self,
        account: &Arc<str>,
        scope: &Arc<str>,
        path: Option<&PathScope>,
        until: SystemTime,
    ) {
        if let Ok(delay) = until.duration_since(self.wall()) {
            self.close(Closing {
                account,
                scope,
                path,
                delay: Some(delay),
                ticket: self.ticket(),
            });
        }
    }

    /// Opens a scope by hand and forgets its backoff. True if it was closed.
    pub fn open(&self, account: &str, scope: &str) -> bool {
        let now = self.now();
        let mut was_closed = false;
        self.forget(account, |entry| {
            let this = *entry.scope == *scope;
            was_closed |= this && entry.until > now;
            this
        });
        was_closed
    }

    /// A request of this account and path succeeded: the backoff of scopes that it might have met
    /// begins anew. One that began before a scope closed says nothing about it.
    pub fn succeeded(&self, account: &str, path: &str, ticket: Ticket) {
        if self.is_empty() {
            return;
        }
        let now = self.now();
        self.forget(account, |entry| {
            entry.until <= now && entry.closed <= ticket.0 && entry.concerns(path)
        });
    }

    /// When a request that waits for this scope may go: some time after it opens, later than those
    /// that waited before, so that they do not all come at once.
    pub(crate) fn release(&self, account: &str, shut: &Shut) -> Instant {
        let mut turn = 0;
        if let Some(mut entries) = self.shared.accounts.get_mut(account) {
            let entry = entries
                .iter_mut()
                .find(|e| e.scope == shut.scope && e.until == shut.until);
            if let Some(entry) = entry {
                turn = entry.waiting;
                entry.waiting = turn.wrapping_add(1);
            }
        }
        let jitter = STEP.mul_f64(fastrand::f64());
        entry::after(shut.until, STEP * (turn % STEPS) + jitter)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("entries", &self.shared.entries.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
