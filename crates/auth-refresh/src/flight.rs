//! One renewal of one account's credential, as a state machine without a clock, a store or a
//! network: it says what to do next, and is told how that went.
//!
//! The order that keeps a rotating grant alive: take the lease, mark the record, send, commit, and
//! only then let anybody see the new credential. What was granted is never let go: while the store
//! is away the commit is tried again, and if the lease was lost meanwhile it is taken anew, as long
//! as the record has not moved.

use std::time::{Duration, SystemTime};

use crate::{Acquired, Failure, Granted, Outcome, Record, RefreshPolicy, Renewed, StoreError};

mod machine;
mod outcome;

pub(crate) use machine::Flight;
pub(crate) use outcome::{held_off, life_margin};

/// Why a flight began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its time has come, by this process's own clocks.
    Schedule,
    /// The store's schedule named it, a moment ago: it may have been renewed since.
    Listed,
    /// A request finds no living token.
    Wanted,
    /// The API rejected the token of this version.
    Rejected {
        /// The version that was rejected.
        version: u64,
    },
    /// Somebody asked for it by hand: no backoff holds it.
    Hand,
}

/// What the machine wants done.
#[derive(Debug)]
pub(crate) enum Step<C> {
    Load,
    Acquire {
        version: u64,
        until: SystemTime,
    },
    Pause(Duration),
    /// Marks, sends and reads one token call, with the lease and record in [`Flight::hold`].
    Call,
    Commit(Renewed<C>),
    GiveBack(Outcome),
    End(End<C>),
}

/// How it went.
#[derive(Debug)]
pub(crate) enum Event<C> {
    Loaded(Result<Option<Record<C>>, StoreError>),
    Acquired(Result<Acquired<C>, StoreError>),
    Paused,
    Called(Call<C>),
    Committed(Result<Option<Record<C>>, StoreError>),
    GivenBack(Result<Option<Record<C>>, StoreError>),
}

/// How a token call ended.
#[derive(Debug)]
pub(crate) struct Call<C> {
    pub(crate) result: Result<Granted<C>, Failure>,
    /// When the lifetime counts from: just before the call.
    pub(crate) from: SystemTime,
    /// When the record was marked as sent, if it was.
    pub(crate) sent_at: Option<SystemTime>,
    /// The mark was refused, since the lease had been lost: nothing was sent.
    pub(crate) fenced: bool,
}

/// How a flight ended.
#[derive(Debug)]
pub(crate) enum End<C> {
    /// A newer credential is durable: bought by this flight, or found.
    Renewed { record: Record<C>, bought: bool },
    /// The token call, or the store, failed. The record is what the store holds now, if known.
    Failed {
        record: Option<Record<C>>,
        fault: Fault,
    },
    /// Another process is at it, and nobody here waits for it.
    Held { until: SystemTime },
    /// An earlier failure's backoff, or a deferral, is still in force.
    NotYet {
        record: Record<C>,
        until: SystemTime,
    },
    /// It was listed as due, and is no longer.
    Fresh(Record<C>),
    /// It must not be renewed: disabled.
    Disabled(Record<C>),
    /// There is nothing to renew it with.
    NotRenewable(Record<C>),
    /// There is no such account.
    Gone,
}

/// What failed.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Call(Failure),
    Store(StoreError),
}

/// What the machine sees of the world when it decides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight {
    pub(crate) now: SystemTime,
    /// Somebody waits for the end of this flight.
    pub(crate) waited: bool,
    /// The process is ending: nothing new is begun.
    pub(crate) closing: bool,
    /// A random number in `[0, 1)`.
    pub(crate) random: f64,
}

/// How a flight goes about it.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) policy: RefreshPolicy,
    pub(crate) lease: Duration,
    /// A lease that ends later than this from now was written by a clock that has jumped.
    pub(crate) longest_lease: Duration,
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
