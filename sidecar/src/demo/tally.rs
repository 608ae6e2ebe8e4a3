//! What the client counted of one vendor on one side.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which way the client went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Straight to the vendor.
    Direct,
    /// Through the sidecar.
    Leeward,
}

/// A read or a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `GET`.
    Read,
    /// `POST`, which nobody repeats when its fate is unknown.
    Write,
}

/// How one request of the client ended, waits included.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended {
    /// A 2xx with the right content.
    pub ok: bool,
    /// Answers with 401 on the way.
    pub unauthorized: u64,
    /// Limits that came as something other than a 429.
    pub odd_limits: u64,
    /// The answer came from the cache.
    pub cached: bool,
    /// It was sent, and its fate is unknown: no answer, or a torn one.
    pub unknown: bool,
    /// From the first byte sent to the end.
    pub took: Duration,
}

/// Counts as they grow.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<Counts>,
}

/// Counts, read.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Reads: all, and those that were available.
    pub reads: (u64, u64),
    /// Writes: all, and those that were available.
    pub writes: (u64, u64),
    /// Writes that were sent, and whose fate is unknown.
    pub unknown_writes: u64,
    /// Answers with 401.
    pub unauthorized: u64,
    /// Limits that came as something other than a 429.
    pub odd_limits: u64,
    /// Answers from the cache.
    pub cached: u64,
    /// Calls to the token endpoint, as the vendor counted them.
    pub token_calls: u64,
    /// Milliseconds of each request.
    pub millis: Vec<f64>,
    /// Requests and available ones, second by second.
    pub seconds: Vec<(u64, u64)>,
}

impl Tally {
    /// Counts a request that ended in this second of the run.
    pub fn add(&self, kind: Kind, ended: Ended, second: usize) {
        let mut counts = self.lock();
        let ok = u64::from(ended.ok);
        let (all, available) = match kind {
            Kind::Read => &mut counts.reads,
            Kind::Write => &mut counts.writes,
        };
        *all += 1;
        *available += ok;
        counts.unauthorized += ended.unauthorized;
        counts.odd_limits += ended.odd_limits;
        counts.cached += u64::from(ended.cached);
        counts.unknown_writes += u64::from(kind == Kind::Write && ended.unknown);
        counts.millis.push(ended.took.as_secs_f64() * 1000.0);
        if counts.seconds.len() <= second {
            counts.seconds.resize(second + 1, (0, 0));
        }
        if let Some((all, available)) = counts.seconds.get_mut(second) {
            *all += 1;
            *available += ok;
        }
    }

    /// What has been counted so far.
    pub fn read(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Adds what the vendor knows.
    #[must_use]
    pub fn with_token_calls(mut self, calls: u64) -> Self {
        self.token_calls = calls;
        self
    }

    /// All requests, and the available ones.
    pub fn all(&self) -> (u64, u64) {
        (self.reads.0 + self.writes.0, self.reads.1 + self.writes.1)
    }

    /// Adds another vendor's counts.
    pub fn merge(&mut self, other: &Self) {
        self.reads.0 += other.reads.0;
        self.reads.1 += other.reads.1;
        self.writes.0 += other.writes.0;
        self.writes.1 += other.writes.1;
        self.unknown_writes += other.unknown_writes;
        self.unauthorized += other.unauthorized;
        self.odd_limits += other.odd_limits;
        self.cached += other.cached;
        self.token_calls += other.token_calls;
        self.millis.extend_from_slice(&other.millis);
    }

    /// The time under which this share (0 to 1) of the requests ended, in milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.millis.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a vector's length is a place in it"
        )]
        let place = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
        sorted.get(place).copied().unwrap_or(0.0)
    }
}

/// The share of available requests, 1 where there was none.
#[expect(clippy::cast_precision_loss, reason = "counts of a minute's requests")]
pub fn availability((all, ok): (u64, u64)) -> f64 {
    if all == 0 {
        1.0
    } else {
        ok as f64 / all as f64
    }
}
