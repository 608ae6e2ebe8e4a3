//! When something is done: pure arithmetic on times.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::clock::wall_after;
use crate::jitter::stable;
use crate::{AccountId, Backoff, RefreshPolicy};

/// A `retry_at` of an active account that lies further off than this counts as over: a clock has
/// jumped since it was written.
pub(crate) const LONGEST_BACKOFF: Duration = Duration::from_secs(15 * 60);

/// The same for a grant that was refused.
pub(crate) const LONGEST_REAUTH: Duration = Duration::from_secs(27 * 60 * 60);

/// The clocks of two processes may differ by this much: what is written stays so far below what
/// counts as over.
const SKEW: Duration = Duration::from_secs(30);

/// How much of the life of a grant is left when it is used only to keep it alive: a fifth, at most.
const GRANT_MARGIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A grant that lives shorter than this is not worth a call of its own: its tokens are renewed
/// sooner in any case, or the vendor is telling the end of a life that no refresh moves.
const SHORT_GRANT: Duration = Duration::from_secs(60 * 60);

/// When the schedule should renew a token of this account.
///
/// `from` is when the token was bought (just before the call was sent), or now for one that was
/// given. The account's own, stable point lies between `before.max` and `before.min` before the
/// expiry, or, if the token lives shorter than twice `before.max`, between 50% and 80% of its life;
/// earlier if the grant itself would die unused. `None`: nothing ever expires.
pub fn refresh_at(
    account: &AccountId,
    from: SystemTime,
    expires_at: Option<SystemTime>,
    refresh_expires_at: Option<SystemTime>,
    policy: &RefreshPolicy,
) -> Option<SystemTime> {
    let point = stable(account);
    let token = expires_at.map(|end| token_point(from, end, policy, point));
    let grant = refresh_expires_at.and_then(|end| grant_point(from, end, point));
    match (token, grant) {
        (Some(token), Some(grant)) => Some(token.min(grant)),
        (one, other) => one.or(other),
    }
}

fn token_point(
    from: SystemTime,
    end: SystemTime,
    policy: &RefreshPolicy,
    point: f64,
) -> SystemTime {
    let life = end.duration_since(from).unwrap_or_default();
    let (min, max) = (policy.before.min, policy.before.max.max(policy.before.min));
    let after = if life < max.saturating_mul(2) {
        life.mul_f64(0.5 + 0.3 * point)
    } else {
        life.saturating_sub(min + (max - min).mul_f64(point))
    };
    wall_after(from, after)
}

fn grant_point(from: SystemTime, end: SystemTime, point: f64) -> Option<SystemTime> {
    let life = end.duration_since(from).unwrap_or_default();
    if life < SHORT_GRANT {
        return None;
    }
    let margin = (life / 5).min(GRANT_MARGIN).mul_f64(0.5 + 0.5 * point);
    Some(wall_after(from, life.saturating_sub(margin)))
}

fn doubled(backoff: Backoff, failures: u32, longest: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1).min(31));
    let distance = backoff.base.saturating_mul(factor).min(backoff.max);
    distance.min(longest - SKEW)
}

/// The distance to the next try after so many transient failures in a row: a random part of what
/// doubles (full jitter, but never nothing), and never before the server's own `Retry-After`.
pub(crate) fn backoff(
    backoff: Backoff,
    failures: u32,
    retry_after: Option<Duration>,
    random: f64,
) -> Duration {
    let ceiling = doubled(backoff, failures, LONGEST_BACKOFF);
    let own = ceiling.mul_f64(random).max(backoff.base.min(ceiling) / 10);
    own.max(retry_after.unwrap_or_default().min(LONGEST_BACKOFF - SKEW))
}

/// The distance to the next try of a refused grant: doubles; jitter only adds, up to a tenth.
pub(crate) fn reauth(reauth: Backoff, failures: u32, random: f64) -> Duration {
    let distance = doubled(reauth, failures, LONGEST_REAUTH);
    (distance + distance.mul_f64(random / 10.0)).min(LONGEST_REAUTH - SKEW)
}

/// How long before its expiry a token of this life counts as over: it must not run out on its way.
pub(crate) fn margin(life: Duration) -> Duration {
    (life / 20).min(Duration::from_secs(2))
}

/// Whether a time that was written lies ahead, and not so far that only a clock that jumped can
/// have written it.
pub(crate) fn in_force(until: SystemTime, now: SystemTime, longest: Duration) -> bool {
    until > now && until <= wall_after(now, longest)
}

/// Which accounts this process itself should renew, and when.
#[derive(Debug, Default)]
pub(crate) struct Timetable {
    by_time: BTreeSet<(Instant, AccountId)>,
    by_account: HashMap<AccountId, Instant>,
}

impl Timetable {
    /// Puts an account down for a time in place of its earlier one; `None` takes it off.
    pub(crate) fn set(&mut self, account: &AccountId, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.by_account.insert(account.clone(), at),
            None => self.by_account.remove(account),
        };
        if let Some(before) = before {
            self.by_time.remove(&(before, account.clone()));
        }
        if let Some(at) = at {
            self.by_time.insert((at, account.clone()));
        }
    }

    /// The earliest time in it.
    pub(crate) fn soonest(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes off one account whose time has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<AccountId> {
        if self.soonest()? > now {
            return None;
        }
        let (_, account) = self.by_time.pop_first()?;
        self.by_account.remove(&account);
        Some(account)
    }
}

#[cfg(test)]
mod tests;
