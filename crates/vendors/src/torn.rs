//! A vendor whose connections die in the middle of an answer.

use std::sync::{Mutex, PoisonError};

use crate::{Behaviour, Books, Call, Entry, Reply};

/// Serves records, and breaks off a share of the answers.
#[derive(Debug)]
pub struct Torn {
    random: Mutex<fastrand::Rng>,
    share: f64,
}

impl Torn {
    /// Breaks off `share` (0 to 1) of the answers.
    pub fn new(seed: u64, share: f64) -> Self {
        Self {
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            share,
        }
    }
}

impl Behaviour for Torn {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        let draw = self
            .random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64();
        match call.served(books) {
            Reply::Answer(response) if draw < self.share => {
                let half = response.body().len() / 2;
                Reply::Torn(response, half)
            }
            reply => reply,
        }
    }
}
