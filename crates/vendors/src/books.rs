//! What a vendor saw and did, counted by itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// One line of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Requests for records.
    Requests,
    /// Records that were created.
    Created,
    /// Calls to the token endpoint.
    TokenCalls,
    /// Grants that were revoked because a used refresh token came again.
    Revoked,
    /// Requests that were told to slow down.
    Limited,
    /// Answers that were torn.
    Torn,
    /// Requests refused because of an outage or a collapse.
    Refused,
    /// The most calls that were under way at once.
    MostAtOnce,
}

/// A vendor's own counters, to be compared with what its callers believe.
#[derive(Debug, Default)]
pub struct Books {
    counts: [AtomicU64; 8],
}

impl Books {
    /// Adds one.
    pub fn note(&self, entry: Entry) {
        self.at(entry).fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps the larger one.
    pub fn note_most(&self, entry: Entry, value: u64) {
        self.at(entry).fetch_max(value, Ordering::Relaxed);
    }

    /// What stands there.
    pub fn read(&self, entry: Entry) -> u64 {
        self.at(entry).load(Ordering::Relaxed)
    }

    fn at(&self, entry: Entry) -> &AtomicU64 {
        let [
            requests,
            created,
            tokens,
            revoked,
            limited,
            torn,
            refused,
            most,
        ] = &self.counts;
        match entry {
            Entry::Requests => requests,
            Entry::Created => created,
            Entry::TokenCalls => tokens,
            Entry::Revoked => revoked,
            Entry::Limited => limited,
            Entry::Torn => torn,
            Entry::Refused => refused,
            Entry::MostAtOnce => most,
        }
    }
}
