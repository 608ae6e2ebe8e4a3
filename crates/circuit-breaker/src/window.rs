//! Counts over the last while, in a ring of slices. Pure: the time is passed in.

use std::time::Duration;

use tokio::time::Instant;

const SLICES: usize = 10;

/// What a span of time has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: u32,
    pub(crate) failures: u32,
    pub(crate) slow: u32,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failures = self.failures.saturating_add(other.failures);
        self.slow = self.slow.saturating_add(other.slow);
    }

    fn take(&mut self, other: Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.failures = self.failures.saturating_sub(other.failures);
        self.slow = self.slow.saturating_sub(other.slow);
    }
}

/// The tally of the current slice and the nine before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    began: Instant,
    /// Nanoseconds; never 0.
    slice: u64,
    /// Number of the newest slice since `began`.
    newest: u64,
    slices: [Tally; SLICES],
    total: Tally,
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl Window {
    pub(crate) fn new(now: Instant, length: Duration) -> Self {
        Self {
            began: now,
            slice: (nanos(length) / 10).max(1),
            newest: 0,
            slices: [Tally::default(); SLICES],
            total: Tally::default(),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.slices = [Tally::default(); SLICES];
        self.total = Tally::default();
    }

    pub(crate) fn add(&mut self, now: Instant, seen: Tally) {
        self.advance(now);
        self.total.add(seen);
        if let Some(slice) = self.slot(self.newest) {
            slice.add(seen);
        }
    }

    pub(crate) fn total(&mut self, now: Instant) -> Tally {
        self.advance(now);
        self.total
    }

    /// Drops the slices that `now` has left behind. A clock that goes back changes nothing.
    fn advance(&mut self, now: Instant) {
        let current = nanos(now.saturating_duration_since(self.began)) / self.slice;
        if current <= self.newest {
            return;
        }
        if current - self.newest >= SLICES as u64 {
            self.clear();
        } else {
            for number in self.newest + 1..=current {
                let gone = self.slot(number).map(std::mem::take).unwrap_or_default();
                self.total.take(gone);
            }
        }
        self.newest = current;
    }

    fn slot(&mut self, number: u64) -> Option<&mut Tally> {
        let index = usize::try_from(number % SLICES as u64).ok()?;
        self.slices.get_mut(index)
    }
}

#[cfg(test)]
mod tests;
