//! A vendor that allows so many requests in a window, and says so in a dialect of its own.

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

/// Fixed windows, counted over all callers.
#[derive(Debug)]
pub struct SlowDown {
    dialect: Dialect,
    limit: u32,
    window: Duration,
    state: Mutex<(Instant, u32)>,
}

impl SlowDown {
    /// Allows `limit` requests in each `window`.
    pub fn new(dialect: Dialect, limit: u32, window: Duration) -> Self {
        Self {
            dialect,
            limit,
            window,
            state: Mutex::new((Instant::now(), 0)),
        }
    }

    /// Counts a request; over the limit, how long the window goes on.
    fn over(&self) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now.duration_since(state.0) >= self.window {
            *state = (now, 0);
        }
        state.1 += 1;
        (state.1 > self.limit).then(|| self.window.saturating_sub(now.duration_since(state.0)))
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
                // Whole seconds, rounded up: the window is over by then.
                let seconds = epoch.as_secs() + u64::from(epoch.subsec_nanos() > 0);
                Reply::json(429, &json!({ "message": "quota spent" }))
                    .header("x-window-reset", seconds)
            }
        }
    }
}
