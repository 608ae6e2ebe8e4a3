//! A vendor that fails at a read now and then, for no reason that its callers could see.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use crate::draw::OneIn;
use crate::{Behaviour, Books, Call, Entry, Reply};

/// Serves records, and answers one of every so many reads with a 500.
#[derive(Debug)]
pub struct Stumbling {
    began: Instant,
    after: Duration,
    fails: OneIn,
}

impl Stumbling {
    /// Fails at one in each `every` reads, which one of them is drawn, once it has run for `after`.
    pub fn new(seed: u64, every: usize, after: Duration) -> Self {
        Self {
            began: Instant::now(),
            after,
            fails: OneIn::new(seed, every),
        }
    }
}

impl Behaviour for Stumbling {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        let due = call.head.method == Method::GET && self.began.elapsed() >= self.after;
        if due && self.fails.picks() {
            books.note(Entry::Refused);
            return Reply::json(500, &json!({ "error": "something went wrong" }));
        }
        call.served(books)
    }
}
