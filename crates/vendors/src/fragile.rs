//! A vendor that bears a few calls at once, and falls over under more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::{Behaviour, Books, Call, Entry, Reply};

/// Serves records, each in `work`; more than `bears` calls at once make it refuse everything for
/// `recovery`.
#[derive(Debug)]
pub struct Fragile {
    bears: u64,
    work: Duration,
    recovery: Duration,
    at_once: AtomicU64,
    down_until: Mutex<Option<Instant>>,
}

impl Fragile {
    /// See the type.
    pub fn new(bears: u64, work: Duration, recovery: Duration) -> Self {
        Self {
            bears,
            work,
            recovery,
            at_once: AtomicU64::new(0),
            down_until: Mutex::new(None),
        }
    }

    fn down(&self, overrun: bool) -> bool {
        let now = Instant::now();
        let mut until = self
            .down_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if overrun {
            *until = Some(now + self.recovery);
        }
        until.is_some_and(|until| now < until)
    }
}

impl Behaviour for Fragile {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        books.note_most(Entry::MostAtOnce, at_once);
        let reply = if self.down(at_once > self.bears) {
            books.note(Entry::Refused);
            Reply::json(
                500,
                &json!({ "error": "too many connections to the database" }),
            )
        } else {
            call.served(books)
        };
        Reply::After(self.work, Box::new(reply))
    }

    fn ended(&self) {
        self.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}
