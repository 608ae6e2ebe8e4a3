//! What is known of one account in this process, and who waits for it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::{Moment, mono_after};
use crate::flight::Cause;
use crate::setback::Setback;
use crate::{AccountId, CredentialError, Current, Record};

pub(crate) struct Entry<C> {
    pub(crate) account: AccountId,
    pub(crate) current: ArcSwapOption<Current<C>>,
    /// `rejected` answers in a row to a credential that cannot be renewed.
    pub(crate) rejections: AtomicU32,
    board: Mutex<Board<C>>,
}

pub(crate) struct Board<C> {
    /// The flight that is queued or under way.
    pub(crate) flight: Option<Arc<Ticket<C>>>,
    /// Why no flight begins for the moment.
    pub(crate) setback: Option<Setback>,
    /// Another process is at it: no request that can do without begins a flight before this.
    pub(crate) calm_until: Option<Instant>,
    /// The forced renewals that changed nothing.
    pub(crate) fruitless: Option<Fruitless>,
}

/// A repeat with a forced, new token was rejected like the first: that 401 means something else,
/// and for a while no renewal is forced for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fruitless {
    until: Instant,
    pause: Duration,
}

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 60);

impl Fruitless {
    pub(crate) fn after(before: Option<Self>, now: Instant) -> Self {
        let pause = before.map_or(FIRST_PAUSE, |b| (b.pause * 2).min(LONGEST_PAUSE));
        Self {
            until: mono_after(now, pause),
            pause,
        }
    }

    pub(crate) fn in_force(self, now: Instant) -> bool {
        now < self.until
    }
}

/// What the waiting hold of a flight.
pub(crate) struct Ticket<C> {
    landed: watch::Sender<Option<Landed<C>>>,
    /// Its job stands, or stood, in the line of those that are waited for.
    pub(crate) urgent: AtomicBool,
    /// It holds a credential that the store does not take.
    pub(crate) stalled: AtomicBool,
}

impl<C> Ticket<C> {
    fn new(urgent: bool) -> Arc<Self> {
        Arc::new(Self {
            landed: watch::Sender::new(None),
            urgent: AtomicBool::new(urgent),
            stalled: AtomicBool::new(false),
        })
    }

    pub(crate) fn waited(&self) -> bool {
        self.landed.receiver_count() > 0
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Landed<C>>> {
        self.landed.subscribe()
    }
}

/// What the waiting are told.
pub(crate) enum Landed<C> {
    Renewed(Arc<Current<C>>),
    /// Look again: the flight ended without a result, since nobody seemed to wait for it.
    Elsewhere,
    Failed(Setback),
    Ended(CredentialError),
}

impl<C> Clone for Landed<C> {
    fn clone(&self) -> Self {
        match self {
            Self::Renewed(current) => Self::Renewed(Arc::clone(current)),
            Self::Elsewhere => Self::Elsewhere,
            Self::Failed(setback) => Self::Failed(setback.clone()),
            Self::Ended(error) => Self::Ended(error.clone()),
        }
    }
}

/// A flight that is to be flown. Dropped unflown, it tells those who wait.
pub(crate) struct Job<C> {
    pub(crate) entry: Arc<Entry<C>>,
    pub(crate) ticket: Arc<Ticket<C>>,
    pub(crate) cause: Cause,
    pub(crate) version: u64,
    pub(crate) provider: Arc<str>,
}

impl<C> Drop for Job<C> {
    fn drop(&mut self) {
        // Without effect if it has landed.
        let ended = CredentialError::Unavailable {
            account: self.entry.account.clone(),
            reason: "the renewal was given up: this process is ending, or has failed".into(),
            retry_after: None,
            source: None,
        };
        self.entry.land(&self.ticket, Landed::Ended(ended), |_| {});
    }
}

impl<C> Entry<C> {
    pub(crate) fn new(account: AccountId) -> Arc<Self> {
        Arc::new(Self {
            account,
            current: ArcSwapOption::empty(),
            rejections: AtomicU32::new(0),
            board: Mutex::new(Board {
                flight: None,
                setback: None,
                calm_until: None,
                fruitless: None,
            }),
        })
    }

    pub(crate) fn board(&self) -> MutexGuard<'_, Board<C>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes a record, unless a newer one is known already. `over`: a version that the store
    /// no longer has, so that a lower one is newer.
    pub(crate) fn install(
        &self,
        record: Record<C>,
        over: Option<u64>,
        now: Moment,
    ) -> Arc<Current<C>> {
        let current = Arc::new(Current::new(record, now));
        let _board = self.board();
        let newer =
            self.current.load().as_ref().is_none_or(|known| {
                current.version >= known.version || over == Some(known.version)
            });
        if newer {
            self.current.store(Some(Arc::clone(&current)));
        }
        current
    }

    /// The flight under way, or a new one, which the caller must then see flown.
    pub(crate) fn join_or_begin(
        self: &Arc<Self>,
        current: &Current<C>,
        cause: Cause,
        urgent: bool,
    ) -> (Arc<Ticket<C>>, Option<Job<C>>) {
        let mut board = self.board();
        if let Some(ticket) = &board.flight {
            return (Arc::clone(ticket), None);
        }
        let ticket = Ticket::new(urgent);
        board.flight = Some(Arc::clone(&ticket));
        let job = Job {
            entry: Arc::clone(self),
            ticket: Arc::clone(&ticket),
            cause,
            version: current.version,
            provider: Arc::clone(&current.provider),
        };
        (ticket, Some(job))
    }

    /// Ends a flight: first what is known, then who waits.
    pub(crate) fn land(
        &self,
        ticket: &Arc<Ticket<C>>,
        landed: Landed<C>,
        note: impl FnOnce(&mut Board<C>),
    ) {
        let mut board = self.board();
        let ours = board
            .flight
            .as_ref()
            .is_some_and(|flight| Arc::ptr_eq(flight, ticket));
        if !ours {
            return;
        }
        board.flight = None;
        note(&mut board);
        drop(board);
        ticket.landed.send_replace(Some(landed));
    }

    pub(crate) fn flying(&self) -> bool {
        self.board().flight.is_some()
    }

    /// The next `rejected` answer in a row: how many there are now.
    pub(crate) fn count_rejection(&self) -> u32 {
        self.rejections.fetch_add(1, Ordering::Relaxed) + 1
    }
}
