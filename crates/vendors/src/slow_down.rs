//! A vendor that allows so many requests and then none for a while, and says so in a dialect of
//! its own.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::{Behaviour, Books, Call, Entry, Reply};

/// How "slow down" is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A 403 with `{"code": "TOO_FAST"}`, and no word on how long.
    ForbiddenWithCode,
    /// A 429 with `X-Window-Reset: <epoch seconds>`.
    EpochInHeader,
}

/// A quota, counted over all callers: once it is spent, nothing is served for a while.
#[derive(Debug)]
pub struct SlowDown {
    dialect: Dialect,
    limit: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    served: u32,
    /// Until when nothing is served.
    closed: Option<Instant>,
}

impl SlowDown {
    /// Serves `limit` requests, then none for `pause`, and so on: however slowly its callers come,
    /// they meet it.
    pub fn new(dialect: Dialect, limit: u32, pause: Duration) -> Self {
        let state = State {
            served: 0,
            closed: None,
        };
        Self {
            dialect,
            limit,
            pause,
            state: Mutex::new(state),
        }
    }

    /// Counts a request; over the limit, how long the pause goes on.
    fn over(&self) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(left) = state.closed.and_then(|end| end.checked_duration_since(now)) {
            return Some(left);
        }
        if state.closed.take().is_some() {
            state.served = 0;
        }
        state.served += 1;
        if state.served >= self.limit {
            state.closed = Some(now + self.pause);
        }
        None
    }
}

impl Behaviour for SlowDown {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        let Some(left) = self.over() else {
            return call.served(books);
        };
        books.note(Entry::Limited);
        match self.dialect {
            Dialect::ForbiddenWithCode => Reply::json(
                403,
                &json!({ "code": "TOO_FAST", "message": "you are calling us too often" }),
            ),
            Dialect::EpochInHeader => {
                let reset = SystemTime::now() + left;
                let epoch = reset.duration_since(UNIX_EPOCH).unwrap_or_default();
                // Whole seconds, rounded up: the pause is over by then.
                let seconds = epoch.as_secs() + u64::from(epoch.subsec_nanos() > 0);
                Reply::json(429, &json!({ "message": "quota spent" }))
                    .header("x-window-reset", seconds)
            }
        }
    }
}
