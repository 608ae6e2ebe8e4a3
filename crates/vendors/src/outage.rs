//! A vendor that is away for some seconds, and very slow for some others.

use std::ops::Range;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::{Behaviour, Books, Call, Entry, Reply};

/// From when to when, measured from the vendor's start.
pub type Period = Range<Duration>;

/// Serves records, except in its bad periods.
#[derive(Debug)]
pub struct Outage {
    began: Instant,
    away: Period,
    slow: Period,
    slowness: Duration,
}

impl Outage {
    /// Answers 503 while it is `away`, and only after `slowness` while it is `slow`.
    pub fn new(away: Period, slow: Period, slowness: Duration) -> Self {
        Self {
            began: Instant::now(),
            away,
            slow,
            slowness,
        }
    }
}

impl Behaviour for Outage {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        let age = self.began.elapsed();
        if self.away.contains(&age) {
            books.note(Entry::Refused);
            return Reply::json(503, &json!({ "error": "we are down" }));
        }
        let reply = call.served(books);
        if self.slow.contains(&age) {
            return Reply::After(self.slowness, Box::new(reply));
        }
        reply
    }
}
