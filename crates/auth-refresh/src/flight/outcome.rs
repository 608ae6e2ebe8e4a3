//! What is written at a flight's end, and what a record says about it.

use std::time::{Duration, SystemTime};

use super::{Flight, Sight};
use crate::clock::wall_after;
use crate::schedule::{self, LONGEST_BACKOFF, LONGEST_REAUTH, in_force, margin};
use crate::{Failure, Granted, OnLostAnswer, Outcome, Record, Renewed, Status};

/// A token that lives shorter than this is no token that a schedule can keep.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

impl<C: Clone> Flight<C> {
    pub(super) fn renewed(
        &self,
        record: &Record<C>,
        granted: Granted<C>,
        from: SystemTime,
    ) -> Renewed<C> {
        let policy = &self.terms.policy;
        let (token, grant) = (granted.expires_at, granted.refresh_expires_at);
        let mut refresh_at = schedule::refresh_at(&record.account, from, token, grant, policy);
        // Who sells tokens that are over at once is not asked in a loop.
        if token.is_some_and(|end| end < wall_after(from, SHORTEST_LIFE)) {
            refresh_at = Some(wall_after(from, policy.backoff.max));
        }
        Renewed {
            credential: granted.credential,
            expires_at: token,
            refresh_at,
            refresh_expires_at: grant,
            refreshed_at: from,
        }
    }

    pub(super) fn outcome(
        &self,
        record: &Record<C>,
        failure: &Failure,
        sent_at: Option<SystemTime>,
        sight: Sight,
    ) -> Outcome {
        let policy = &self.terms.policy;
        let mut outcome = unchanged(record, sight.now);
        outcome.sent_at = match failure {
            Failure::NotSent { .. } | Failure::Incomplete { .. } => record.sent_at,
            Failure::Unanswered { .. } => sent_at.or(record.sent_at),
            Failure::Refused { .. } | Failure::ClientRefused { .. } | Failure::Transient { .. } => {
                None
            }
        };
        let distance = if let Failure::Refused { reason } = failure {
            // What failed before the refusal does not make its distances longer.
            outcome.failures = match record.status {
                Status::NeedsReauth => record.failures.saturating_add(1),
                _ => 1,
            };
            outcome.status = Some((Status::NeedsReauth, reason.clone()));
            schedule::reauth(policy.reauth, outcome.failures, sight.random)
        } else if record.status == Status::NeedsReauth {
            schedule::reauth(policy.reauth, 1, sight.random)
        } else {
            outcome.failures = record.failures.saturating_add(1);
            let retry_after = match failure {
                Failure::Transient { retry_after, .. } => *retry_after,
                _ => None,
            };
            schedule::backoff(policy.backoff, outcome.failures, retry_after, sight.random)
        };
        outcome.retry_at = Some(wall_after(sight.now, distance));
        if policy.on_lost_answer == OnLostAnswer::Defer
            && outcome.sent_at.is_some()
            && !self.over(record, sight.now)
        {
            outcome.refresh_at = record.expires_at;
        }
        outcome
    }
}

/// Until when an earlier failure's backoff holds the next try off.
pub(crate) fn held_off<C>(record: &Record<C>, now: SystemTime) -> Option<SystemTime> {
    let longest = match record.status {
        Status::NeedsReauth => LONGEST_REAUTH,
        Status::Active | Status::Disabled => LONGEST_BACKOFF,
    };
    record.retry_at.filter(|at| in_force(*at, now, longest))
}

/// Whether the token's life is over by the wall clock, a small margin before its end.
pub(crate) fn is_over<C>(record: &Record<C>, now: SystemTime) -> bool {
    record
        .expires_at
        .is_some_and(|end| wall_after(now, life_margin(record)) >= end)
}

/// The margin for this record's token.
pub(crate) fn life_margin<C>(record: &Record<C>) -> Duration {
    match (record.expires_at, record.refreshed_at) {
        (Some(end), Some(from)) => margin(end.duration_since(from).unwrap_or_default()),
        _ => margin(Duration::MAX),
    }
}

pub(super) fn unchanged<C>(record: &Record<C>, now: SystemTime) -> Outcome {
    Outcome {
        status: None,
        refresh_at: None,
        retry_at: record.retry_at,
        failures: record.failures,
        sent_at: record.sent_at,
        at: now,
    }
}
