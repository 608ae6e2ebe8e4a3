//! When a limit on the head is over. Pure: the time is passed in.

use std::time::Duration;

use tokio::time::Instant;

use crate::deadline::later;
use crate::progress::Progress;
use crate::{Deadline, Elapsed, Phase};

/// How long an upload may stand still before a limit that has passed holds against it.
pub(crate) const IDLE: Duration = Duration::from_secs(30);

/// One limit on the way to the head of an answer.
#[derive(Debug)]
pub(crate) struct Limit {
    phase: Phase,
    allowed: Duration,
    /// `None` until the first wait, where the limit counts from there.
    at: Option<Instant>,
    idle: Duration,
    upload: Option<Progress>,
}

impl Limit {
    pub(crate) fn total(deadline: Deadline, idle: Duration, upload: Option<Progress>) -> Self {
        Self {
            phase: Phase::Total,
            allowed: deadline.allowed(),
            at: Some(deadline.at()),
            idle,
            upload,
        }
    }

    pub(crate) fn response(allowed: Duration, idle: Duration, upload: Option<Progress>) -> Self {
        Self {
            phase: Phase::Response,
            allowed,
            at: None,
            idle,
            upload,
        }
    }

    /// The instant at which the limit is over, as far as is known at `now`; moves on with the upload.
    pub(crate) fn end(&mut self, now: Instant) -> Instant {
        let at = *self.at.get_or_insert_with(|| later(now, self.allowed));
        let Some(upload) = &self.upload else {
            return at;
        };
        let grace = if self.phase == Phase::Response && upload.is_finished() {
            self.allowed
        } else {
            self.idle.min(self.allowed)
        };
        at.max(later(upload.moved_at(), grace))
    }

    pub(crate) fn elapsed(&self) -> Elapsed {
        Elapsed {
            phase: self.phase,
            after: self.allowed,
        }
    }
}

#[cfg(test)]
mod tests;
