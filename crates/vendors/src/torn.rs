//! A vendor whose connections die in the middle of an answer.

use crate::draw::OneIn;
use crate::{Behaviour, Books, Call, Entry, Reply};

/// Serves records, and breaks off one of every so many answers.
#[derive(Debug)]
pub struct Torn {
    torn: OneIn,
}

impl Torn {
    /// Breaks off one in each `every` answers; which one of them is drawn.
    pub fn new(seed: u64, every: usize) -> Self {
        Self {
            torn: OneIn::new(seed, every),
        }
    }
}

impl Behaviour for Torn {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        match call.served(books) {
            Reply::Answer(response) if self.torn.picks() => {
                let half = response.body().len() / 2;
                Reply::Torn(response, half)
            }
            reply => reply,
        }
    }
}
